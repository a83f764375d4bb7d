// Whole folders as one envelope.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { SealedFolder } from "plico";
import { TestDirectory } from "plico/testing";
import { longFile, temporaryFolder } from "./tools/folder.mjs";

const directory = await TestDirectory.start();
const { account } = await directory.person("dr.a");
const session = await account.createSession();
const context = { study: 7 };

function study(t) {
  const folder = temporaryFolder(t);
  const files = {
    "readme.txt": Buffer.from("what this is"),
    "series/1/scan.dcm": randomBytes(300_000),
    "series/1/empty": Buffer.alloc(0),
    "series/2/Größe": randomBytes(20_000),
  };
  mkdirSync(`${folder}/study/nothing`, { recursive: true });
  for (const [path, data] of Object.entries(files)) {
    mkdirSync(`${folder}/study/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    writeFileSync(`${folder}/study/${path}`, data);
  }
  return { folder, files };
}

test("a folder comes back, with all that is in it", async (t) => {
  const { folder, files } = study(t);
  const reports = [];
  await session.encryptFolder(pathToFileURL(`${folder}/study`), `${folder}/sealed`, {
    context,
    threads: 2,
    onProgress: (it) => reports.push(it),
  });
  const { done, total } = reports.at(-1);
  assert.ok(done === total && total > 320_000);
  await account.decryptFolder(`${folder}/sealed`, `${folder}/again`, { context });
  for (const [path, data] of Object.entries(files)) {
    assert.ok(readFileSync(`${folder}/again/${path}`).equals(data), path);
  }
  assert.ok(statSync(`${folder}/again/nothing`).isDirectory());
  const again = account.decryptFolder(`${folder}/sealed`, `${folder}/again`, { context });
  await assert.rejects(again, { code: "IO" });
  const wrong = account.decryptFolder(`${folder}/sealed`, `${folder}/other`);
  await assert.rejects(wrong, { code: "CONTEXT_REQUIRED" });
  assert.ok(!existsSync(`${folder}/other`));
});

test("members are listed, and decrypted one by one", async (t) => {
  const { folder, files } = study(t);
  await session.encryptFolder(`${folder}/study`, `${folder}/sealed`, { context });
  const sealed = await account.openFolder(`${folder}/sealed`, { context });
  assert.ok(sealed instanceof SealedFolder);
  const listed = sealed.members.filter((it) => !it.isFolder);
  assert.deepEqual(listed.map(({ path }) => path).sort(), Object.keys(files).sort());
  for (const { path, size, modified } of listed) {
    assert.equal(size, files[path].length);
    assert.ok(Math.abs(modified - Date.now()) < 3_600_000);
    const reports = [];
    await sealed.extract(path, `${folder}/one`, { onProgress: (it) => reports.push(it) });
    assert.ok(readFileSync(`${folder}/one`).equals(files[path]), path);
    assert.equal(reports.at(-1).done, size);
  }
  await assert.rejects(sealed.extract("missing", `${folder}/two`), { code: "INVALID_ARGUMENT" });
  await assert.rejects(sealed.extract("series", `${folder}/two`), { code: "INVALID_ARGUMENT" });
  await assert.rejects(sealed.extract(7, `${folder}/two`), { code: "INVALID_ARGUMENT" });
  await assert.rejects(sealed.extract("readme.txt", 7), { code: "INVALID_ARGUMENT" });
  const aborted = { signal: AbortSignal.abort() };
  await assert.rejects(sealed.extract("readme.txt", `${folder}/two`, aborted), { code: "CANCELLED" });
  await sealed.close();
  await sealed.close();
  await assert.rejects(sealed.extract("readme.txt", `${folder}/two`), { code: "CLOSED" });
  assert.ok(!existsSync(`${folder}/two`));
});

test("links are an error, or left out on request", async (t) => {
  const { folder } = study(t);
  symlinkSync("/etc/hostname", `${folder}/study/link`);
  const seal = (options) => session.encryptFolder(`${folder}/study`, `${folder}/sealed`, options);
  await assert.rejects(seal(), { code: "INVALID_ARGUMENT" });
  assert.ok(!existsSync(`${folder}/sealed`));
  await seal({ skipLinks: true });
  const sealed = await account.openFolder(`${folder}/sealed`);
  assert.ok(!sealed.members.some((it) => it.path === "link"));
});

/** The sealed folder in an object store, which counts what it is asked for. */
async function inAStore(folder) {
  await session.encryptFolder(`${folder}/study`, `${folder}/sealed`, { context });
  const object = readFileSync(`${folder}/sealed`);
  const store = {
    object,
    asked: 0,
    length: object.length,
    async read(offset, length) {
      store.asked += length;
      if (store.broken) throw store.broken;
      return store.object.subarray(offset, offset + length);
    },
  };
  return store;
}

test("members come from a source of ranges as from a file", async (t) => {
  const { folder, files } = study(t);
  const store = await inAStore(folder);
  const there = await account.openFolder(store, { context });
  assert.ok(store.asked < 200_000, `the list: ${store.asked}`);
  const here = await account.openFolder(`${folder}/sealed`, { context, threads: 2 });
  assert.deepEqual(there.members, here.members);
  for (const [path, data] of Object.entries(files)) {
    for (const [offset, length] of [
      [0, Number.MAX_SAFE_INTEGER],
      [3, 9],
      [data.length, 10],
      [200_000, 20_000],
    ]) {
      const wanted = data.subarray(offset, offset + length);
      for (const study of [here, there]) {
        assert.ok((await study.read(path, offset, length)).equals(wanted), `${path} ${offset}`);
      }
    }
    await there.extract(path, `${folder}/out`);
    assert.ok(readFileSync(`${folder}/out`).equals(data), path);
  }
  store.asked = 0;
  await there.read("series/1/scan.dcm", 100_000, 1000);
  assert.ok(store.asked <= 2 * 16_400, `a part: ${store.asked}`);
  for (const study of [here, there]) {
    for (const none of ["missing", "series", ""]) {
      await assert.rejects(study.read(none, 0, 1), { code: "INVALID_ARGUMENT" });
    }
    for (const wrong of [-1, 0.5, "1", NaN, undefined]) {
      await assert.rejects(study.read("readme.txt", wrong, 1), { code: "INVALID_ARGUMENT" });
      await assert.rejects(study.read("readme.txt", 0, wrong), { code: "INVALID_ARGUMENT" });
    }
    await assert.rejects(study.read(7, 0, 1), { code: "INVALID_ARGUMENT" });
    await assert.rejects(study.read("readme.txt", 0, 1, 7), { code: "INVALID_ARGUMENT" });
    await study.close();
    await assert.rejects(study.read("readme.txt", 0, 1), { code: "CLOSED" });
  }
});

test("a source that fails, alters or falls silent leaves nothing", async (t) => {
  const { folder } = study(t);
  const store = await inAStore(folder);
  const there = await account.openFolder(store, { context });
  const before = readdirSync(folder).sort();
  store.broken = new Error("the store is gone");
  const extract = (options) => there.extract("series/1/scan.dcm", `${folder}/out`, options);
  for (const call of [
    () => extract(),
    () => there.read("series/1/scan.dcm", 0, 10),
    () => account.openFolder(store, { context }),
  ]) {
    await assert.rejects(call(), (error) => {
      assert.equal(error.code, "IO");
      assert.equal(error.cause, store.broken);
      return true;
    });
  }
  store.broken = undefined;
  const nowhere = there.extract("readme.txt", `${folder}/none/out`);
  await assert.rejects(nowhere, (error) => error.code === "IO" && error.cause === undefined);
  store.object = Buffer.from(store.object);
  store.object[200_000] ^= 1;
  await assert.rejects(extract(), { code: "ENVELOPE_DAMAGED" });
  const silent = await inAStore(folder);
  const slow = await account.openFolder(silent, { context });
  silent.read = () => new Promise(() => {});
  const reason = new Error("enough");
  for (const call of [
    (signal) => slow.extract("series/1/scan.dcm", `${folder}/out`, { signal }),
    (signal) => slow.read("series/1/scan.dcm", 0, 10, { signal }),
    (signal) => account.openFolder({ length: 50_000, read: silent.read }, { context, signal }),
  ]) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 50);
    await assert.rejects(call(controller.signal), (error) => {
      assert.ok(error === reason || error.code === "CANCELLED", `${error}`);
      return true;
    });
  }
  for (let i = 0; i < 100 && readdirSync(folder).length > before.length; i += 1) {
    await new Promise((done) => setTimeout(done, 20));
  }
  assert.deepEqual(readdirSync(folder).sort(), before);
});

test("damage, cuts and what is no archive leave nothing", async (t) => {
  const { folder } = study(t);
  await session.encryptFolder(`${folder}/study`, `${folder}/sealed`);
  const sealed = readFileSync(`${folder}/sealed`);
  const flipped = Buffer.from(sealed);
  flipped[sealed.length - 100] ^= 1;
  for (const [bytes, code] of [
    [flipped, /^ENVELOPE_DAMAGED$/],
    [sealed.subarray(0, 100_000), /^ENVELOPE_(TRUNCATED|DAMAGED)$/],
    [await session.encrypt(randomBytes(5000)), /^ARCHIVE_INVALID$/],
  ]) {
    writeFileSync(`${folder}/wrong`, bytes);
    const check = (error) => {
      assert.match(error.code, code);
      return true;
    };
    await assert.rejects(account.decryptFolder(`${folder}/wrong`, `${folder}/out`), check);
    assert.deepEqual(readdirSync(folder).sort(), ["sealed", "study", "wrong"]);
  }
});

test("an aborted folder leaves nothing", async (t) => {
  const { folder } = study(t);
  longFile(`${folder}/study/large`);
  const reason = new Error("enough");
  const isCancelled = { code: "CANCELLED", cause: reason };
  const controller = new AbortController();
  const options = { signal: controller.signal, onProgress: () => controller.abort(reason) };
  const call = session.encryptFolder(`${folder}/study`, `${folder}/sealed`, options);
  await assert.rejects(call, isCancelled);
  assert.deepEqual(readdirSync(folder), ["study"]);
  await session.encryptFolder(`${folder}/study`, `${folder}/sealed`);
  const { signal } = controller;
  const aborted = account.decryptFolder(`${folder}/sealed`, `${folder}/again`, { signal });
  await assert.rejects(aborted, isCancelled);
  await assert.rejects(account.openFolder(`${folder}/sealed`, { signal }), isCancelled);
  assert.deepEqual(readdirSync(folder).sort(), ["sealed", "study"]);
});

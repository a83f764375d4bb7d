// Files: whole or not at all, with progress.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { TestDirectory } from "plico/testing";
import { longFile, temporaryFolder } from "./tools/folder.mjs";

const MIB = 1024 * 1024;
const directory = await TestDirectory.start();
const { account } = await directory.person("dr.a");
const session = await account.createSession();

test("files of all sizes come back, by path and by URL", async (t) => {
  const folder = temporaryFolder(t);
  for (const length of [0, 1, 16_384, 300_000]) {
    const data = randomBytes(length);
    writeFileSync(`${folder}/plain`, data);
    await session.encryptFile(pathToFileURL(`${folder}/plain`), `${folder}/sealed`);
    await account.decryptFile(`${folder}/sealed`, pathToFileURL(`${folder}/again`));
    assert.ok(readFileSync(`${folder}/again`).equals(data), `${length} bytes`);
    await session.decryptFile(`${folder}/sealed`, `${folder}/again`);
    assert.ok(readFileSync(`${folder}/again`).equals(data), `${length} bytes`);
    assert.ok((await account.decrypt(readFileSync(`${folder}/sealed`))).data.equals(data));
  }
});

test("progress grows, is not told too often, and ends with all of it before the promise", async (t) => {
  const folder = temporaryFolder(t);
  for (const length of [0, 1000, 64 * MIB]) {
    writeFileSync(`${folder}/plain`, Buffer.alloc(length));
    for (const run of [
      (options) => session.encryptFile(`${folder}/plain`, `${folder}/sealed`, options),
      (options) => account.decryptFile(`${folder}/sealed`, `${folder}/again`, options),
    ]) {
      const reports = [];
      const start = performance.now();
      await run({ onProgress: (progress) => reports.push(progress) });
      const most = (performance.now() - start) / 50 + 2;
      const count = reports.length;
      assert.ok(count >= 1 && count <= most, `${count} reports`);
      assert.deepEqual(reports.at(-1), { done: length, total: length });
      for (const [at, { done, total }] of reports.entries()) {
        assert.equal(total, length);
        assert.ok(at === 0 || done > reports[at - 1].done, "it grows");
      }
      await new Promise((resolve) => setTimeout(resolve, 60));
      assert.equal(reports.length, count, "nothing comes after the promise");
    }
  }
});

test("a listener that throws cancels, and nothing is left", async (t) => {
  const folder = temporaryFolder(t);
  longFile(`${folder}/plain`);
  const cause = new TypeError("a bug in the app");
  const onProgress = () => {
    throw cause;
  };
  const call = session.encryptFile(`${folder}/plain`, `${folder}/sealed`, { onProgress });
  await assert.rejects(call, { code: "CANCELLED", cause });
  assert.deepEqual(readdirSync(folder), ["plain"]);
});

test("an aborted file leaves nothing, and what was there before stays", async (t) => {
  const folder = temporaryFolder(t);
  longFile(`${folder}/plain`);
  await session.encryptFile(`${folder}/plain`, `${folder}/sealed`);
  writeFileSync(`${folder}/old`, "old");
  const aborted = async (run, when) => {
    const controller = new AbortController();
    const reason = new Error("the user has left");
    const onProgress = () => {
      if (when === "under way") controller.abort(reason);
    };
    if (when === "before") controller.abort(reason);
    const call = run({ signal: controller.signal, onProgress });
    if (when === "at once") controller.abort(reason);
    await assert.rejects(call, { name: "PlicoError", code: "CANCELLED", cause: reason });
    assert.deepEqual(readdirSync(folder).sort(), ["old", "plain", "sealed"]);
    assert.equal(readFileSync(`${folder}/old`, "utf8"), "old");
  };
  for (const when of ["before", "at once", "under way"]) {
    await aborted(
      (options) => session.encryptFile(`${folder}/plain`, `${folder}/old`, options),
      when,
    );
    await aborted(
      (options) => session.encryptFile(`${folder}/plain`, `${folder}/new`, options),
      when,
    );
    await aborted(
      (options) => account.decryptFile(`${folder}/sealed`, `${folder}/old`, options),
      when,
    );
    await aborted(
      (options) => session.decryptFile(`${folder}/sealed`, `${folder}/new`, options),
      when,
    );
  }
});

// Parts of an envelope: from a file and from a source of the app's.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { EnvelopeReader } from "plico";
import { TestDirectory } from "plico/testing";
import { temporaryFolder } from "./tools/folder.mjs";

const MIB = 1024 * 1024;
const directory = await TestDirectory.start();
const { account } = await directory.person("dr.a");
const session = await account.createSession();
const context = { table: "scans", row: 7 };

/** A source that writes down what it is asked for. */
function source(envelope, asked = []) {
  return {
    length: envelope.length,
    asked,
    async read(offset, length) {
      asked.push([offset, length]);
      return envelope.subarray(offset, offset + length);
    },
  };
}

/** An envelope without padding, whose chunks begin where those of the data do. */
async function plainly(data, options) {
  const source = (async function* () {
    yield data;
  })();
  const parts = [];
  for await (const part of session.encryptStream(source, options)) parts.push(part);
  return Buffer.concat(parts);
}

async function sealedFile(folder, data, options) {
  writeFileSync(`${folder}/plain`, data);
  await session.encryptFile(`${folder}/plain`, `${folder}/sealed`, options);
  return `${folder}/sealed`;
}

test("any range comes, from a file and from a source, and beyond the end nothing", async (t) => {
  const folder = temporaryFolder(t);
  for (const length of [0, 1, 16_384, 300_000]) {
    const data = randomBytes(length);
    const sealed = await session.encrypt(data, { context });
    const path = await sealedFile(folder, data, { context });
    for (const from of [path, pathToFileURL(path), source(sealed)]) {
      const reader = await account.openEnvelope(from, { context, threads: 2 });
      assert.ok(reader instanceof EnvelopeReader);
      assert.equal(reader.length, length);
      for (const [offset, count] of [
        [0, 0],
        [0, 1],
        [0, length],
        [1, 16_384],
        [16_383, 2],
        [length - 1, 10],
        [length, 10],
        [length + 5, 10],
        [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
      ]) {
        if (offset < 0) continue;
        const part = await reader.read(offset, count);
        assert.ok(part.equals(data.subarray(offset, offset + count)), `${offset}, ${count}`);
      }
      await reader.close();
    }
  }
});

test("only the chunks that cover a range are fetched, at most 4 MiB at once", async () => {
  const data = randomBytes(9 * MIB);
  const sealed = await plainly(data);
  const it = source(sealed);
  const reader = await account.openEnvelope(it);
  assert.ok(it.asked.length <= 3, `${it.asked.length} requests to open`);
  const fetched = async (offset, length) => {
    it.asked.length = 0;
    assert.ok((await reader.read(offset, length)).equals(data.subarray(offset, offset + length)));
    return it.asked;
  };
  assert.deepEqual(await fetched(0, 1), [[82, 16_400]]);
  assert.deepEqual(await fetched(16_384, 1), [[82 + 16_400, 16_400]]);
  assert.deepEqual(await fetched(16_383, 2), [[82, 2 * 16_400]]);
  assert.deepEqual(await fetched(5 * MIB, 0), []);
  const large = await fetched(0, 9 * MIB);
  assert.ok(large.length === 3 && large.every(([, length]) => length <= 256 * 16_400));
});

test("many reads at a time, of a file and of a source", async (t) => {
  const data = randomBytes(2 * MIB);
  const path = await sealedFile(temporaryFolder(t), data);
  for (const from of [path, source(await session.encrypt(data))]) {
    const reader = await account.openEnvelope(from);
    const read = async (at) => {
      const offset = (at * 104_729) % data.length;
      const part = await reader.read(offset, 20_000);
      assert.ok(part.equals(data.subarray(offset, offset + 20_000)));
    };
    await Promise.all(Array.from({ length: 50 }, (_, at) => read(at)));
    await reader.close();
  }
});

test("a source that lies about the length is caught when it is opened", async () => {
  const sealed = await session.encrypt(randomBytes(100_000));
  for (const length of [0, 1, 25, 81, 82, 98, 16_482, 16_483, sealed.length - 1, sealed.length - 16_400]) {
    await assert.rejects(account.openEnvelope({ ...source(sealed), length }), (error) => {
      assert.match(error.code, /^(ENVELOPE_(TRUNCATED|DAMAGED)|NOT_AN_ENVELOPE)$/, `${length}`);
      return true;
    });
  }
  for (const more of [1, 16, 16_400, 2 ** 40]) {
    const lying = { ...source(sealed), length: sealed.length + more };
    await assert.rejects(account.openEnvelope(lying), (error) => {
      assert.match(error.code, /^ENVELOPE_(TRUNCATED|DAMAGED)$/, `${more} more`);
      return true;
    });
  }
});

test("a source that gives something else is caught, and what is right stays readable", async () => {
  const data = randomBytes(100_000);
  const sealed = await session.encrypt(data);
  const it = source(sealed);
  const right = it.read;
  const reader = await account.openEnvelope(it);
  const flipped = Buffer.from(sealed);
  flipped[20_000] ^= 1;
  const cases = {
    "flipped byte": [(offset, length) => flipped.subarray(offset, offset + length), "ENVELOPE_DAMAGED"],
    "too few": [(offset, length) => sealed.subarray(offset, offset + length - 1), "ENVELOPE_TRUNCATED"],
    "too many": [(offset, length) => sealed.subarray(offset, offset + length + 1), "ENVELOPE_TRUNCATED"],
    nothing: [() => new Uint8Array(), "ENVELOPE_TRUNCATED"],
    "another place": [(offset, length) => sealed.subarray(offset + 16_400, offset + 16_400 + length), "ENVELOPE_DAMAGED"],
  };
  for (const [what, [read, code]] of Object.entries(cases)) {
    it.read = read;
    await assert.rejects(reader.read(16_384, 100), { name: "PlicoError", code }, what);
    it.read = right;
    assert.ok((await reader.read(16_384, 100)).equals(data.subarray(16_384, 16_484)), what);
  }
  it.read = (offset, length) => flipped.subarray(offset, offset + length);
  assert.ok((await reader.read(0, 100)).equals(data.subarray(0, 100)), "another chunk");
});

test("a source that fails is IO, with what it threw", async () => {
  const sealed = await session.encrypt(randomBytes(100_000));
  const cause = new TypeError("a bug in the app");
  const failing = {
    "in the call": () => {
      throw cause;
    },
    later: () => Promise.reject(cause),
  };
  for (const read of Object.values(failing)) {
    const isIts = (error) => {
      assert.equal(error.code, "IO");
      assert.equal(error.cause, cause);
      return true;
    };
    await assert.rejects(account.openEnvelope({ length: sealed.length, read }), isIts);
    const it = source(sealed);
    const reader = await account.openEnvelope(it);
    it.read = read;
    await assert.rejects(reader.read(0, 1), isIts);
  }
  for (const wrong of ["text", undefined, null, 7, {}, new Uint8Array(new SharedArrayBuffer(9))]) {
    const read = async () => wrong;
    await assert.rejects(account.openEnvelope({ length: sealed.length, read }), (error) => {
      assert.equal(error.code, "IO");
      assert.equal(error.cause.code, "INVALID_ARGUMENT");
      return true;
    });
  }
});

test("files that are damaged, cut or missing", async (t) => {
  const folder = temporaryFolder(t);
  const sealed = await plainly(randomBytes(100_000), { context });
  const open = (bytes, options = { context }) => {
    writeFileSync(`${folder}/sealed`, bytes);
    return account.openEnvelope(`${folder}/sealed`, options);
  };
  await assert.rejects(account.openEnvelope(`${folder}/missing`), { code: "IO" });
  await assert.rejects(account.openEnvelope(folder), { code: "IO" });
  for (const length of [0, 10, 26, 82, 20_000, sealed.length - 1]) {
    await assert.rejects(open(sealed.subarray(0, length)), (error) => {
      assert.match(error.code, /^(ENVELOPE_(TRUNCATED|DAMAGED)|NOT_AN_ENVELOPE)$/, `${length}`);
      return true;
    });
  }
  await assert.rejects(open(sealed, { context: { row: 8 } }), { code: "CONTEXT_MISMATCH" });
  await assert.rejects(open(sealed, {}), { code: "CONTEXT_REQUIRED" });
  const flipped = Buffer.from(sealed);
  flipped[20_000] ^= 1;
  const reader = await open(flipped);
  await assert.rejects(reader.read(0, 100_000), { code: "ENVELOPE_DAMAGED" });
  assert.equal((await reader.read(0, 16_384)).length, 16_384);
});

test("opening and reading end when they are told to", async () => {
  const sealed = await session.encrypt(randomBytes(100_000));
  const reason = new Error("enough");
  const isCancelled = { code: "CANCELLED", cause: reason };
  const it = source(sealed);
  const reader = await account.openEnvelope(it);
  it.read = () => new Promise(() => {});
  for (const run of [(options) => reader.read(0, 1, options), (options) => account.openEnvelope(it, options)]) {
    await assert.rejects(run({ signal: AbortSignal.abort(reason) }), isCancelled);
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 20);
    await assert.rejects(run({ signal: controller.signal }), isCancelled);
  }
  it.read = source(sealed).read;
  assert.equal((await reader.read(0, 10)).length, 10);
});

test("after closing", async (t) => {
  const path = await sealedFile(temporaryFolder(t), randomBytes(100));
  const { account: closing } = await directory.person("dr.closing");
  const own = await closing.createSession();
  const sealed = await own.encrypt(randomBytes(100));
  const open = [
    await account.openEnvelope(path),
    await account.openEnvelope(source(await session.encrypt(randomBytes(100)))),
  ];
  for (const reader of open) {
    await reader.close();
    await reader.close();
    assert.equal(reader.length, 100);
    await assert.rejects(reader.read(0, 1), { code: "CLOSED" });
  }
  const reader = await closing.openEnvelope(source(sealed));
  await closing.close();
  await assert.rejects(reader.read(0, 1), { code: "CLOSED" });
  await assert.rejects(closing.openEnvelope(source(sealed)), { code: "CLOSED" });
  assert.throws(() => new EnvelopeReader(), { code: "INVALID_ARGUMENT" });
});

test("what is no range is refused", async () => {
  const reader = await account.openEnvelope(source(await session.encrypt(randomBytes(100))));
  for (const wrong of [undefined, null, -1, 0.5, NaN, Infinity, "1", 1n, {}, 2 ** 53]) {
    await assert.rejects(reader.read(wrong, 1), { code: "INVALID_ARGUMENT" });
    await assert.rejects(reader.read(0, wrong), { code: "INVALID_ARGUMENT" });
    await assert.rejects(account.openEnvelope({ length: wrong, read() {} }), { code: "INVALID_ARGUMENT" });
  }
});

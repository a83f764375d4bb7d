// Streams: both ways, in every kind, and whatever may go wrong with them.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { getEventListeners } from "node:events";
import { createReadStream, createWriteStream, readFileSync, writeFileSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ReadableStream } from "node:stream/web";
import { test } from "node:test";
import { promisify } from "node:util";
import { TestDirectory } from "plico/testing";
import { temporaryFolder } from "./tools/folder.mjs";

const MIB = 1024 * 1024;
const directory = await TestDirectory.start();
const { account } = await directory.person("dr.a");
const session = await account.createSession();
const context = { table: "scans", row: 7 };

async function* pieces(data, size = 10_000) {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

/** All that comes, and the error that it ends with. */
async function drained(stream) {
  const parts = [];
  try {
    for await (const part of stream) {
      assert.ok(part instanceof Uint8Array && part.length > 0);
      parts.push(part);
    }
    return { data: Buffer.concat(parts) };
  } catch (error) {
    return { data: Buffer.concat(parts), error };
  }
}

async function all(stream) {
  const { data, error } = await drained(stream);
  if (error !== undefined) throw error;
  return data;
}

test("streams of all kinds and sizes come back, and are envelopes like any other", async (t) => {
  const folder = temporaryFolder(t);
  const sources = {
    generator: (data) => pieces(data),
    "large pieces": (data) => pieces(data, 3 * MIB),
    "empty pieces": async function* (data) {
      yield new Uint8Array();
      yield* pieces(data);
      yield new Uint8Array();
    },
    web: (data) => ReadableStream.from(pieces(data)),
    node: (data) => Readable.from(pieces(data)),
    "single bytes": (data) => pieces(data.subarray(0, 200), 1),
  };
  for (const [kind, source] of Object.entries(sources)) {
    for (const length of [0, 1, 16_384, 300_000, 5 * MIB]) {
      const data = randomBytes(length);
      const expected = kind === "single bytes" ? data.subarray(0, 200) : data;
      for (const threads of [undefined, 3]) {
        const what = `${kind}, ${length} bytes, ${threads} threads`;
        const sealed = await all(session.encryptStream(source(data), { context, threads }));
        const opened = await account.decrypt(sealed, { context });
        assert.ok(opened.data.equals(expected), what);
        if (kind === "single bytes") {
          const again = account.decryptStream(pieces(sealed, 1), { context, threads });
          assert.ok((await all(again)).equals(expected), what);
        } else {
          const again = account.decryptStream(source(sealed), { context, threads });
          assert.ok((await all(again)).equals(expected), what);
        }
      }
    }
  }
  const data = randomBytes(700_000);
  writeFileSync(`${folder}/plain`, data);
  const sealing = session.encryptStream(createReadStream(`${folder}/plain`), { context });
  await pipeline(sealing, createWriteStream(`${folder}/sealed`));
  await account.decryptFile(`${folder}/sealed`, `${folder}/again`, { context });
  assert.ok(readFileSync(`${folder}/again`).equals(data));
  await session.encryptFile(`${folder}/plain`, `${folder}/sealed`, { context });
  const opening = account.decryptStream(createReadStream(`${folder}/sealed`), { context });
  assert.ok((await all(opening)).equals(data));
  // What `encrypt` pads comes without its padding.
  const padded = await session.encrypt(data.subarray(0, 100_001));
  assert.ok((await all(account.decryptStream(pieces(padded)))).equals(data.subarray(0, 100_001)));
});

test("a stream goes through what the platform has for streams", async () => {
  const data = randomBytes(200_000);
  const sealed = session.encryptStream(new Blob([data]).stream());
  const opened = account.decryptStream(new Response(sealed).body);
  assert.ok(Buffer.from(await new Response(opened).arrayBuffer()).equals(data));
});

test("a truncated stream is an error at the end, and what came is the beginning", async () => {
  const data = randomBytes(5 * 16_384);
  const sealed = await session.encrypt(data);
  for (const length of [0, 1, 25, 26, 40, 81, 82, 83, 16_482, 16_483, 40_000, sealed.length - 1]) {
    const cut = sealed.subarray(0, length);
    const { data: came, error } = await drained(account.decryptStream(pieces(cut)));
    const whole = await account.decrypt(cut).catch((error) => error);
    assert.ok(error !== undefined, `${length} bytes`);
    // In the middle of a chunk, it looks like a last one that is damaged.
    assert.equal(error.code, whole.code, `${length} bytes`);
    assert.ok(data.subarray(0, came.length).equals(came), `${length} bytes`);
  }
});

test("a flipped byte is an error, and nothing of its chunk comes out", async () => {
  const data = randomBytes(5 * 16_384);
  const sealed = await all(session.encryptStream(pieces(data)));
  for (const at of [0, 5, 6, 30, 60, 81, 82, 16_481, 16_482, 50_000, sealed.length - 1]) {
    const flipped = Buffer.from(sealed);
    flipped[at] ^= 1;
    for (const threads of [1, 2]) {
      const opening = account.decryptStream(pieces(flipped, 1000), { threads });
      const { data: came, error } = await drained(opening);
      const whole = await account.decrypt(flipped).catch((error) => error);
      assert.equal(error?.name, "PlicoError", `byte ${at}`);
      assert.equal(error.code, whole.code, `byte ${at}`);
      const chunk = Math.max(0, Math.floor((at - 82) / 16_400));
      assert.ok(came.length <= chunk * 16_384, `byte ${at}: ${came.length} bytes came`);
      assert.ok(data.subarray(0, came.length).equals(came), `byte ${at}`);
    }
  }
  const longer = Buffer.concat([sealed, Buffer.alloc(1)]);
  const { error } = await drained(account.decryptStream(pieces(longer)));
  assert.match(error.code, /^ENVELOPE_/);
});

test("the context must be the same", async () => {
  const sealed = await all(session.encryptStream(pieces(randomBytes(100)), { context }));
  const plain = await all(session.encryptStream(pieces(randomBytes(100))));
  for (const [envelope, context, code] of [
    [sealed, { table: "scans", row: 8 }, "CONTEXT_MISMATCH"],
    [sealed, undefined, "CONTEXT_REQUIRED"],
    [plain, { table: "scans", row: 7 }, "CONTEXT_UNEXPECTED"],
  ]) {
    const { data, error } = await drained(account.decryptStream(pieces(envelope), { context }));
    assert.equal(error.code, code);
    assert.equal(data.length, 0);
  }
});

/** Gives without end, and tells how much, and whether it was stopped. */
function endless(size = 64 * 1024) {
  const it = { given: 0, stopped: false };
  it.source = (async function* () {
    try {
      for (;;) {
        it.given += 1;
        yield Buffer.alloc(size);
      }
    } finally {
      it.stopped = true;
    }
  })();
  return it;
}

const soon = () => new Promise((resolve) => setTimeout(resolve, 20));

test("nothing is read ahead: a slow reader holds the source back", async () => {
  const it = endless();
  const reader = session.encryptStream(it.source).getReader();
  await soon();
  assert.equal(it.given, 0, "nothing before somebody reads");
  await reader.read();
  await soon();
  const first = it.given;
  assert.ok(first <= 2, `${first} pieces`);
  for (let count = 1; count <= 10; count += 1) {
    await reader.read();
    await soon();
    assert.ok(it.given <= first + count, `${it.given} pieces for ${count + 1} reads`);
  }
  await reader.cancel();
  assert.ok(it.stopped);
});

test("an aborted stream fails at once, and its source is stopped", async () => {
  const reason = new Error("enough");
  const isCancelled = { name: "PlicoError", code: "CANCELLED", cause: reason };
  for (const when of ["before", "at a read", "between reads"]) {
    const it = endless();
    const controller = new AbortController();
    const { signal } = controller;
    if (when === "before") controller.abort(reason);
    const reader = session.encryptStream(it.source, { signal }).getReader();
    if (when !== "before") {
      await reader.read();
      if (when === "between reads") controller.abort(reason);
      else setImmediate(() => controller.abort(reason));
    }
    await assert.rejects(async () => {
      for (;;) await reader.read();
    }, isCancelled);
    await soon();
    // A generator that was never asked has nothing to stop.
    assert.ok(it.stopped || it.given === 0, when);
    assert.equal(getEventListeners(signal, "abort").length, 0);
  }
});

test("an aborted stream does not wait for a source that gives nothing", async () => {
  let cancelledWith;
  const silent = {
    web: new ReadableStream({ cancel: (reason) => void (cancelledWith = reason) }),
    node: new Readable({ read() {} }),
    iterable: { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) },
  };
  for (const [kind, source] of Object.entries(silent)) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(kind), 30);
    const { signal } = controller;
    const reader = account.decryptStream(source, { signal }).getReader();
    await assert.rejects(reader.read(), { code: "CANCELLED", cause: kind });
    // So does one whose reader goes away.
    const other = session.encryptStream(kind === "iterable" ? source : new Readable({ read() {} }));
    const reading = other.getReader();
    const read = reading.read();
    await soon();
    await reading.cancel("enough");
    assert.deepEqual(await read, { done: true, value: undefined });
  }
  await soon();
  assert.equal(cancelledWith.code, "CANCELLED");
  assert.ok(silent.node.destroyed);
});

test("whoever stops reading stops the source", async () => {
  const it = endless();
  for await (const part of session.encryptStream(it.source)) {
    assert.ok(part.length > 0);
    break;
  }
  assert.ok(it.stopped);
  let reason;
  const web = new ReadableStream({
    pull: (controller) => controller.enqueue(Buffer.alloc(50_000)),
    cancel: (it) => void (reason = it),
  });
  const stream = session.encryptStream(web);
  assert.ok(web.locked);
  const reader = stream.getReader();
  await reader.read();
  await reader.cancel("enough");
  assert.equal(reason, "enough");
});

test("a source that fails is IO, with what it threw", async () => {
  const cause = new TypeError("a bug in the app");
  const later = async function* () {
    yield randomBytes(100_000);
    throw cause;
  };
  const sources = {
    "in the call": () => ({
      [Symbol.asyncIterator]: () => ({
        next() {
          throw cause;
        },
      }),
    }),
    later,
    web: () => ReadableStream.from(later()),
    node: () => Readable.from(later()),
  };
  for (const [kind, source] of Object.entries(sources)) {
    for (const run of [
      (it) => session.encryptStream(it),
      (it) => account.decryptStream(it),
    ]) {
      // 100,000 random bytes are no envelope, so that is what is said of those.
      const { error } = await drained(run(source()));
      if (error.code === "NOT_AN_ENVELOPE") continue;
      assert.equal(error.code, "IO", kind);
      assert.equal(error.cause, cause, kind);
      assert.ok(!error.message.includes("bug in the app"), kind);
    }
  }
});

test("what is no bytes is refused when it comes", async () => {
  for (const wrong of ["text", 7, null, undefined, {}, new Uint16Array(3), new DataView(new ArrayBuffer(3))]) {
    const { error } = await drained(
      session.encryptStream({
        [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: wrong }) }),
      }),
    );
    assert.equal(error.code, "INVALID_ARGUMENT");
  }
  const { error } = await drained(
    session.encryptStream({ [Symbol.asyncIterator]: () => ({ next: async () => 7 }) }),
  );
  assert.equal(error.code, "IO");
  assert.equal(error.cause.code, "INVALID_ARGUMENT");
});

test("progress grows, is not told too often, and ends with all of it", async () => {
  const data = Buffer.alloc(20 * MIB);
  const sealed = await session.encrypt(data);
  for (const run of [
    (onProgress) => session.encryptStream(pieces(data, 30_000), { onProgress }),
    (onProgress) => account.decryptStream(pieces(sealed, 30_000), { onProgress }),
  ]) {
    const reports = [];
    const start = performance.now();
    await all(run((progress) => reports.push(progress)));
    const most = (performance.now() - start) / 50 + 2;
    assert.ok(reports.length >= 1 && reports.length <= most, `${reports.length} reports`);
    assert.deepEqual(reports.at(-1), { done: data.length, total: 0 });
    for (let at = 1; at < reports.length; at += 1) {
      assert.ok(reports[at].done > reports[at - 1].done, "it grows");
    }
  }
  const cause = new TypeError("a bug in the app");
  const it = endless();
  const onProgress = () => {
    throw cause;
  };
  const { error } = await drained(session.encryptStream(it.source, { onProgress }));
  assert.equal(error.code, "CANCELLED");
  assert.equal(error.cause, cause);
  await soon();
  assert.ok(it.stopped);
});

test("a closed account ends its streams", async () => {
  const { account, plico } = await directory.person("dr.closing");
  const session = await account.createSession();
  const sealed = await session.encrypt(randomBytes(1000));
  const it = endless();
  const reader = session.encryptStream(it.source).getReader();
  await reader.read();
  const late = session.encryptStream(endless().source);
  await account.close();
  await assert.rejects(
    async () => {
      for (;;) await reader.read();
    },
    { code: "CLOSED" },
  );
  await soon();
  assert.ok(it.stopped);
  assert.equal((await drained(late)).error.code, "CLOSED");
  for (const stream of [
    session.encryptStream(pieces(sealed)),
    account.decryptStream(pieces(sealed)),
  ]) {
    assert.equal((await drained(stream)).error.code, "CLOSED");
  }
  await plico?.close();
});

test("many streams at a time do not mix", async () => {
  const signal = AbortSignal.timeout(60_000);
  const run = async (at) => {
    const data = Buffer.alloc(300_000, `stream ${at}`);
    const sealing = session.encryptStream(pieces(data), { context: { at }, signal });
    const opening = account.decryptStream(sealing, { context: { at }, signal });
    assert.ok((await all(opening)).equals(data));
  };
  await Promise.all(Array.from({ length: 40 }, (_, at) => run(at)));
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("a stream that nobody reads on keeps no process alive", async () => {
  const program = `
    import { TestDirectory } from "plico/testing";
    const directory = await TestDirectory.start();
    const { account } = await directory.person("dr.a");
    const session = await account.createSession();
    const source = (async function* () { for (;;) yield Buffer.alloc(100_000); })();
    const reader = session.encryptStream(source).getReader();
    console.log((await reader.read()).value.length > 0);
  `;
  const args = ["--input-type=module", "-e", program];
  const run = promisify(execFile)(process.execPath, args, {
    cwd: new URL("..", import.meta.url),
    timeout: 30_000,
  });
  assert.equal((await run).stdout, "true\n");
});

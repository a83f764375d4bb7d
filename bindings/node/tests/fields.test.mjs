// Many small payloads in one call, and whose ciphers they are encrypted with.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { cipherBackend } from "plico";
import { TestDirectory } from "plico/testing";

const directory = await TestDirectory.start();
const { account } = await directory.person("dr.a");
const session = await account.createSession();

test("fields come back in their order, and one that does not open holds nobody up", async () => {
  const fields = Array.from({ length: 300 }, (_, row) => ({
    data: randomBytes(row % 50),
    ...(row % 3 === 0 ? {} : { context: { table: "notes", row } }),
  }));
  fields.push({ data: randomBytes(200_000) });
  const sealed = await session.encryptMany(fields);
  assert.equal(sealed.length, fields.length);
  const pairs = sealed.map((envelope, at) => ({ envelope, context: fields[at].context }));
  const opened = await account.decryptMany(pairs);
  for (const [at, { status, value }] of opened.entries()) {
    assert.equal(status, "fulfilled");
    assert.ok(value.data.equals(fields[at].data));
    assert.equal(value.sessionId, session.id);
    assert.equal(value.writtenOffline, false);
    assert.ok(Math.abs(value.knownAt - Date.now()) < 3_600_000);
  }
  const one = await account.decrypt(sealed[1], { context: fields[1].context });
  assert.ok(one.data.equals(fields[1].data));

  const flipped = Buffer.from(sealed[0]);
  flipped[flipped.length - 1] ^= 1;
  const results = await account.decryptMany([
    { envelope: flipped },
    { envelope: sealed[1] },
    { envelope: sealed[1], context: { table: "notes", row: 2 } },
    { envelope: Buffer.from("no envelope at all, but long enough for one") },
    { envelope: new Uint8Array() },
    { envelope: sealed[0] },
  ]);
  const codes = results.map(({ reason }) => reason?.code);
  assert.deepEqual(codes.slice(0, 3), ["ENVELOPE_DAMAGED", "CONTEXT_REQUIRED", "CONTEXT_MISMATCH"]);
  assert.equal(codes[3], "NOT_AN_ENVELOPE");
  assert.equal(results[4].status, "rejected");
  assert.ok(results[5].value.data.equals(fields[0].data));
  assert.equal(results[0].reason.name, "PlicoError");
});

test("no fields are no trouble, and a closed account opens none", async () => {
  assert.deepEqual(await session.encryptMany([]), []);
  assert.deepEqual(await account.decryptMany([]), []);
  const { account: closing } = await directory.person("dr.closing");
  const own = await closing.createSession();
  const [envelope] = await own.encryptMany([{ data: randomBytes(3) }]);
  await closing.close();
  await assert.rejects(own.encryptMany([{ data: envelope }]), { code: "CLOSED" });
  await assert.rejects(closing.decryptMany([{ envelope }]), { code: "CLOSED" });
});

test("it is known whose the ciphers are", () => {
  assert.ok(["RustCrypto", "AWS-LC"].includes(cipherBackend()));
});

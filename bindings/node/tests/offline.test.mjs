// An envelope and an identity as two files, on a machine without a network.

import assert from "node:assert/strict";
import { test } from "node:test";
import { generatePassphrase, openOfflineFile } from "plico";
import { hostKey, ward } from "./tools/ward.mjs";

const context = { table: "notes", row: 42 };
const key = hostKey();

test("two files open what was sealed, and say from when they are", async () => {
  const { directory, laptop, session } = await ward();
  const { account } = laptop;
  const sealed = await session.encrypt(Buffer.from("finding"), { context });
  const passphrase = generatePassphrase();
  const identity = await account.exportIdentity({ passphrase });
  await account.rotateUserKey();
  const file = await account.offlineFile(sealed);
  assert.ok(Buffer.isBuffer(file));
  const made = directory.clock.now();
  directory.down(true);
  directory.clock.advance(400 * 24 * 3600 * 1000);
  const { content, asOf } = await openOfflineFile(file, identity, { passphrase }, { context });
  assert.equal(content.data.toString(), "finding");
  assert.equal(content.sessionId, session.id);
  assert.equal(content.writtenOffline, false);
  assert.ok(Math.abs(asOf - made) < 60_000, `${asOf}`);
});

test("files that do not belong together, or to this place", async () => {
  const { laptop, patient, session } = await ward();
  const { account } = laptop;
  const sealed = await session.encrypt(Buffer.from("finding"), { context });
  const identity = await account.exportIdentity(key);
  const file = await account.offlineFile(sealed);
  const others = await patient.account.exportIdentity(key);
  const flipped = Buffer.from(file);
  flipped[file.length - 1] ^= 1; // of the envelope
  for (const [parts, code] of [
    [[file, identity, hostKey(), { context }], "WRONG_PASSPHRASE"],
    [[file, identity, { passphrase: "a passphrase" }, { context }], "INVALID_ARGUMENT"],
    [[file, identity, key], "CONTEXT_REQUIRED"],
    [[file, identity, key, { context: { row: 43 } }], "CONTEXT_MISMATCH"],
    [[file, others, key, { context }], "OFFLINE_FILE_INVALID"],
    [[file, file, key, { context }], "IDENTITY_FILE_INVALID"],
    [[sealed, identity, key, { context }], "OFFLINE_FILE_INVALID"],
    [[file.subarray(0, -1), identity, key, { context }], "OFFLINE_FILE_INVALID"],
    [[new Uint8Array(0), identity, key, { context }], "OFFLINE_FILE_INVALID"],
    [[flipped, identity, key, { context }], "ENVELOPE_DAMAGED"],
    [[file, identity, key, { context, signal: AbortSignal.abort() }], "CANCELLED"],
  ]) {
    await assert.rejects(openOfflineFile(...parts), { name: "PlicoError", code }, code);
  }
  await openOfflineFile(file, identity, key, { context });
});

test("a withdrawn identity opens no later file, and a stranger makes none", async () => {
  const { directory, laptop, phone, session, sealed } = await ward();
  const { account } = laptop;
  const identity = await account.exportIdentity(key);
  const early = await account.offlineFile(sealed);
  const [, ofFile] = await account.devices();
  await account.revokeDevice(ofFile.id);
  const late = await account.offlineFile(sealed);
  await assert.rejects(openOfflineFile(late, identity, key), { code: "DEVICE_REVOKED" });
  await openOfflineFile(early, identity, key);
  await assert.rejects(phone.account.offlineFile(sealed), { code: "NOT_REGISTERED" });
  const stranger = await directory.person("insurer.3");
  await assert.rejects(stranger.account.offlineFile(sealed), { code: "SESSION_NOT_FOUND" });
  await assert.rejects(account.offlineFile(Buffer.from("PLC")), { code: "NOT_AN_ENVELOPE" });
  await session.revoke({ userId: "dr.a" });
  await assert.rejects(account.offlineFile(sealed), { code: "ACCESS_REVOKED" });
});

test("a file with a false time says so, or the same", async () => {
  const { laptop, sealed } = await ward();
  const identity = await laptop.account.exportIdentity(key);
  const file = await laptop.account.offlineFile(sealed);
  for (let at = 0; at < file.length; at += Math.ceil(file.length / 60)) {
    const altered = Buffer.from(file);
    altered[at] ^= 0x80;
    await openOfflineFile(altered, identity, key).then(
      ({ content }) => assert.equal(content.data.toString(), "before"),
      (error) => assert.ok(!["INTERNAL", "NETWORK"].includes(error.code), `${at}: ${error}`),
    );
  }
});

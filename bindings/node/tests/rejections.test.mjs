// Every error is a PlicoError with a code, in every way that a call can fail.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { Plico, PlicoError, RecoveryKey } from "plico";
import { TestDirectory } from "plico/testing";
import { temporaryFolder } from "./tools/folder.mjs";

test("a stack shows who has called", async () => {
  const directory = await TestDirectory.start();
  const { account } = await directory.person("dr.a");
  async function inTheApp() {
    await account.createSession({ recipients: [{ userId: "nobody" }] });
  }
  await assert.rejects(inTheApp(), (error) => {
    assert.ok(error instanceof PlicoError);
    assert.match(error.stack, /inTheApp/);
    assert.doesNotMatch(error.message, /nobody/, "no person is in the message");
    return true;
  });
});

test("what can't be opened says why", async (t) => {
  const directory = await TestDirectory.start();
  const { account } = await directory.person("dr.a");
  await directory.person("dr.b");
  const session = await account.createSession();
  const other = await account.createSession();
  const sealed = await session.encrypt(Buffer.alloc(100_000));
  const flipped = Buffer.from(sealed);
  flipped[50_000] ^= 1;
  const cases = [
    [() => account.decrypt(flipped), "ENVELOPE_DAMAGED"],
    [() => account.decrypt(sealed.subarray(0, 50_000)), "ENVELOPE_DAMAGED"],
    [() => account.decrypt(sealed.subarray(0, 30)), "ENVELOPE_TRUNCATED"],
    [() => account.decrypt(new Uint8Array(0)), "NOT_AN_ENVELOPE"],
    [() => account.sessionOf(Buffer.from("PLC9")), "NEEDS_NEWER_CLIENT"],
    [() => other.decrypt(sealed), "WRONG_SESSION"],
    [() => account.decryptText("hello"), "NOT_AN_ENVELOPE"],
    [() => session.setMetadata(Buffer.alloc(8193)), "TOO_LARGE"],
    [() => session.grant({ userId: "dr.b" }, { expiresAt: new Date(0) }), "ENTRY_INVALID"],
    [() => session.revoke({ userId: "nobody" }), "RECIPIENTS_NOT_FOUND"],
  ];
  for (const [call, code] of cases) {
    await assert.rejects(call(), (error) => {
      assert.ok(error instanceof PlicoError);
      assert.equal(error.code, code, `${call}`);
      return true;
    });
  }
  const folder = temporaryFolder(t);
  writeFileSync(`${folder}/plain`, "secret");
  await session.encryptFile(`${folder}/plain`, `${folder}/sealed`, { context: { a: 1 } });
  await assert.rejects(account.decryptFile(`${folder}/sealed`, `${folder}/out`), {
    code: "CONTEXT_REQUIRED",
  });
  await assert.rejects(session.encryptFile(`${folder}/none`, `${folder}/out`), { code: "IO" });
  await assert.rejects(session.encryptFile(`${folder}/plain`, `${folder}/no/out`), { code: "IO" });
  await assert.rejects(account.decryptFile(`${folder}/plain`, `${folder}/out`), {
    code: "NOT_AN_ENVELOPE",
  });
  await account.decryptFile(`${folder}/sealed`, `${folder}/out`, { context: { a: 1 } });
  assert.equal(readFileSync(`${folder}/out`, "utf8"), "secret");
});

test("a directory that is not there, or not one, is said", async () => {
  const tenant = "A".repeat(43);
  const open = (directory, more) => Plico.open({ directory, tenant, attempts: 1, ...more });
  await assert.rejects(open("ftp://x"), { code: "INVALID_ARGUMENT" });
  await assert.rejects(open("http://127.0.0.1:1", { tenant: "short" }), {
    code: "INVALID_ARGUMENT",
  });
  // Not reached: accounts might know the tenant from their store.
  const plico = await open("http://127.0.0.1:1");
  await assert.rejects(plico.account({ inMemory: true }), { code: "NETWORK" });
});

test("everything that is closed says so", async (t) => {
  const directory = await TestDirectory.start();
  const folder = temporaryFolder(t);
  const plico = await directory.plico();
  const account = await plico.account({ inMemory: true });
  await account.register({
    userId: "dr.a",
    enrolment: ({ identityId }) => directory.enrol("dr.a", identityId),
  });
  const session = await account.createSession();
  const sealed = await session.encrypt(Buffer.from("x"));
  const text = await session.encryptText("x");
  writeFileSync(`${folder}/plain`, "x");
  await session.encryptFile(`${folder}/plain`, `${folder}/sealed`);
  const group = await account.createGroup();
  const signed = await session.encryptSigned(Buffer.from("x"));
  const views = [account.offline(), account.maxStaleness(0)];

  const id = account.deviceId;
  const key = { hostSecret: new Uint8Array(32) };
  const words = RecoveryKey.generate();
  const file = await account.exportIdentity(key);
  await account.close();
  await account.close();
  assert.equal(account.identityId, undefined);
  assert.equal(account.deviceId, undefined);
  const ofAccount = (it) => [
    () => it.register({ userId: "dr.a", enrolment: () => "" }),
    () => it.createSession(),
    () => it.session(session.id).refresh(),
    () => it.sessionOf(sealed),
    () => it.decryptSigned(signed.envelope, signed.signature),
    () => it.createGroup(),
    () => it.group(group.id).refresh(),
    () => it.sessions(),
    () => it.sessionsOfGroup(group.id),
    () => it.groups(),
    () => it.decrypt(sealed),
    () => it.decryptText(text),
    () => it.decryptJson(text),
    () => it.decryptFile(`${folder}/sealed`, `${folder}/out`),
    () => it.prefetch([session.id]),
    () => it.settle(),
    () => it.acceptIdentityChange("dr.a"),
    () => it.devices(),
    () => it.revokeDevice(id),
    () => it.rotateUserKey(),
    () => it.exportIdentity(key),
    () => it.importIdentity(file, key),
    () => it.nameDevice(id, "phone"),
    () => it.recoveryKeySetAt(),
    () => it.setRecoveryKey(words),
    () => it.recover(words),
    () => it.storeBackup(key),
    () => it.backups(),
    () => it.deleteBackups(),
    () => it.restoreBackup("dr.a", key),
    () => it.pairingCode(),
    () => it.joinByPairing(),
    () => it.approvePairing("no code"),
    () => it.fingerprint("dr.a"),
    () => it.verifyFingerprint("dr.a", "1"),
    () => it.isVerified("dr.a"),
    () => it.offlineFile(sealed),
    () => it.deleteIdentity(),
  ];
  const ofSession = (it) => [
    () => it.encrypt(sealed),
    () => it.encryptText("x"),
    () => it.encryptJson("x"),
    () => it.encryptFile(`${folder}/plain`, `${folder}/out`),
    () => it.decrypt(sealed),
    () => it.decryptText(text),
    () => it.decryptJson(text),
    () => it.decryptFile(`${folder}/sealed`, `${folder}/out`),
    () => it.encryptSigned(sealed),
    () => it.sign(sealed),
    () => it.decryptSigned(signed.envelope, signed.signature),
    () => it.whoMayRead(),
    () => it.grant({ userId: "dr.a" }),
    () => it.revoke({ userId: "dr.a" }),
    () => it.transfer({ userId: "dr.a" }),
    () => it.leave(),
    () => it.recipients(),
    () => it.rotate(),
    () => it.refresh(),
    () => it.forget(),
    () => it.end(),
    () => it.metadata(),
    () => it.setMetadata(sealed),
  ];
  const ofGroup = (it) => [
    () => it.refresh(),
    () => it.name(),
    () => it.rename("x"),
    () => it.members(),
    () => it.add({ userId: "dr.b" }),
    () => it.remove({ userId: "dr.b" }),
    () => it.leave(),
    () => it.transfer({ userId: "dr.b" }),
    () => it.rotate(),
    () => it.delete(),
  ];
  const calls = [
    ...ofGroup(group),
    ...[account, ...views].flatMap(ofAccount),
    ...[session, session.offline(), session.maxStaleness(0)].flatMap(ofSession),
  ];
  for (const call of calls) await assert.rejects(call(), { code: "CLOSED" }, `${call}`);

  const second = await plico.account({ inMemory: true });
  await plico.close();
  await assert.rejects(plico.account({ inMemory: true }), { code: "CLOSED" });
  await assert.rejects(second.settle(), { code: "CLOSED" });
});

test("`await using` closes", async () => {
  const directory = await TestDirectory.start();
  const plico = await directory.plico();
  const account = await plico.account({ inMemory: true });
  assert.equal(typeof Symbol.asyncDispose, "symbol");
  await account[Symbol.asyncDispose]();
  await assert.rejects(account.settle(), { code: "CLOSED" });
  await plico[Symbol.asyncDispose]();
  await assert.rejects(plico.account({ inMemory: true }), { code: "CLOSED" });
});

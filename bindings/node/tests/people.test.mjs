// Who is who, and who is no more: fingerprints, disabled and deleted identities.

import assert from "node:assert/strict";
import { test } from "node:test";
import { RecoveryKey } from "plico";
import { hostKey, opened, ward } from "./tools/ward.mjs";

test("two people compare what they see", async () => {
  const { directory, laptop, patient } = await ward();
  const [a, b] = [laptop.account, patient.account];
  await directory.person("insurer.3");
  const [here, there] = await Promise.all([a.fingerprint("patient.7"), b.fingerprint("dr.a")]);
  assert.match(here.digits, /^(\d{5} ){7}\d{5}$/);
  assert.equal(here.digits, there.digits);
  assert.equal(here.toScan.length, 138);
  assert.equal(await a.isVerified("patient.7"), false);
  await a.verifyFingerprint("patient.7", there.toScan);
  await b.verifyFingerprint("dr.a", here.digits.replaceAll(" ", ""));
  assert.equal(await (await laptop.restart()).account.isVerified("patient.7"), true);
  assert.equal(await b.isVerified("dr.a"), true);

  const other = await a.fingerprint("insurer.3");
  for (const wrong of [other.digits, other.toScan, here.toScan, "12345", ""]) {
    await assert.rejects(a.verifyFingerprint("patient.7", wrong), {
      name: "PlicoError",
      code: "FINGERPRINT_MISMATCH",
    });
    assert.equal(await a.isVerified("patient.7"), false);
  }
  await assert.rejects(a.fingerprint("nobody"), (error) => {
    assert.deepEqual(error.recipients, ["nobody"]);
    return error.code === "RECIPIENTS_NOT_FOUND";
  });
});

test("somebody who begins anew was not verified", async () => {
  const { directory, laptop, patient } = await ward();
  const { account } = laptop;
  const { digits } = await patient.account.fingerprint("dr.a");
  await account.verifyFingerprint("patient.7", digits);
  const successor = await directory.visitor("patient.7");
  await successor.register(2);
  for (const refused of [
    () => account.isVerified("patient.7"),
    () => account.fingerprint("patient.7"),
    () => account.verifyFingerprint("patient.7", digits),
  ]) {
    await assert.rejects(refused(), { code: "IDENTITY_CHANGED" }, `${refused}`);
  }
  const accepted = await account.acceptIdentityChange("patient.7");
  assert.equal(accepted, successor.account.identityId);
  assert.equal(await account.isVerified("patient.7"), false);
  await assert.rejects(account.verifyFingerprint("patient.7", digits), {
    code: "FINGERPRINT_MISMATCH",
  });
});

test("an identity deletes itself for good", async () => {
  const { directory, laptop, phone, patient, session, sealed } = await ward();
  const { account } = laptop;
  const [words, secret, id] = [RecoveryKey.generate(), hostKey(), account.identityId];
  await account.setRecoveryKey(words);
  await account.storeBackup(secret);
  await account.deleteIdentity();
  await assert.rejects(account.devices(), { name: "PlicoError", code: "CLOSED" });
  await assert.rejects(account.deleteIdentity(), { code: "CLOSED" });
  assert.equal((await laptop.restart()).account.identityId, undefined);
  await assert.rejects(phone.account.recover(words), { code: "RECOVERY_KEY_UNKNOWN" });
  await assert.rejects(phone.account.restoreBackup("dr.a", secret), { code: "BACKUP_REFUSED" });
  directory.clock.advance(2_000);
  await assert.rejects(directory.setStanding(id, true), { code: "IDENTITY_DELETED" });
  // The others go on, and whoever takes the user id is seen to be another one.
  const more = await session.maxStaleness(0).encrypt(Buffer.from("more"));
  assert.equal(await opened(patient.account, more), "more");
  assert.equal(await opened(patient.account, sealed), "before");
  await phone.register(1);
  await assert.rejects(patient.account.createSession({ recipients: [{ userId: "dr.a" }] }), {
    code: "IDENTITY_CHANGED",
  });
});

test("a disabled identity can do nothing until it is active again", async () => {
  const { directory, laptop, phone, patient, sealed } = await ward();
  const { account } = laptop;
  const words = RecoveryKey.generate();
  await account.setRecoveryKey(words);
  await directory.setStanding(account.identityId, false);
  for (const refused of [
    () => account.devices(),
    () => account.rotateUserKey(),
    () => account.setRecoveryKey(RecoveryKey.generate(), { old: words }),
    () => phone.account.recover(words),
  ]) {
    await assert.rejects(refused(), { code: "IDENTITY_DISABLED" }, `${refused}`);
  }
  assert.equal(await opened(patient.account, sealed), "before");
  await assert.rejects(directory.setStanding(account.identityId, true), { code: "CONFLICT" });
  directory.clock.advance(2_000);
  await directory.setStanding(account.identityId, true);
  assert.equal((await account.devices()).length, 1);
  await assert.rejects(directory.setStanding("x", true), { code: "INVALID_ARGUMENT" });
});

// Backups at the directory: who gets them back, who does not, what is deleted.

import assert from "node:assert/strict";
import { test } from "node:test";
import { generatePassphrase } from "plico";
import { hostKey, opened, ward } from "./tools/ward.mjs";

test("a passphrase brings everything back, and another does not", async () => {
  const { directory, laptop, phone, sealed } = await ward();
  const { account } = laptop;
  assert.deepEqual(await account.backups(), []);
  const passphrase = generatePassphrase();
  const secret = hostKey();
  await account.storeBackup({ passphrase });
  await account.storeBackup(secret); // neither opens the other
  const stored = new Date(directory.clock.now());
  assert.deepEqual(await account.backups(), [
    { passphrase: true, stored },
    { passphrase: false, stored },
  ]);
  for (const [userId, key] of [
    ["dr.a", { passphrase: "another passphrase" }],
    ["dr.a", hostKey()],
    ["patient.7", secret],
    ["nobody", secret],
  ]) {
    await assert.rejects(phone.account.restoreBackup(userId, key), {
      name: "PlicoError",
      code: "BACKUP_REFUSED",
    });
    assert.equal(phone.account.identityId, undefined);
  }
  const tablet = await directory.visitor("dr.a");
  for (const [device, key] of [
    [phone, { passphrase }],
    [tablet, secret],
  ]) {
    assert.equal(await device.account.restoreBackup("dr.a", key), account.identityId);
    assert.equal(await opened(device.account, sealed), "before");
  }
  await assert.rejects(phone.account.restoreBackup("dr.a", secret), {
    code: "ALREADY_REGISTERED",
  });
});

test("what was replaced or deleted is gone", async () => {
  const { directory, laptop, phone } = await ward();
  const { account } = laptop;
  const [first, second] = [hostKey(), hostKey()];
  await account.storeBackup(first);
  await account.storeBackup(second);
  const restore = (key) => phone.account.restoreBackup("dr.a", key);
  await assert.rejects(restore(first), { code: "BACKUP_REFUSED" });
  await account.deleteBackups();
  await account.deleteBackups(); // it is so
  assert.deepEqual(await account.backups(), []);
  await assert.rejects(restore(second), { code: "BACKUP_REFUSED" });
  const active = (await account.devices()).filter((it) => !it.revoked);
  assert.deepEqual(
    active.map((it) => it.id),
    [account.deviceId],
  );
  await account.storeBackup(first);
  const other = await directory.visitor("dr.a");
  await other.account.restoreBackup("dr.a", first);
});

test("guessing is slow", async () => {
  const { directory, laptop, phone } = await ward();
  const key = hostKey();
  await laptop.account.storeBackup(key);
  const restore = (it) => phone.account.restoreBackup("dr.a", it);
  for (let tries = 0; tries < 5; tries += 1) {
    await assert.rejects(restore(hostKey()), { code: "BACKUP_REFUSED" });
  }
  await assert.rejects(restore(key), { code: "TOO_MANY_TRIES" });
  directory.clock.advance(30 * 60 * 1000);
  await restore(key);
});

test("keys that will not do, and a revoked device", async () => {
  const { laptop, phone } = await ward();
  const { account } = laptop;
  for (const key of [
    { passphrase: "11 letters." },
    { hostSecret: new Uint8Array(31) },
    { hostSecret: new Uint8Array(33) },
  ]) {
    await assert.rejects(account.storeBackup(key), { code: "INVALID_ARGUMENT" });
  }
  await assert.rejects(phone.account.backups(), { code: "NOT_REGISTERED" });
  const key = hostKey();
  await account.storeBackup(key);
  await phone.account.restoreBackup("dr.a", key);
  await account.revokeDevice(phone.account.deviceId);
  for (const refused of [
    () => phone.account.storeBackup(key),
    () => phone.account.backups(),
    () => phone.account.deleteBackups(),
  ]) {
    await assert.rejects(refused(), { code: "DEVICE_REVOKED" }, `${refused}`);
  }
});

test("a directory that hands out something else is caught", async () => {
  const { directory, laptop, phone, sealed } = await ward();
  const key = hostKey();
  await laptop.account.storeBackup(key);
  for (const lie of ["BackupOfAnother", "BackupWeaker", "BackupAltered"]) {
    directory.tell(lie);
    await assert.rejects(phone.account.restoreBackup("dr.a", key), { code: "BACKUP_INVALID" }, lie);
    assert.ok(directory.told > 0, lie);
    assert.equal(phone.account.identityId, undefined);
  }
  directory.honest();
  await phone.account.restoreBackup("dr.a", key);
  assert.equal(await opened(phone.account, sealed), "before");
});

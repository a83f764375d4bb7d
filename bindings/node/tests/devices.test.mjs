// One identity on several devices: files, names, revoking, rotating.

import assert from "node:assert/strict";
import { test } from "node:test";
import { generatePassphrase } from "plico";
import { TestDirectory } from "plico/testing";
import { hostKey, listener, ward } from "./tools/ward.mjs";

const key = hostKey();

const listed = (devices) => devices.map(({ isThis, revoked }) => ({ isThis, revoked }));

test("a file under a passphrase makes another device, which opens what was sealed before", async () => {
  const { directory, laptop, phone, sealed } = await ward();
  const [passphrase, another] = [generatePassphrase(), generatePassphrase()];
  assert.match(passphrase, /^([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}$/);
  assert.notEqual(passphrase, another);

  const file = await laptop.account.exportIdentity({ passphrase });
  assert.ok(Buffer.isBuffer(file));
  const { account } = phone;
  assert.equal(account.deviceId, undefined);
  for (const [wrong, code] of [
    [{ passphrase: another }, "WRONG_PASSPHRASE"],
    [key, "INVALID_ARGUMENT"],
  ]) {
    await assert.rejects(account.importIdentity(file, wrong), { name: "PlicoError", code });
    assert.equal(account.identityId, undefined);
  }
  const id = await account.importIdentity(file, { passphrase });
  assert.equal(id, laptop.account.identityId);
  assert.equal(account.identityId, id);
  assert.match(account.deviceId, /^[\w-]{43}$/);
  assert.equal((await account.decrypt(sealed)).data.toString(), "before");

  // The laptop's, the file's and the phone's own.
  const devices = await account.devices();
  const others = { isThis: false, revoked: false };
  assert.deepEqual(listed(devices), [others, others, { isThis: true, revoked: false }]);
  assert.equal(devices[0].id, laptop.account.deviceId);
  assert.equal(devices[2].id, account.deviceId);
  for (const { added } of devices) {
    assert.ok(added instanceof Date);
    assert.equal(added.getTime(), directory.clock.now().getTime());
  }
  const again = await phone.restart();
  assert.equal(again.account.deviceId, account.deviceId);
  assert.equal((await again.account.decrypt(sealed)).data.toString(), "before");
});

test("a revoked device says so, and the others go on", async () => {
  const { laptop, phone, session, sealed } = await ward();
  const file = await laptop.account.exportIdentity(key);
  await phone.account.importIdentity(file, key);
  assert.equal((await phone.account.decrypt(sealed)).data.toString(), "before");

  await laptop.account.revokeDevice(phone.account.deviceId);
  await laptop.account.revokeDevice(phone.account.deviceId); // it is so
  const devices = await laptop.account.devices();
  assert.deepEqual(listed(devices), [
    { isThis: true, revoked: false },
    { isThis: false, revoked: false },
    { isThis: false, revoked: true },
  ]);
  const after = await session.maxStaleness(0).encrypt(Buffer.from("after"));
  assert.equal((await laptop.account.decrypt(after)).data.toString(), "after");
  for (const refused of [
    () => phone.account.decrypt(after),
    () => phone.account.devices(),
    () => phone.account.exportIdentity(key),
    () => phone.account.revokeDevice(laptop.account.deviceId),
    () => phone.account.rotateUserKey(),
  ]) {
    await assert.rejects(refused(), { name: "PlicoError", code: "DEVICE_REVOKED" }, `${refused}`);
  }
});

test("a file that was withdrawn is worth nothing", async () => {
  const { laptop, phone } = await ward();
  const file = await laptop.account.exportIdentity(key);
  const [, ofFile] = await laptop.account.devices();
  await laptop.account.revokeDevice(ofFile.id);
  await assert.rejects(phone.account.importIdentity(file, key), { code: "DEVICE_REVOKED" });
  await assert.rejects(phone.account.devices(), { code: "NOT_REGISTERED" });
});

test("a new user key changes nothing for anybody", async () => {
  const { laptop, session, sealed } = await ward();
  await laptop.account.rotateUserKey();
  const after = await session.maxStaleness(0).encrypt(Buffer.from("after"));
  assert.equal((await laptop.account.decrypt(sealed)).data.toString(), "before");
  assert.equal((await laptop.account.decrypt(after)).data.toString(), "after");
});

test("keys, files and devices that will not do", async () => {
  const { directory, laptop, phone } = await ward();
  const { account } = laptop;
  const file = await account.exportIdentity(key);
  for (const length of [0, 31, 33]) {
    const short = { hostSecret: new Uint8Array(length) };
    await assert.rejects(account.exportIdentity(short), { code: "INVALID_ARGUMENT" });
    await assert.rejects(phone.account.importIdentity(file, short), { code: "INVALID_ARGUMENT" });
  }
  const short = { passphrase: "11 letters." };
  await assert.rejects(account.exportIdentity(short), { code: "INVALID_ARGUMENT" });
  const other = { hostSecret: new Uint8Array(32) };
  await assert.rejects(phone.account.importIdentity(file, other), { code: "WRONG_PASSPHRASE" });
  for (const bytes of [new Uint8Array(0), Buffer.from("PLC1"), file.subarray(1)]) {
    await assert.rejects(phone.account.importIdentity(bytes, key), {
      code: "IDENTITY_FILE_INVALID",
    });
  }
  await assert.rejects(account.importIdentity(file, key), { code: "ALREADY_REGISTERED" });
  const elsewhere = await (await TestDirectory.start()).visitor("dr.a");
  await assert.rejects(elsewhere.account.importIdentity(file, key), { code: "WRONG_TENANT" });
  for (const id of [account.deviceId, directory.tenant]) {
    await assert.rejects(account.revokeDevice(id), { code: "INVALID_ARGUMENT" });
  }
});

test("a device has a name that its owner's other devices see, and was seen", async () => {
  const { directory, laptop, phone } = await ward();
  const { account } = laptop;
  await phone.account.importIdentity(await account.exportIdentity(key), key);
  await account.nameDevice(account.deviceId, "L\u00e4ptop");
  await account.rotateUserKey();
  directory.clock.advance(2 * 3600 * 1000);
  const devices = await phone.account.devices();
  const [first, ofFile, own] = devices;
  assert.equal(first.name, "L\u00e4ptop");
  assert.ok(first.lastSeen instanceof Date && first.lastSeen < own.lastSeen);
  assert.ok(!("name" in own) && !("name" in ofFile));
  assert.ok(devices.every((it) => it.byRecovery === false));

  await phone.account.nameDevice(account.deviceId, "");
  assert.equal((await account.devices())[0].name, undefined);
  await account.nameDevice(account.deviceId, "x".repeat(128));
  const long = "\u00e4".repeat(65);
  await assert.rejects(account.nameDevice(account.deviceId, long), { code: "INVALID_ARGUMENT" });
  await assert.rejects(account.nameDevice(directory.tenant, "x"), { code: "BAD_REQUEST" });
  await account.revokeDevice(own.id);
  await assert.rejects(phone.account.nameDevice(own.id, "x"), { code: "DEVICE_REVOKED" });
  await assert.rejects(account.nameDevice(own.id, "x"), { code: "BAD_REQUEST" });
});

test("a user key is renewed when the tenant says so, and the app is told before", async () => {
  const { directory, laptop, session, sealed } = await ward();
  const days = (count) => directory.clock.advance(count * 24 * 3600 * 1000);
  await directory.setUserKeyDays(90);
  const { device, told } = await listener(directory, laptop.account);
  days(70);
  await device.devices();
  assert.deepEqual(await told("keyRenewalNear"), []);
  days(10);
  await device.devices();
  const [event, ...more] = await told("keyRenewalNear");
  assert.deepEqual(more, []);
  assert.equal(event.identityId, device.identityId);
  const left = event.atMs - directory.clock.now().getTime();
  assert.ok(left > 9 * 24 * 3600 * 1000 && left < 11 * 24 * 3600 * 1000, `${left}`);
  days(11);
  await device.devices();
  const after = await session.maxStaleness(0).encrypt(Buffer.from("after"));
  assert.notDeepEqual(after.subarray(22, 26), sealed.subarray(22, 26), "another epoch");
  assert.equal((await device.decrypt(after)).data.toString(), "after");
  await assert.rejects(directory.setUserKeyDays(-1), { code: "INVALID_ARGUMENT" });
});

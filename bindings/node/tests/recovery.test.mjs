// The recovery key: everything comes back, and nobody else gets it.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { inspect } from "node:util";
import { PlicoError, RecoveryKey } from "plico";
import { hostKey, listener, opened, ward } from "./tools/ward.mjs";

const require = createRequire(import.meta.url);

test("the words bring everything back, and lock the thief out", async () => {
  const { laptop: stolen, phone: owner, session, sealed } = await ward();
  const thief = stolen.account;
  assert.equal(await thief.recoveryKeySetAt(), undefined);
  const key = RecoveryKey.generate();
  const words = key.words();
  assert.match(words, /^([a-z]+ ){23}[a-z]+$/);
  await thief.setRecoveryKey(key);
  await thief.setRecoveryKey(key); // it is so
  assert.ok((await thief.recoveryKeySetAt()) instanceof Date);
  await thief.rotateUserKey();

  const { account } = owner;
  const typed = words.toUpperCase().replaceAll(" ", "\n ");
  const id = await account.recover(RecoveryKey.fromWords(typed));
  assert.equal(id, thief.identityId);
  assert.equal(account.identityId, id);
  assert.equal(await opened(account, sealed), "before");
  const devices = await account.devices();
  assert.deepEqual(
    devices.map(({ isThis, revoked, byRecovery }) => ({ isThis, revoked, byRecovery })),
    [
      { isThis: false, revoked: true, byRecovery: false },
      { isThis: true, revoked: false, byRecovery: true },
    ],
  );
  const after = await session.maxStaleness(0).encrypt(Buffer.from("after"));
  assert.equal(await opened(account, after), "after");
  for (const refused of [
    () => thief.decrypt(after),
    () => thief.setRecoveryKey(RecoveryKey.generate(), { old: key }),
    () => thief.recoveryKeySetAt(),
    () => thief.revokeDevice(account.deviceId),
  ]) {
    await assert.rejects(refused(), { name: "PlicoError", code: "DEVICE_REVOKED" }, `${refused}`);
  }
  const again = await owner.restart();
  assert.equal(again.account.deviceId, account.deviceId);
  assert.equal(await opened(again.account, after), "after");
});

test("only the old words allow new ones", async () => {
  const { laptop, phone } = await ward();
  const { account } = laptop;
  const [first, second, third] = [1, 2, 3].map(() => RecoveryKey.generate());
  await account.setRecoveryKey(first);
  await assert.rejects(account.setRecoveryKey(second), { code: "RECOVERY_KEY_SET" });
  await assert.rejects(account.setRecoveryKey(second, { old: third }), {
    code: "RECOVERY_KEY_UNKNOWN",
  });
  await account.setRecoveryKey(second, { old: first });
  await assert.rejects(account.setRecoveryKey(first, { old: second }), {
    code: "INVALID_ARGUMENT",
  });
  for (const unknown of [first, third]) {
    await assert.rejects(phone.account.recover(unknown), { code: "RECOVERY_KEY_UNKNOWN" });
    assert.equal(phone.account.identityId, undefined);
  }
  await phone.account.recover(second);
  await assert.rejects(phone.account.recover(second), { code: "ALREADY_REGISTERED" });
});

test("the other devices stay if they are to, and are told", async () => {
  const { directory, laptop, phone, sealed } = await ward();
  const { account } = laptop;
  const key = RecoveryKey.generate();
  await account.setRecoveryKey(key);
  const { device, told } = await listener(directory, account);
  await phone.account.recover(key, { keepDevices: true });
  const devices = await device.devices();
  assert.ok(devices.every((it) => !it.revoked));
  assert.deepEqual(
    devices.map((it) => it.byRecovery),
    [false, false, false, true],
  );
  const { identityId } = account;
  assert.deepEqual(await told("recoveryUsed"), [{ type: "recoveryUsed", identityId }]);
  assert.deepEqual(await told("newDevice"), [{ type: "newDevice", identityId }]);
  assert.equal(await opened(account, sealed), "before");
});

test("words that are none say why", () => {
  const words = RecoveryKey.generate().words().split(" ");
  const short = words.map((it) => it.slice(0, 4)).join("\t");
  assert.equal(RecoveryKey.fromWords(short).words(), words.join(" "));
  for (const wrong of [
    "",
    "secret",
    words.slice(1).join(" "),
    [...words, "zoo"].join(" "),
    words.join(" ").replace(words[3], "plico"),
    Array(24).fill("zoo").join(" "),
  ]) {
    assert.throws(
      () => RecoveryKey.fromWords(wrong),
      (error) => {
        assert.ok(error instanceof PlicoError);
        assert.equal(error.code, "RECOVERY_WORDS_INVALID", error.message);
        return true;
      },
    );
  }
});

test("a recovery key is not printed", async () => {
  const key = RecoveryKey.generate();
  const words = key.words().split(" ");
  const printed = [`${key}`, inspect(key, { showHidden: true, depth: 9 }), JSON.stringify({ key })];
  for (const text of printed) assert.ok(!words.some((it) => text.includes(` ${it} `)), text);
  assert.equal(`${key}`, "RecoveryKey");
  assert.deepEqual(Object.keys(key), []);
  assert.throws(() => new RecoveryKey(), { code: "INVALID_ARGUMENT" });
});

test("the testing kit's addon gets a key of its own", () => {
  const { nativeRecoveryKey } = require("../dist/recovery.js");
  const key = RecoveryKey.generate();
  const another = { recoveryKeyFromWords: (words) => ({ words }) };
  assert.deepEqual(nativeRecoveryKey(another, key, "key"), { words: key.words() });
});

test("a file that was made before does not survive the recovery", async () => {
  const { laptop, phone, directory } = await ward();
  const [key, file] = [RecoveryKey.generate(), hostKey()];
  await laptop.account.setRecoveryKey(key);
  const exported = await laptop.account.exportIdentity(file);
  await phone.account.recover(key);
  const thief = await directory.visitor("dr.a");
  await assert.rejects(thief.account.importIdentity(exported, file), { code: "DEVICE_REVOKED" });
});

test("a directory that answers with another identity is caught", async () => {
  const { directory, laptop, phone, sealed } = await ward();
  const key = RecoveryKey.generate();
  await laptop.account.setRecoveryKey(key);
  directory.tell("RecoveryMisdirected");
  await assert.rejects(phone.account.recover(key), { code: "ANSWER_MISMATCH" });
  assert.ok(directory.told > 0);
  assert.equal(phone.account.identityId, undefined);
  directory.honest();
  await phone.account.recover(key);
  assert.equal(await opened(phone.account, sealed), "before");
});

// Every asynchronous call ends when it is told to: before, while and after.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { Account, EncryptionSession, Group, Plico, RecoveryKey, Service } from "plico";
import { TestDirectory } from "plico/testing";

/** How long an answer would take: far longer than a cancelled call may. */
const SLOW_MS = 30_000;

/** Under which identity files are: with no passphrase to be slow about. */
const fileKey = { hostSecret: new Uint8Array(32) };
const recoveryKey = RecoveryKey.generate();

/** An empty store that takes its time. */
function slowStore(delayMs) {
  const wait = () => new Promise((resolve) => setTimeout(resolve, delayMs).unref());
  return { get: wait, scan: () => wait().then(() => []), commit: wait };
}

/** A fresh world, whose answers take their time once it is made. */
async function world(delayMs) {
  const directory = await TestDirectory.start();
  const connection = directory.connection();
  const plico = await directory.plico({ connection });
  const account = await plico.account({ inMemory: true });
  const enrolment = ({ identityId }) => directory.enrol("dr.a", identityId);
  await account.register({ userId: "dr.a", enrolment });
  await Promise.all([directory.person("dr.b"), directory.person("dr.c")]);
  const recipients = [{ userId: "dr.b" }];
  const session = await account.createSession({ recipients });
  const sealed = await session.encrypt(Buffer.from("x"));
  const text = await session.encryptJson("x");
  const file = await account.exportIdentity(fileKey);
  const ofFile = (await account.devices()).find((it) => !it.isThis).id;
  const group = await account.createGroup({ name: "ward", members: recipients });
  const signed = await session.encryptSigned(Buffer.from("x"));
  const service = await plico.service({ token: () => directory.serviceToken() });
  const shy = await plico.account({ inMemory: true });
  connection.slow(delayMs);
  return {
    directory,
    plico,
    shy,
    store: slowStore(delayMs),
    account: account.maxStaleness(0),
    session: session.maxStaleness(0),
    group: account.maxStaleness(0).group(group.id),
    service,
    signed,
    sealed,
    text,
    file,
    ofFile,
    connection,
  };
}

// Each method with arguments that would do. Those of files, folders and streams: in their own tests.
const calls = {
  "Plico#account": (it, options) => it.plico.account({ store: it.store, ...options }),
  "Account#register": (it, options) =>
    it.shy.register({
      userId: "dr.new",
      enrolment: ({ identityId }) => it.directory.enrol("dr.new", identityId),
      ...options,
    }),
  "Account#createSession": (it, options) =>
    it.account.createSession({ recipients: [{ userId: "dr.c" }], ...options }),
  "Account#createSessions": (it, options) =>
    it.account.createSessions([{ recipients: [{ userId: "dr.c" }] }, {}], options),
  "Account#grantMany": (it, options) =>
    it.account.grantMany([it.session.id], [{ userId: "dr.c" }], options),
  "Account#revokeMany": (it, options) =>
    it.account.revokeMany([it.session.id], [{ userId: "dr.b" }], options),
  "Account#revokeEverywhere": (it, options) =>
    it.account.revokeEverywhere({ userId: "dr.b" }, options),
  "Account#giveAllOf": (it, options) =>
    it.account.giveAllOf({ userId: "dr.b" }, { userId: "dr.c" }, options),
  "Account#sessionsTagged": (it, options) => it.account.sessionsTagged("x", options),
  "Service#sealFor": (it, options) =>
    it.service.sealFor([{ userId: "dr.b" }], it.sealed, options),
  "Service#acceptIdentityChange": (it, options) =>
    it.service.acceptIdentityChange("dr.b", options),
  "Account#createGroup": (it, options) =>
    it.account.createGroup({ name: "x", members: [{ userId: "dr.c" }], ...options }),
  "Account#sessions": (it, options) => it.account.sessions(options),
  "Account#sessionsOfGroup": (it, options) => it.account.sessionsOfGroup(it.group.id, options),
  "Account#groups": (it, options) => it.account.groups(options),
  "Account#decryptSigned": (it, options) =>
    it.account.decryptSigned(it.signed.envelope, it.signed.signature, options),
  "Account#sessionOf": (it, options) => it.account.sessionOf(unknown(it.sealed), options),
  "Account#decrypt": (it, options) => it.account.decrypt(it.sealed, options),
  "Account#decryptText": (it, options) => it.account.decryptText(it.text, options),
  "Account#decryptJson": (it, options) => it.account.decryptJson(it.text, options),
  "Account#openEnvelope": (it, options) => it.account.openEnvelope(source(it.sealed), options),
  "Account#decryptMany": (it, options) =>
    it.account.decryptMany([{ envelope: it.sealed }], options),
  "Account#prefetch": (it, options) => it.account.prefetch([it.session.id], options),
  "Account#acceptIdentityChange": (it, options) => it.account.acceptIdentityChange("dr.b", options),
  "Account#devices": (it, options) => it.account.devices(options),
  "Account#revokeDevice": (it, options) => it.account.revokeDevice(it.ofFile, options),
  "Account#rotateUserKey": (it, options) => it.account.rotateUserKey(options),
  "Account#exportIdentity": (it, options) => it.account.exportIdentity(fileKey, options),
  "Account#importIdentity": (it, options) => it.shy.importIdentity(it.file, fileKey, options),
  "Account#nameDevice": (it, options) => it.account.nameDevice(it.ofFile, "file", options),
  "Account#recoveryKeySetAt": (it, options) => it.account.recoveryKeySetAt(options),
  "Account#setRecoveryKey": (it, options) => it.account.setRecoveryKey(recoveryKey, options),
  "Account#recover": (it, options) => it.shy.recover(recoveryKey, options),
  "Account#storeBackup": (it, options) => it.account.storeBackup(fileKey, options),
  "Account#backups": (it, options) => it.account.backups(options),
  "Account#deleteBackups": (it, options) => it.account.deleteBackups(options),
  "Account#restoreBackup": (it, options) => it.shy.restoreBackup("dr.a", fileKey, options),
  "Account#fingerprint": (it, options) => it.account.fingerprint("dr.b", options),
  "Account#verifyFingerprint": (it, options) => it.account.verifyFingerprint("dr.b", "1", options),
  "Account#isVerified": (it, options) => it.account.isVerified("dr.b", options),
  "Account#offlineFile": (it, options) => it.account.offlineFile(it.sealed, options),
  "EncryptionSession#encrypt": (it, options) => it.session.encrypt(it.sealed, options),
  "EncryptionSession#encryptText": (it, options) => it.session.encryptText("x", options),
  "EncryptionSession#encryptJson": (it, options) => it.session.encryptJson("x", options),
  "EncryptionSession#encryptMany": (it, options) =>
    it.session.encryptMany([{ data: it.sealed }], options),
  "EncryptionSession#decrypt": (it, options) => it.session.decrypt(it.sealed, options),
  "EncryptionSession#decryptText": (it, options) => it.session.decryptText(it.text, options),
  "EncryptionSession#decryptJson": (it, options) => it.session.decryptJson(it.text, options),
  "EncryptionSession#encryptSigned": (it, options) => it.session.encryptSigned(it.sealed, options),
  "EncryptionSession#decryptSigned": (it, options) =>
    it.session.decryptSigned(it.signed.envelope, it.signed.signature, options),
  "EncryptionSession#whoMayRead": (it, options) => it.session.whoMayRead(options),
  "Group#refresh": (it, options) => it.group.refresh(options),
  "Group#name": (it, options) => it.group.name(options),
  "Group#rename": (it, options) => it.group.rename("the wards", options),
  "Group#members": (it, options) => it.group.members(options),
  "Group#add": (it, options) => it.group.add({ userId: "dr.c" }, options),
  "Group#addMembers": (it, options) => it.group.addMembers([{ userId: "dr.c" }], options),
  "Group#removeMembers": (it, options) => it.group.removeMembers([{ userId: "dr.b" }], options),
  "Group#remove": (it, options) => it.group.remove({ userId: "dr.b" }, options),
  "Group#transfer": (it, options) =>
    it.group.transfer({ userId: "dr.b" }, { keep: "member", ...options }),
  "Group#rotate": (it, options) => it.group.rotate(options),
  "Group#delete": (it, options) => it.group.delete(options),
  "EncryptionSession#grant": (it, options) => it.session.grant({ userId: "dr.c" }, options),
  "EncryptionSession#revoke": (it, options) => it.session.revoke({ userId: "dr.b" }, options),
  "EncryptionSession#recipients": (it, options) => it.session.recipients(options),
  "EncryptionSession#rotate": (it, options) => it.session.rotate(options),
  "EncryptionSession#refresh": (it, options) => it.session.refresh(options),
  "EncryptionSession#grantAll": (it, options) =>
    it.session.grantAll([{ userId: "dr.c" }], options),
  "EncryptionSession#revokeAll": (it, options) =>
    it.session.revokeAll([{ userId: "dr.b" }], options),
  "EncryptionSession#setExpiry": (it, options) =>
    it.session.setExpiry({ afterIdleMs: 3_600_000 }, options),
  "EncryptionSession#expiry": (it, options) => it.session.expiry(options),
  "EncryptionSession#endsAt": (it, options) => it.session.endsAt(options),
  "EncryptionSession#setTag": (it, options) => it.session.setTag("x", options),
  "EncryptionSession#tag": (it, options) => it.session.tag(options),
  "EncryptionSession#setMetadata": (it, options) => it.session.setMetadata(it.sealed, options),
  "EncryptionSession#metadata": (it, options) => it.session.metadata(options),
  "EncryptionSession#transfer": (it, options) =>
    it.session.transfer({ userId: "dr.b" }, { keep: ["read"], ...options }),
};
// Those that are over before anybody could cancel them here, or must come last. While
// two devices wait for each other: pairing.test.mjs.
const atOnce = {
  "Plico#service": (it, options) => it.plico.service({ token: () => "x", ...options }),
  "Account#openSealed": (it, options) => it.account.openSealed(it.sealed, options),
  "Account#settle": (it, options) => it.account.settle(options),
  "Account#pairingCode": (it, options) => it.shy.pairingCode(options),
  "Account#joinByPairing": (it, options) => it.shy.joinByPairing(options),
  "Account#approvePairing": (it, options) => it.account.approvePairing("no code", options),
  "Account#deleteIdentity": (it, options) => it.account.deleteIdentity(options),
  "EncryptionSession#sign": (it, options) => it.session.sign(it.sealed, options),
  "Group#leave": (it, options) => it.group.leave(options),
  "EncryptionSession#forget": (it, options) => it.session.forget(options),
  "EncryptionSession#leave": (it, options) => it.session.leave(options),
  "EncryptionSession#end": (it, options) => it.session.end(options),
};
const unknown = (sealed) => {
  const copy = Buffer.from(sealed);
  copy.fill(7, 6, 22);
  return copy;
};
const source = (sealed) => ({
  length: sealed.length,
  read: (offset, length) => sealed.subarray(offset, offset + length),
});
const isCancelled = (reason) => ({ name: "PlicoError", code: "CANCELLED", cause: reason });

for (const [name, call] of Object.entries({ ...calls, ...atOnce })) {
  test(`${name} is not begun with a signal that was aborted`, async () => {
    const it = await world(0);
    const before = it.connection.urls.length;
    const reason = new Error("enough");
    await assert.rejects(call(it, { signal: AbortSignal.abort(reason) }), isCancelled(reason));
    await assert.rejects(call(it, { signal: AbortSignal.abort() }), (error) => {
      assert.equal(error.cause.name, "AbortError", "the platform's own reason");
      return error.code === "CANCELLED";
    });
    assert.equal(it.connection.urls.length, before, "no request was sent");
  });
}

for (const [name, call] of Object.entries(calls)) {
  test(`${name} ends when its signal is aborted, and all goes on`, async () => {
    const it = await world(SLOW_MS);
    const controller = new AbortController();
    const reason = { any: "thing" };
    const start = performance.now();
    const running = call(it, { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 30);
    await assert.rejects(running, isCancelled(reason));
    assert.ok(performance.now() - start < SLOW_MS / 2, "at once");
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);

    it.connection.slow(0);
    // Whether it has taken place or not: the same again, or what it wanted, is there now.
    await it.account.settle();
    const again = await it.session.encrypt(Buffer.from("y"));
    assert.equal((await it.account.decrypt(again)).data.toString(), "y");
    assert.equal((await it.account.decrypt(it.sealed)).data.toString(), "x");
  });

  test(`${name} does not mind a signal that is aborted afterwards`, async () => {
    const it = await world(0);
    const controller = new AbortController();
    await call(it, { signal: controller.signal }).catch((error) => {
      assert.notEqual(error.code, "CANCELLED");
    });
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    controller.abort();
    assert.equal((await it.account.decrypt(it.sealed)).data.toString(), "x");
  });
}

test("Plico.open ends, too", async () => {
  const options = { directory: "https://keys.example.org", tenant: "A".repeat(43) };
  const transport = { send: () => new Promise(() => {}) };
  await assert.rejects(
    Plico.open({ ...options, transport, signal: AbortSignal.timeout(30) }),
    (error) => {
      assert.equal(error.code, "CANCELLED");
      assert.equal(error.cause.name, "TimeoutError");
      return true;
    },
  );
  await assert.rejects(Plico.open({ ...options, signal: AbortSignal.abort(1) }), isCancelled(1));
});

test("the lists above know every method", () => {
  const without = /#(constructor|close|session|group|offline|maxStaleness|(en|de)crypt(File|Folder|Stream)|openFolder)$/;
  const methods = [Account, EncryptionSession, Group, Plico, Service].flatMap((type) =>
    Object.entries(Object.getOwnPropertyDescriptors(type.prototype))
      .filter(([, { value }]) => typeof value === "function")
      .map(([name]) => `${type.name}#${name}`)
      .filter((name) => !without.test(name)),
  );
  assert.deepEqual(methods.sort(), Object.keys({ ...calls, ...atOnce }).sort());
});

test("many calls share a signal", async () => {
  const it = await world(SLOW_MS);
  const warnings = [];
  process.on("warning", (warning) => warnings.push(warning));
  const controller = new AbortController();
  const { signal } = controller;
  const running = Array.from({ length: 500 }, () =>
    it.session.encrypt(randomBytes(10), { signal }),
  );
  setTimeout(() => controller.abort(), 30);
  const results = await Promise.allSettled(running);
  assert.ok(results.every((it) => it.reason?.code === "CANCELLED"));
  assert.equal(getEventListeners(signal, "abort").length, 0);
  assert.deepEqual(warnings, []);
});

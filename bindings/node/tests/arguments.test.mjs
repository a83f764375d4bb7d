// Wrong types for every argument of every method: always INVALID_ARGUMENT, from
// asynchronous calls as a rejection, and never anything that the SDK does not say itself.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AccessList,
  Account,
  EncryptionSession,
  EnvelopeReader,
  Group,
  Plico,
  PlicoError,
  RecoveryKey,
  SealedFolder,
  Service,
  openOfflineFile,
} from "plico";
import { TestDirectory } from "plico/testing";
import { expiries, everywhereOptions, terms, trap, everything, missing, all, but, notText, notBytes, notPath, notObject, notList, notMs, notBoolean, notSignal, inside, merge, callOptions, cryptOptions, fileOptions, notDate, notFileKey, notRecoveryKey, notRecipient, notRole, notRights, grants, connection, notContext, folderOptions, rangeOptions } from "./tools/wrong.mjs";

const directory = await TestDirectory.start();
const { account } = await directory.person("dr.a");
await directory.person("dr.b");
const plico = await directory.plico();
const session = await account.createSession();
const sealed = await session.encrypt(Buffer.from("x"));
const fileKey = { hostSecret: new Uint8Array(32) };
const recoveryKey = RecoveryKey.generate();
const group = await account.createGroup();
const sealedText = await session.encryptText("x");
const right = { directory: directory.url, tenant: directory.tenant };
const cascades = merge(
  callOptions,
  inside(notBoolean, (cascade) => ({ cascade })),
);
const manyRecipients = merge(
  missing,
  notList,
  inside(merge(missing, notRecipient), (it) => [it]),
);
const manyGrants = merge(
  manyRecipients,
  inside(grants, (it) => [{ userId: "dr.b", ...it }]),
);
const manyIds = merge(
  missing,
  notList,
  inside(all, (id) => [id]),
);
const store = { get() {}, scan() {}, commit() {} };
async function* pieces() {
  yield sealed;
}

const { service } = await directory.service();

const pageOptions = merge(
  callOptions,
  inside(everything, (after) => ({ after })),
);

// method → for each argument, what is wrong there and the call with it.
const table = {
  "Plico.open": [
    [notObject, (it) => Plico.open(it)],
    [missing, (it) => Plico.open(it)],
    [notText, (it) => Plico.open({ ...right, directory: it })],
    [but(all), (it) => Plico.open({ ...right, tenant: it })],
    [
      but(connection, ...Object.keys(connection).filter((it) => /^0 0 /.test(it))),
      (it) =>
        Plico.open(Object.defineProperties({ ...right }, Object.getOwnPropertyDescriptors(it))),
    ],
    [
      merge(
        everything,
        inside(everything, (send) => ({ send })),
      ),
      (transport) => Plico.open({ ...right, transport }),
      /function$/,
    ],
  ],
  "Plico#account": [
    [notObject, (it) => plico.account(it)],
    [missing, (it) => plico.account(it)],
    [
      { trap: trap(), neither: {}, both: { store: "x", inMemory: true } },
      (it) => plico.account(it),
    ],
    [but(everything, "boolean"), (it) => plico.account({ inMemory: it })],
    [but(everything, "text"), (it) => plico.account({ store: it, key: new Uint8Array(32) })],
    [
      merge(
        inside(but(all, "function"), (get) => ({ ...store, get })),
        inside(but(all, "function"), (scan) => ({ ...store, scan })),
        inside(but(all, "function"), (commit) => ({ ...store, commit })),
      ),
      (it) => plico.account({ store: it }),
    ],
    [all, (it) => plico.account({ store: "/nowhere/x", key: it })],
    [
      notBoolean,
      (it) => plico.account({ store: "/nowhere/x", key: new Uint8Array(32), acceptCopy: it }),
    ],
    [
      but(everything, "bytes"),
      (it) => plico.account({ store: "/nowhere/x", key: new Uint8Array(32), boundTo: it }),
    ],
    [{ web: new URL("https://x") }, (it) => plico.account({ store: it, key: new Uint8Array(32) })],
    [{ nul: "a\0b", empty: "" }, (it) => plico.account({ store: it, key: new Uint8Array(32) })],
  ],
  "Account#register": [
    [notObject, (it) => account.register(it)],
    [missing, (it) => account.register(it)],
    [but(all, "text"), (it) => account.register({ userId: it, enrolment: () => "" })],
    [
      { empty: "", long: "x".repeat(257) },
      (it) => account.register({ userId: it, enrolment: () => "" }),
    ],
    [but(all, "function"), (it) => account.register({ userId: "dr.a", enrolment: it })],
    [but(notSignal), (signal) => account.register({ userId: "dr.a", enrolment: () => "", signal })],
  ],
  "Account#createSession": [
    [callOptions, (it) => account.createSession(it)],
    [notList, (recipients) => account.createSession({ recipients })],
    [merge(notRecipient, missing), (it) => account.createSession({ recipients: [it] })],
    [grants, (it) => account.createSession({ recipients: [{ userId: "dr.a", ...it }] })],
    [everything, (onMissing) => account.createSession({ onMissing })],
    [everything, (suite) => account.createSession({ suite })],
    [terms, (it) => account.createSession(it)],
    [
      { twice: [{ userId: "dr.b" }, { userId: "dr.b" }] },
      (recipients) => account.createSession({ recipients }),
    ],
  ],
  "Account#createSessions": [
    [merge(missing, notList), (it) => account.createSessions(it)],
    [merge(missing, notObject), (it) => account.createSessions([it])],
    [merge(missing, notRecipient), (it) => account.createSessions([{ recipients: [it] }])],
    // What only the core knows is the session's own result.
    [terms, (it) => account.createSessions([{}, it]), / (empty|short)$/],
    [callOptions, (it) => account.createSessions([{}], it)],
  ],
  "Account#grantMany": [
    [manyIds, (it) => account.grantMany(it, [{ userId: "dr.b" }])],
    [manyGrants, (it) => account.grantMany([session.id], it)],
    [callOptions, (it) => account.grantMany([], [], it)],
  ],
  "Account#revokeMany": [
    [manyIds, (it) => account.revokeMany(it, [{ userId: "dr.b" }])],
    [manyRecipients, (it) => account.revokeMany([session.id], it)],
    [cascades, (it) => account.revokeMany([], [], it)],
  ],
  "Account#revokeEverywhere": [
    [merge(missing, notRecipient), (it) => account.revokeEverywhere(it)],
    [
      merge(
        everywhereOptions,
        inside(notBoolean, (cascade) => ({ cascade })),
      ),
      (it) => account.revokeEverywhere({ userId: "dr.b" }, it),
    ],
    [{ oneself: { userId: "dr.a" } }, (it) => account.revokeEverywhere(it)],
  ],
  "Account#giveAllOf": [
    [merge(missing, notRecipient), (it) => account.giveAllOf(it, { userId: "dr.b" })],
    [merge(missing, notRecipient), (it) => account.giveAllOf({ userId: "dr.b" }, it)],
    [everywhereOptions, (it) => account.giveAllOf({ userId: "dr.b" }, { userId: "dr.b" }, it)],
  ],
  "Account#openSealed": [
    [notBytes, (it) => account.openSealed(it)],
    [cryptOptions, (it) => account.openSealed(sealed, it)],
  ],
  "Account#sessionsTagged": [
    [notText, (it) => account.sessionsTagged(it)],
    [pageOptions, (it) => account.sessionsTagged("x", it)],
  ],
  "EncryptionSession#grantAll": [
    [manyGrants, (it) => session.grantAll(it)],
    [callOptions, (it) => session.grantAll([], it)],
  ],
  "EncryptionSession#revokeAll": [
    [manyRecipients, (it) => session.revokeAll(it)],
    [cascades, (it) => session.revokeAll([], it)],
  ],
  "EncryptionSession#setExpiry": [
    [merge(missing, expiries), (it) => session.setExpiry(it)],
    [callOptions, (it) => session.setExpiry({}, it)],
  ],
  "EncryptionSession#setTag": [
    [merge(but(everything, "text"), { empty: "" }), (it) => session.setTag(it)],
    [callOptions, (it) => session.setTag("x", it)],
  ],
  "Group#addMembers": [
    [manyRecipients, (it) => group.addMembers(it)],
    [notRole, (role) => group.addMembers([{ userId: "dr.b", role }])],
    [callOptions, (it) => group.addMembers([], it)],
  ],
  "Group#removeMembers": [
    [manyRecipients, (it) => group.removeMembers(it)],
    [cascades, (it) => group.removeMembers([], it)],
  ],
  "Plico#service": [
    [merge(missing, notObject), (it) => plico.service(it)],
    [but(all, "function"), (token) => plico.service({ token })],
    [but(notSignal), (signal) => plico.service({ token: () => "", signal })],
  ],
  "Service#sealFor": [
    [manyRecipients, (it) => service.sealFor(it, sealed)],
    [notBytes, (it) => service.sealFor([{ userId: "dr.b" }], it)],
    [
      merge(
        cryptOptions,
        inside(everything, (onMissing) => ({ onMissing })),
        inside(everything, (suite) => ({ suite })),
      ),
      (it) => service.sealFor([{ userId: "dr.b" }], sealed, it),
    ],
  ],
  "Service#acceptIdentityChange": [
    [notText, (it) => service.acceptIdentityChange(it)],
    [callOptions, (it) => service.acceptIdentityChange("dr.a", it)],
  ],
  "Account#session": [[all, (it) => account.session(it)]],
  "Account#group": [[all, (it) => account.group(it)]],
  "Account#createGroup": [
    [callOptions, (it) => account.createGroup(it)],
    [but(everything, "text"), (name) => account.createGroup({ name })],
    [notList, (members) => account.createGroup({ members })],
    [merge(notRecipient, missing), (it) => account.createGroup({ members: [it] })],
    [notRole, (role) => account.createGroup({ members: [{ userId: "dr.b", role }] })],
    [notBoolean, (fromNowOn) => account.createGroup({ fromNowOn })],
    [
      { twice: [{ userId: "dr.b" }, { userId: "dr.b" }] },
      (members) => account.createGroup({ members }),
    ],
  ],
  "Account#sessionsOfGroup": [
    [all, (it) => account.sessionsOfGroup(it)],
    [pageOptions, (it) => account.sessionsOfGroup(group.id, it)],
  ],
  "Group#rename": [
    [notText, (it) => group.rename(it)],
    [callOptions, (it) => group.rename("x", it)],
  ],
  "Group#add": [
    [merge(missing, notRecipient), (it) => group.add(it)],
    [
      merge(
        callOptions,
        inside(notRole, (role) => ({ role })),
        inside(notDate, (expiresAt) => ({ expiresAt })),
      ),
      (it) => group.add({ userId: "dr.b" }, it),
    ],
    [{ oneself: { userId: "dr.a" } }, (it) => group.add(it)],
  ],
  "Group#remove": [
    [merge(missing, notRecipient), (it) => group.remove(it)],
    [
      merge(
        callOptions,
        inside(notBoolean, (cascade) => ({ cascade })),
      ),
      (it) => group.remove({ userId: "dr.b" }, it),
    ],
    [{ "no member": { userId: "dr.b" } }, (it) => group.remove(it)],
  ],
  "Group#transfer": [
    [merge(missing, notRecipient), (it) => group.transfer(it)],
    [
      merge(
        callOptions,
        inside(notRole, (keep) => ({ keep })),
      ),
      (it) => group.transfer({ userId: "dr.b" }, it),
    ],
  ],
  "Account#sessionOf": [
    [notBytes, (it) => account.sessionOf(it)],
    [callOptions, (it) => account.sessionOf(sealed, it)],
  ],
  "Account#prefetch": [
    [
      merge(
        missing,
        notList,
        inside(all, (id) => [id]),
      ),
      (it) => account.prefetch(it),
    ],
    [callOptions, (it) => account.prefetch([], it)],
  ],
  "Account#settle": [[callOptions, (it) => account.settle(it)]],
  "Account#acceptIdentityChange": [
    [notText, (it) => account.acceptIdentityChange(it)],
    [callOptions, (it) => account.acceptIdentityChange("dr.a", it)],
  ],
  "Account#devices": [[callOptions, (it) => account.devices(it)]],
  "Account#revokeDevice": [
    [all, (it) => account.revokeDevice(it)],
    [callOptions, (it) => account.revokeDevice(account.deviceId, it)],
  ],
  "Account#nameDevice": [
    [all, (it) => account.nameDevice(it, "phone")],
    [merge(notText, { long: "x".repeat(129) }), (it) => account.nameDevice(account.deviceId, it)],
    [callOptions, (it) => account.nameDevice(account.deviceId, "phone", it)],
  ],
  "Account#rotateUserKey": [[callOptions, (it) => account.rotateUserKey(it)]],
  "Account#exportIdentity": [
    [merge(missing, notFileKey), (it) => account.exportIdentity(it)],
    [callOptions, (it) => account.exportIdentity(fileKey, it)],
  ],
  "Account#importIdentity": [
    [notBytes, (it) => account.importIdentity(it, fileKey)],
    // How long a passphrase is does not matter where it only has to be the right one.
    [merge(missing, notFileKey), (it) => account.importIdentity(sealed, it), /^1 1 text$/],
    [callOptions, (it) => account.importIdentity(sealed, fileKey, it)],
  ],
  "RecoveryKey.fromWords": [[notText, (it) => RecoveryKey.fromWords(it)]],
  "Account#setRecoveryKey": [
    [notRecoveryKey, (it) => account.setRecoveryKey(it)],
    [
      merge(
        callOptions,
        inside(but(notRecoveryKey, "undefined"), (old) => ({ old })),
      ),
      (it) => account.setRecoveryKey(recoveryKey, it),
    ],
  ],
  "Account#recover": [
    [notRecoveryKey, (it) => account.recover(it)],
    [
      merge(
        callOptions,
        inside(notBoolean, (keepDevices) => ({ keepDevices })),
      ),
      (it) => account.recover(recoveryKey, it),
    ],
  ],
  "Account#storeBackup": [
    [merge(missing, notFileKey), (it) => account.storeBackup(it)],
    [callOptions, (it) => account.storeBackup(fileKey, it)],
  ],
  "Account#restoreBackup": [
    [notText, (it) => account.restoreBackup(it, fileKey)],
    [merge(missing, notFileKey), (it) => account.restoreBackup("dr.a", it), /^1 1 text$/],
    [callOptions, (it) => account.restoreBackup("dr.a", fileKey, it)],
  ],
  "Account#approvePairing": [
    [notText, (it) => account.approvePairing(it)],
    [callOptions, (it) => account.approvePairing("x", it)],
  ],
  "Account#verifyFingerprint": [
    [notText, (it) => account.verifyFingerprint(it, "12345")],
    [notText, (it) => account.verifyFingerprint("dr.b", it)],
    [callOptions, (it) => account.verifyFingerprint("dr.b", "12345", it)],
  ],
  "Account#offlineFile": [
    [notBytes, (it) => account.offlineFile(it)],
    [callOptions, (it) => account.offlineFile(sealed, it)],
  ],
  openOfflineFile: [
    [notBytes, (it) => openOfflineFile(it, sealed, fileKey)],
    [notBytes, (it) => openOfflineFile(sealed, it, fileKey)],
    [merge(missing, but(notFileKey, "1 text")), (it) => openOfflineFile(sealed, sealed, it)],
    [cryptOptions, (it) => openOfflineFile(sealed, sealed, fileKey, it)],
  ],
  "Account#maxStaleness": [[merge(missing, notMs), (it) => account.maxStaleness(it)]],
  "EncryptionSession#maxStaleness": [[merge(missing, notMs), (it) => session.maxStaleness(it)]],
  "EncryptionSession#encrypt": [
    [notBytes, (it) => session.encrypt(it)],
    [cryptOptions, (it) => session.encrypt(sealed, it)],
  ],
  "EncryptionSession#encryptSigned": [
    [notBytes, (it) => session.encryptSigned(it)],
    [cryptOptions, (it) => session.encryptSigned(sealed, it)],
  ],
  "EncryptionSession#sign": [
    [notBytes, (it) => session.sign(it), /^bytes$/],
    [cryptOptions, (it) => session.sign(sealed, it)],
  ],
  "EncryptionSession#encryptText": [
    [notText, (it) => session.encryptText(it)],
    [cryptOptions, (it) => session.encryptText("x", it)],
  ],
  "EncryptionSession#encryptJson": [
    [
      {
        undefined,
        function: () => {},
        bigint: 1n,
        circle: (() => {
          const it = {};
          it.it = it;
          return it;
        })(),
        trap: {
          toJSON() {
            throw new Error("trap");
          },
        },
      },
      (it) => session.encryptJson(it),
    ],
    [cryptOptions, (it) => session.encryptJson("x", it)],
  ],
  "EncryptionSession#encryptFile": [
    [notPath, (it) => session.encryptFile(it, "b")],
    [notPath, (it) => session.encryptFile("a", it)],
    [fileOptions, (it) => session.encryptFile("a", "b", it)],
  ],
  "EncryptionSession#encryptStream": [
    [all, (it) => session.encryptStream(it)],
    [fileOptions, (it) => session.encryptStream(pieces(), it)],
  ],
  "Account#decryptStream": [
    [all, (it) => account.decryptStream(it)],
    [fileOptions, (it) => account.decryptStream(pieces(), it)],
  ],
  "Account#openEnvelope": [
    [but(all, "text"), (it) => account.openEnvelope(it)],
    [but(all, "number"), (length) => account.openEnvelope({ length, read: () => sealed })],
    [but(all, "function"), (read) => account.openEnvelope({ length: 7, read })],
    [{ nul: "a\0b", empty: "", web: new URL("https://x") }, (it) => account.openEnvelope(it)],
    [rangeOptions, (it) => account.openEnvelope("a", it)],
  ],
  "Account#decryptFolder": [
    [notPath, (it) => account.decryptFolder(it, "b")],
    [notPath, (it) => account.decryptFolder("a", it)],
    [fileOptions, (it) => account.decryptFolder("a", "b", it)],
  ],
  "Account#openFolder": [
    [but(all, "text"), (it) => account.openFolder(it)],
    [but(all, "number"), (length) => account.openFolder({ length, read: () => sealed })],
    [but(all, "function"), (read) => account.openFolder({ length: 7, read })],
    [{ nul: "a\0b", empty: "", web: new URL("https://x") }, (it) => account.openFolder(it)],
    [rangeOptions, (it) => account.openFolder("a", it)],
  ],
  "EncryptionSession#encryptFolder": [
    [notPath, (it) => session.encryptFolder(it, "b")],
    [notPath, (it) => session.encryptFolder("a", it)],
    [folderOptions, (it) => session.encryptFolder("a", "b", it)],
  ],
  "EncryptionSession#encryptMany": [
    [notList, (it) => session.encryptMany(it)],
    [but(all), (it) => session.encryptMany([it])],
    [notBytes, (data) => session.encryptMany([{ data }])],
    [notContext, (context) => session.encryptMany([{ data: sealed, context }])],
    [callOptions, (it) => session.encryptMany([], it)],
  ],
  "Account#decryptMany": [
    [notList, (it) => account.decryptMany(it)],
    [but(all), (it) => account.decryptMany([it])],
    [notBytes, (envelope) => account.decryptMany([{ envelope }])],
    [notContext, (context) => account.decryptMany([{ envelope: sealed, context }])],
    [callOptions, (it) => account.decryptMany([], it)],
  ],
  "EncryptionSession#grant": [
    [merge(missing, notRecipient), (it) => session.grant(it)],
    [merge(callOptions, grants), (it) => session.grant({ userId: "dr.a" }, it)],
  ],
  "EncryptionSession#revoke": [
    [merge(missing, notRecipient), (it) => session.revoke(it)],
    [
      merge(
        callOptions,
        inside(notBoolean, (cascade) => ({ cascade })),
      ),
      (it) => session.revoke({ userId: "dr.a" }, it),
    ],
  ],
  "EncryptionSession#transfer": [
    [merge(missing, notRecipient), (it) => session.transfer(it)],
    [
      merge(
        callOptions,
        inside(notRights, (keep) => ({ keep })),
      ),
      (it) => session.transfer({ userId: "dr.a" }, it),
    ],
  ],
  "EncryptionSession#setMetadata": [
    [notBytes, (it) => session.setMetadata(it)],
    [callOptions, (it) => session.setMetadata(sealed, it)],
  ],
};
const ofSession = ["leave", "recipients", "rotate", "refresh", "forget", "end", "metadata"];
for (const name of [...ofSession, "whoMayRead", "expiry", "endsAt", "tag"]) {
  table[`EncryptionSession#${name}`] = [[callOptions, (it) => session[name](it)]];
}
for (const name of ["refresh", "name", "members", "leave", "rotate", "delete"]) {
  table[`Group#${name}`] = [[callOptions, (it) => group[name](it)]];
}
for (const name of ["sessions", "groups"]) {
  table[`Account#${name}`] = [[pageOptions, (it) => account[name](it)]];
}
for (const name of ["fingerprint", "isVerified"]) {
  table[`Account#${name}`] = [
    [notText, (it) => account[name](it)],
    [callOptions, (it) => account[name]("dr.b", it)],
  ];
}
for (const name of [
  "recoveryKeySetAt",
  "backups",
  "deleteBackups",
  "pairingCode",
  "joinByPairing",
  "deleteIdentity",
]) {
  table[`Account#${name}`] = [[callOptions, (it) => account[name](it)]];
}
for (const [on, it] of [
  ["Account", account],
  ["EncryptionSession", session],
]) {
  table[`${on}#decrypt`] = [
    [notBytes, (wrong) => it.decrypt(wrong)],
    [cryptOptions, (wrong) => it.decrypt(sealed, wrong)],
  ];
  table[`${on}#decryptSigned`] = [
    [notBytes, (wrong) => it.decryptSigned(wrong, undefined)],
    [but(everything, "bytes"), (wrong) => it.decryptSigned(sealed, wrong)],
    [cryptOptions, (wrong) => it.decryptSigned(sealed, undefined, wrong)],
  ];
  for (const name of ["decryptText", "decryptJson"]) {
    table[`${on}#${name}`] = [
      [notText, (wrong) => it[name](wrong)],
      [cryptOptions, (wrong) => it[name](sealedText, wrong)],
    ];
  }
  table[`${on}#decryptFile`] = [
    [notPath, (wrong) => it.decryptFile(wrong, "b")],
    [notPath, (wrong) => it.decryptFile("a", wrong)],
    [fileOptions, (wrong) => it.decryptFile("a", "b", wrong)],
  ];
}

const sync = new Set([
  "Account#session",
  "Account#group",
  "Account#maxStaleness",
  "EncryptionSession#maxStaleness",
  "RecoveryKey.fromWords",
  "EncryptionSession#encryptStream",
  "Account#decryptStream",
]);
let tried = 0;

function isInvalid(error, what) {
  assert.ok(error instanceof PlicoError, `${what}: ${error}`);
  assert.equal(error.code, "INVALID_ARGUMENT", `${what}: ${error}`);
  tried += 1;
}

for (const [name, rows] of Object.entries(table)) {
  test(name, async () => {
    for (const [wrongs, call, except] of rows) {
      for (const [what, wrong] of Object.entries(wrongs)) {
        if (except?.test(what)) continue;
        const label = `${name} with ${what}, ${call}`;
        if (sync.has(name)) {
          assert.throws(
            () => call(wrong),
            (error) => (isInvalid(error, label), true),
            label,
          );
        } else {
          const promise = call(wrong); // would throw here if it were not a rejection
          assert.ok(promise instanceof Promise, label);
          await promise.then(
            () => assert.fail(`${label} was accepted`),
            (error) => isInvalid(error, label),
          );
        }
      }
    }
  });
}

test("the table knows every method that takes something", () => {
  const without = new Set(["constructor", "offline", "close"]);
  const methods = [Account, EncryptionSession, Group, Plico, Service].flatMap((type) =>
    Object.entries(Object.getOwnPropertyDescriptors(type.prototype))
      .filter(([name, { value }]) => typeof value === "function" && !without.has(name))
      .map(([name]) => `${type.name}#${name}`),
  );
  assert.deepEqual(
    methods.filter((name) => !(name in table)),
    [],
  );
  console.log(`wrong arguments tried: ${tried}`);
});

test("nobody makes these objects but the package", () => {
  for (const type of [AccessList, Account, EncryptionSession, EnvelopeReader, Group, Plico, RecoveryKey, SealedFolder, Service]) {
    assert.throws(() => new type(), { code: "INVALID_ARGUMENT" });
  }
});

// The verbs: each takes the world, the step's arguments, the handle it works
// on, and the options that cancel it.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { openOfflineFile, Plico, RecoveryKey } from "plico";
import { checkTime } from "./compare.mjs";
import { many } from "./many.mjs";
import { payloads } from "./payloads.mjs";
import { terms } from "./terms.mjs";

/** In the place of an app's backend: the development directory signs tokens. */
async function token({ directory, tenant }, userId, identityId) {
  const answer = await fetch(`${directory}/dev/tenants/${tenant}/enrolment`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user_id: userId, identity_id: identityId }),
  });
  return (await answer.json()).token;
}

const crypt = (world, args, signal) => ({ ...world.context(args.context), ...signal });
const nothing = (promise) => promise.then(() => null);

export const verbs = {
  open(world, args, _, signal) {
    return Plico.open({
      directory: world.text(args.directory),
      tenant: world.text(args.tenant),
      attempts: args.attempts,
      requestTimeoutMs: args.request_timeout_ms,
      maxStalenessMs: args.max_staleness_ms,
      startOffline: args.start_offline,
      ...signal,
    });
  },
  tenant_id: (world, args, plico) => plico.tenantId,
  account(world, args, plico, signal) {
    if (args.memory) return plico.account({ inMemory: true, ...signal });
    return plico.account({ store: world.path(args.store), key: world.bytes(args.key), ...signal });
  },
  identity_id: (world, args, account) => account.identityId ?? null,
  register(world, args, account, signal) {
    const userId = world.text(args.user_id);
    const enrolment = ({ identityId }) =>
      args.token === undefined ? token(world.args, userId, identityId) : world.text(args.token);
    return account.register({ userId, enrolment, ...signal });
  },
  create_session(world, args, account, signal) {
    const recipients = world.granted(args.recipients);
    const { on_missing: onMissing, suite } = args;
    return account.createSession({ recipients, onMissing, suite, ...signal });
  },
  session: (world, args, account) => account.session(world.text(args.id)),
  session_of: (world, args, account, signal) =>
    account.sessionOf(world.bytes(args.envelope), signal),
  offline: (world, args, on) => on.offline(),
  max_staleness: (world, args, on) => on.maxStaleness(args.ms),
  async prefetch(world, args, account, signal) {
    const ids = args.ids.map((it) => world.text(it));
    const results = await account.prefetch(ids, signal);
    return results.map((it) => (it.status === "fulfilled" ? "OK" : it.reason.code));
  },
  settle: (world, args, account, signal) => account.settle(signal),
  accept_identity_change: (world, args, account, signal) =>
    account.acceptIdentityChange(world.text(args.user_id), signal),
  device_id: (world, args, account) => account.deviceId ?? null,
  async devices(world, args, account, signal) {
    const word = ({ isThis, revoked }) => (revoked ? "revoked" : isThis ? "this" : "active");
    return (await account.devices(signal)).map(word);
  },
  revoke_device: (world, args, account, signal) =>
    nothing(account.revokeDevice(world.text(args.id), signal)),
  rotate_user_key: (world, args, account, signal) => nothing(account.rotateUserKey(signal)),
  export_identity: (world, args, account, signal) =>
    account.exportIdentity(world.fileKey(args.key), signal),
  import_identity: (world, args, account, signal) =>
    account.importIdentity(world.bytes(args.file), world.fileKey(args.key), signal),
  name_device: (world, args, account, signal) =>
    nothing(account.nameDevice(world.text(args.id), world.text(args.name), signal)),
  async device_names(world, args, account, signal) {
    return (await account.devices(signal)).map(({ name = "" }) => name);
  },
  generate_words: () => RecoveryKey.generate().words(),
  async has_recovery_key(world, args, account, signal) {
    return (await account.recoveryKeySetAt(signal)) instanceof Date;
  },
  set_recovery_key(world, args, account, signal) {
    const old = args.old === undefined ? {} : { old: RecoveryKey.fromWords(world.text(args.old)) };
    const key = RecoveryKey.fromWords(world.text(args.words));
    return nothing(account.setRecoveryKey(key, { ...old, ...signal }));
  },
  recover(world, args, account, signal) {
    const key = RecoveryKey.fromWords(world.text(args.words));
    return account.recover(key, { keepDevices: args.keep_devices, ...signal });
  },
  store_backup: (world, args, account, signal) =>
    nothing(account.storeBackup(world.fileKey(args.key), signal)),
  async backups(world, args, account, signal) {
    const word = ({ passphrase }) => (passphrase ? "passphrase" : "host_secret");
    return (await account.backups(signal)).map(word);
  },
  restore_backup: (world, args, account, signal) =>
    account.restoreBackup(world.text(args.user_id), world.fileKey(args.key), signal),
  delete_backups: (world, args, account, signal) => nothing(account.deleteBackups(signal)),
  pairing_code: (world, args, account, signal) => account.pairingCode(signal),
  join_by_pairing: (world, args, account, signal) => account.joinByPairing(signal),
  approve_pairing: (world, args, account, signal) =>
    account.approvePairing(world.text(args.code), signal),
  async fingerprint(world, args, account, signal) {
    return (await account.fingerprint(world.text(args.user_id), signal)).digits;
  },
  async fingerprint_to_scan(world, args, account, signal) {
    return (await account.fingerprint(world.text(args.user_id), signal)).toScan;
  },
  verify_fingerprint: (world, args, account, signal) =>
    nothing(account.verifyFingerprint(world.text(args.user_id), world.text(args.shown), signal)),
  is_verified: (world, args, account, signal) =>
    account.isVerified(world.text(args.user_id), signal),
  offline_file: (world, args, account, signal) =>
    account.offlineFile(world.bytes(args.envelope), signal),
  async open_offline_file(world, args, _, signal) {
    const [file, identity] = [world.bytes(args.file), world.bytes(args.identity)];
    const options = crypt(world, args, signal);
    const { content, asOf } = await openOfflineFile(
      file,
      identity,
      world.fileKey(args.key),
      options,
    );
    checkTime(asOf);
    return content;
  },
  create_group(world, args, account, signal) {
    const members = (args.members ?? []).map((it) => ({ ...world.recipient(it), role: it.role }));
    const name = args.name === undefined ? undefined : world.text(args.name);
    return account.createGroup({ name, members, fromNowOn: args.from_now_on, ...signal });
  },
  group: (world, args, account) => account.group(world.text(args.id)),
  async groups(world, args, account, signal) {
    return new Set((await account.groups(signal)).items);
  },
  async sessions_of_group(world, args, account, signal) {
    return new Set((await account.sessionsOfGroup(world.text(args.group), signal)).items);
  },
  group_id: (world, args, group) => group.id,
  group_name: (world, args, group, signal) => group.name(signal),
  rename: (world, args, group, signal) => nothing(group.rename(world.text(args.name), signal)),
  async members(world, args, group, signal) {
    const members = await group.members(signal);
    return new Set(members.map(({ who, userId, role }) => `${userId ?? who.group} ${role}`));
  },
  add: (world, args, group, signal) =>
    nothing(group.add(world.recipient(args.who), { role: args.role, ...signal })),
  remove: (world, args, group, signal) => nothing(group.remove(world.recipient(args.who), signal)),
  delete_group: (world, args, group, signal) => nothing(group.delete(signal)),
  async who_may_read(world, args, session, signal) {
    const { mayRead, asOf } = await session.whoMayRead(signal);
    checkTime(asOf);
    const people = mayRead.filter(({ who }) => who.identityId !== undefined);
    return new Set(people.map(({ userId, path }) => `${userId} ${path.length}`));
  },
  delete_identity: (world, args, account, signal) => nothing(account.deleteIdentity(signal)),
  session_id: (world, args, session) => session.id,
  missing_recipients: (world, args, session) => session.missingRecipients,
  encrypt: (world, args, session, signal) =>
    session.encrypt(world.bytes(args.data), crypt(world, args, signal)),
  encrypt_text: (world, args, session, signal) =>
    session.encryptText(world.text(args.text), crypt(world, args, signal)),
  encrypt_file: (world, args, session, signal) =>
    nothing(
      session.encryptFile(
        world.path(args.source),
        world.path(args.target),
        crypt(world, args, signal),
      ),
    ),
  ...many,
  ...payloads,
  ...terms,
  decrypt: (world, args, on, signal) =>
    on.decrypt(world.bytes(args.envelope), crypt(world, args, signal)),
  async encrypt_signed(world, args, session, signal) {
    const options = crypt(world, args, signal);
    const signed = await session.encryptSigned(world.bytes(args.data), options);
    world.save(args.signature, signed.signature);
    return signed.envelope;
  },
  sign: (world, args, session, signal) =>
    session.sign(world.bytes(args.envelope), crypt(world, args, signal)),
  async decrypt_signed(world, args, on, signal) {
    const signature = args.signature === undefined ? undefined : world.bytes(args.signature);
    const options = crypt(world, args, signal);
    const opened = await on.decryptSigned(world.bytes(args.envelope), signature, options);
    const { content, writtenBy } = opened;
    if (writtenBy.signed) checkTime(writtenBy.at);
    return { ...content, writtenBy: writtenBy.signed ? writtenBy.userId : null };
  },
  decrypt_text: (world, args, on, signal) =>
    on.decryptText(world.text(args.text), crypt(world, args, signal)),
  decrypt_file: (world, args, on, signal) =>
    nothing(
      on.decryptFile(world.path(args.source), world.path(args.target), crypt(world, args, signal)),
    ),
  grant: (world, args, session, signal) =>
    nothing(session.grant(world.recipient(args.to), { ...world.grant(args), ...signal })),
  revoke: (world, args, session, signal) =>
    nothing(session.revoke(world.recipient(args.from), { cascade: args.cascade, ...signal })),
  leave: (world, args, session, signal) => nothing(session.leave(signal)),
  rotate: (world, args, session, signal) => nothing(session.rotate(signal)),
  refresh: (world, args, session, signal) => nothing(session.refresh(signal)),
  forget: (world, args, session, signal) => nothing(session.forget(signal)),
  end: (world, args, session, signal) => nothing(session.end(signal)),
  recipients: (world, args, session, signal) => session.recipients(signal),
  set_metadata: (world, args, session, signal) =>
    nothing(session.setMetadata(world.bytes(args.data), signal)),
  metadata: (world, args, session, signal) => session.metadata(signal),
  close: (world, args, on) => nothing(on.close()),
  write_file: (world, args) => writeFileSync(world.path(args.path), world.bytes(args.data)) ?? null,
  read_file: (world, args) => readFileSync(world.path(args.path)),
  exists: (world, args) => existsSync(world.path(args.path)),
  wait: (world, args) => setTimeout(args.ms, null),
};

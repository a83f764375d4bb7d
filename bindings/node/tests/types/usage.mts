// How apps use the package, as the compiler sees it; and what it must refuse.

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
  cipherBackend,
  generatePassphrase,
  openOfflineFile,
  type Access,
  type AccessEnd,
  type BackupStatus,
  type Context,
  type Decrypted,
  type DecryptedSigned,
  type DeviceInfo,
  type EverywhereSummary,
  type Expiry,
  type FileKey,
  type Fingerprint,
  type GroupMember,
  type GroupRole,
  type OpenedSealed,
  type OfflineOpened,
  type Page,
  type RangedSource,
  type PlicoErrorCode,
  type PlicoEvent,
  type Recipient,
  type RecipientInfo,
  type SealedItem,
  type SessionTerms,
  type SignedEnvelope,
  type Store,
  type Transport,
} from "plico";
import { TestDirectory, type Lie } from "plico/testing";

declare const key: Uint8Array;
declare const bytes: Uint8Array;

const transport: Transport = {
  async send({ method, url, headers, body }) {
    const answer = await fetch(url, {
      method,
      headers,
      redirect: "manual",
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    });
    return { status: answer.status, body: new Uint8Array(await answer.arrayBuffer()) };
  },
};

const map = new Map<string, Uint8Array>();
const store: Store = {
  get: async (key) => map.get(key),
  scan: async (prefix) => [...map].filter(([key]) => key.startsWith(prefix)),
  async commit(changes, expected) {
    for (const { key, value } of expected) {
      const same = value === null ? !map.has(key) : map.get(key)?.length === value.length;
      if (!same) throw Object.assign(new Error("changed"), { code: "STORE_CONFLICT" });
    }
    for (const { key, value } of changes) value === null ? map.delete(key) : map.set(key, value);
  },
};

export async function usage(): Promise<void> {
  await using plico = await Plico.open({ directory: "https://keys.example.org", tenant: "…" });
  const other: Plico = await Plico.open({
    directory: "https://keys.example.org",
    tenant: plico.tenantId,
    transport,
    maxStalenessMs: 60_000,
    requestTimeoutMs: 5_000,
    attempts: 2,
    parallelRequests: 4,
    startOffline: true,
    signal: AbortSignal.timeout(1_000),
    onEvent(event: PlicoEvent) {
      if (event.type === "epochBegun") console.log(event.sessionId, event.epoch);
      if (event.type === "keyRenewalNear") console.log(event.identityId, new Date(event.atMs));
      if (event.type === "recipientWithdrawn") console.log(event.sessionId);
      if (event.type === "recoveryUsed") console.log(event.identityId);
      // @ts-expect-error: only some events have an identity
      event.identityId;
    },
    onLog: ({ level, message }) => console.log(level, message),
  });
  await other.close();

  const account: Account = await plico.account({ store: "./dr-a.plicostore", key });
  await plico.account({ store: new URL("file:///dr-a.plicostore"), key, acceptCopy: true });
  await plico.account({ store });
  await plico.account({ inMemory: true });
  // @ts-expect-error: a file has a key
  await plico.account({ store: "./dr-a.plicostore" });
  // @ts-expect-error: it is said where an account lives
  await plico.account({});
  // @ts-expect-error: keys are bytes
  await plico.account({ store: "./dr-a.plicostore", key: "secret" });
  // @ts-expect-error: made by Plico.account
  new Account();

  const maybe: string | undefined = account.identityId;
  const id: string = await account.register({
    userId: maybe ?? "dr.a",
    enrolment: async ({ identityId }) => `token for ${identityId}`,
  });
  // @ts-expect-error: the token is text
  await account.register({ userId: "dr.a", enrolment: async () => 7 });

  const session: EncryptionSession = await account.createSession({
    recipients: [
      { userId: "patient.7" },
      { identityId: id, rights: ["read", "forward"], expiresAt: new Date() },
    ],
    onMissing: "skip",
    suite: 2,
  });
  // @ts-expect-error: by one or the other
  await account.createSession({ recipients: [{ userId: "a", identityId: "b" }] });
  // @ts-expect-error: no such right
  await session.grant({ userId: "a" }, { rights: ["write"] });
  // @ts-expect-error: there are two suites
  await account.createSession({ suite: 3 });
  // @ts-expect-error: a time is a Date
  await session.grant({ userId: "a" }, { expiresAt: 42 });

  const context: Context = { table: "notes", row: 42, big: 42n, flag: true, raw: bytes };
  const sealed: Buffer = await session.encrypt(bytes, { context, signal: AbortSignal.timeout(9) });
  const text: string = await session.encryptText("x", { context: bytes });
  await session.encryptJson({ any: "thing" });
  await session.encryptFile("a", new URL("file:///b"), {
    onProgress: ({ done, total }) => console.log(done / total),
  });
  // @ts-expect-error: text has a call of its own
  await session.encrypt("text");
  // @ts-expect-error: fields hold values, not objects
  await session.encrypt(bytes, { context: { nested: {} } });

  const opened: Decrypted = await account.decrypt(sealed, { context });
  const known: Date = opened.knownAt;
  const offline: boolean = opened.writtenOffline;
  console.log(opened.data.toString("utf8"), opened.sessionId, known, offline);
  // @ts-expect-error: results are not to be changed
  opened.sessionId = "";
  const json: { a: number } = await account.decryptJson<{ a: number }>(text);
  const unknown: unknown = await session.decryptJson(text);
  console.log(json.a, unknown, await session.decryptText(text), await account.decryptText(text));
  await account.decryptFile("b", "c");
  await session.decryptFile("b", "c");

  const { createReadStream } = await import("node:fs");
  const source = createReadStream("a");
  const sealing = session.encryptStream(source, { context, threads: 2, signal: AbortSignal.timeout(9) });
  const plain = account.decryptStream(sealing, { onProgress: ({ done }) => console.log(done) });
  for await (const part of plain) console.log(part.byteLength);
  const response = await fetch("https://example.org/scan.plico");
  if (response.body !== null) await new Response(account.decryptStream(response.body)).text();
  // @ts-expect-error: pieces are bytes
  session.encryptStream((async function* () { yield "text"; })());
  // @ts-expect-error: options are those of files
  session.encryptStream(source, { skipLinks: true });
  const ranged: RangedSource = { length: 7, read: async (offset, length) => bytes.subarray(offset, offset + length) };
  await using reader: EnvelopeReader = await account.openEnvelope(ranged, { context, threads: 4 });
  const part: Buffer = await reader.read(0, reader.length, { signal: AbortSignal.timeout(9) });
  console.log(part, await account.openEnvelope(new URL("file:///b")), cipherBackend().length);
  // @ts-expect-error: how long it is must be known
  await account.openEnvelope({ read: async () => bytes });
  const many: Buffer[] = await session.encryptMany([{ data: bytes, context }, { data: bytes }]);
  for (const it of await account.decryptMany(many.map((envelope) => ({ envelope, context })))) {
    if (it.status === "fulfilled") console.log(it.value.data, it.value.sessionId);
  }
  await session.encryptFolder("a", "b", { skipLinks: true, threads: 2 });
  await account.decryptFolder("b", "c", { context });
  const folder: SealedFolder = await account.openFolder("b", { context });
  for (const { path, size, isFolder, modified } of folder.members) {
    if (!isFolder) await folder.extract(path, "c");
    console.log(size, modified.getTime());
  }
  await folder.close();

  const infos: RecipientInfo[] = await session.recipients();
  const until: Date | undefined = infos[0]?.expiresAt;
  console.log(until, session.id, session.missingRecipients);
  await session.revoke({ userId: "insurer.3" }, { cascade: true });
  await session.transfer({ userId: "dr.b" }, { keep: ["read"] });
  await session.rotate();
  await session.refresh();
  await session.setMetadata(bytes);
  const metadata: Buffer | undefined = await session.metadata();
  console.log(metadata);
  await session.forget();
  await session.leave();
  await session.end();
  await session.offline().encrypt(bytes);
  await session.maxStaleness(0).encrypt(bytes);

  const settled: number = await account.settle();
  const results: PromiseSettledResult<void>[] = await account.prefetch([session.id]);
  const accepted: string = await account.acceptIdentityChange("patient.7");
  console.log(settled, results, accepted, (await account.sessionOf(sealed)).id);
  await account.offline().maxStaleness(0).session(session.id).refresh();

  const expiry: Expiry = await session.expiry();
  const ends: Date | undefined = await session.endsAt();
  const tag: string | undefined = await session.tag();
  await session.setExpiry({ at: ends ?? new Date(), afterIdleMs: expiry.afterIdleMs });
  await session.setTag(tag, { signal: AbortSignal.timeout(9) });
  // @ts-expect-error: that it is to have none is said
  await session.setTag();
  // @ts-expect-error: a time is a Date
  await session.setExpiry({ at: 7 });
  const terms: SessionTerms[] = [{ recipients: [{ userId: "a" }], expiry, tag: "x", metadata: bytes }];
  for (const made of await account.createSessions(terms)) {
    const id: string | undefined = made.status === "fulfilled" ? made.value.id : undefined;
    console.log(id, (await account.sessionsTagged("x", { after: session.id })).items);
  }
  // @ts-expect-error: one signal for all
  await account.createSessions([{ signal: AbortSignal.timeout(9) }]);
  const both = [{ userId: "a", rights: ["read", "forward"] as const }, { identityId: id }];
  const each: PromiseSettledResult<void>[] = await session.grantAll(both);
  const [first]: PromiseSettledResult<void>[][] = await account.grantMany([session.id], both);
  await account.revokeMany([session.id], both, { cascade: true });
  await session.revokeAll(both, { cascade: true });
  console.log(each[0]?.status, first?.[0]?.status);
  const summary: EverywhereSummary = await account.revokeEverywhere({ userId: "a" }, {
    cascade: true,
    sessionsOnly: false,
    throughGroups: true,
    stop: AbortSignal.timeout(9),
    onProgress: ({ done, changed, failed, cursor }) => console.log(done, changed, failed, cursor),
  });
  for (const it of summary.issues) {
    if (it.problem === "failed") console.log(it.session ?? it.group, it.error.code);
    else if (it.problem === "stillThrough") console.log(it.through);
    // @ts-expect-error: only what failed has an error
    else console.log(it.error);
  }
  await account.giveAllOf({ userId: "a" }, { userId: "b" }, { after: summary.cursor });
  // @ts-expect-error: giving revokes nobody
  await account.giveAllOf({ userId: "a" }, { userId: "b" }, { cascade: true });

  await using service: Service = await plico.service({ token: async ({ tenantId }) => tenantId });
  const item: SealedItem = await service.sealFor([{ userId: "a" }], bytes, { context, suite: 2, onMissing: "skip" });
  const unsealed: OpenedSealed = await account.openSealed(item.bytes, { context });
  const unsigned: false = unsealed.writtenBy.signed;
  console.log(item.missing, unsealed.data, unsealed.recipients[0]?.group, unsealed.openedAs, unsigned);
  // @ts-expect-error: the token is text
  await plico.service({ token: () => 7 });
  // @ts-expect-error: made by Plico.service
  new Service();

  const group: Group = await account.createGroup({
    name: "the practice",
    members: [{ userId: "nurse.b" }, { group: id, role: "manager" }],
    fromNowOn: true,
  });
  // @ts-expect-error: no such role
  await account.createGroup({ members: [{ userId: "a", role: "boss" }] });
  // @ts-expect-error: by one of them
  await session.grant({ userId: "a", group: group.id });
  await session.grant({ group: group.id }, { rights: ["read", "forward"] });
  const members: GroupMember[] = await group.members();
  const role: GroupRole | undefined = members[0]?.role;
  const who: Recipient = members[0]?.who ?? { group: group.id };
  await account.group(group.id).add(who, { role: role ?? "member", expiresAt: new Date() });
  await group.remove(who, { cascade: true });
  await group.addMembers([who, { userId: "locum.c", role: "manager" }]);
  await group.removeMembers([who], { cascade: true });
  await group.transfer({ userId: "dr.b" }, { keep: "manager", signal: AbortSignal.timeout(9) });
  // @ts-expect-error: rights are a session's
  await group.add(who, { rights: ["read"] });
  const called: string | undefined = await group.name();
  await group.rename(called ?? "x");
  for (const call of [group.refresh(), group.leave(), group.rotate(), group.delete()]) await call;
  const page: Page = await account.sessionsOfGroup(group.id, { after: session.id });
  const more: boolean = (await account.sessions()).more && (await account.groups()).more;
  const list: AccessList = await session.whoMayRead();
  const ways: readonly Access[] = list.mayRead;
  const cause: AccessEnd | undefined = list.former[0]?.cause;
  console.log(page.items, more, ways[0]?.path, ways[0]?.withdrawn, cause, list.toTree(), list.asOf.getTime());
  // @ts-expect-error: made by a session
  new AccessList();
  // @ts-expect-error: made by an account
  new Group();

  const signed: SignedEnvelope = await session.encryptSigned(bytes, { context });
  const witnessed: Buffer = await session.sign(signed.envelope, { context });
  const read: DecryptedSigned = await account.decryptSigned(signed.envelope, witnessed, { context });
  if (read.writtenBy.signed) {
    const at: Date = read.writtenBy.at;
    console.log(read.writtenBy.identityId, read.writtenBy.userId, read.writtenBy.deviceId, at);
  } else {
    // @ts-expect-error: nobody has signed
    console.log(read.writtenBy.identityId);
  }
  await session.decryptSigned(signed.envelope, undefined);
  // @ts-expect-error: that there is no signature is said
  await session.decryptSigned(signed.envelope);

  const passphrase: string = generatePassphrase();
  const fileKey: FileKey = { hostSecret: bytes };
  const exported: Buffer = await account.exportIdentity({ passphrase });
  const imported: string = await account.importIdentity(exported, fileKey);
  const thisDevice: string | undefined = account.deviceId;
  const devices: DeviceInfo[] = await account.devices({ signal: AbortSignal.timeout(9) });
  for (const { id, isThis, added, revoked, byRecovery, name, lastSeen } of devices) {
    const since: Date = added;
    const called: string | undefined = name;
    const seen: Date | undefined = lastSeen;
    if (!isThis && !revoked) await account.revokeDevice(id);
    console.log(since, imported, thisDevice, byRecovery, called, seen);
    await account.nameDevice(id, called ?? "phone");
  }
  await account.rotateUserKey();
  // @ts-expect-error: by one or the other
  await account.exportIdentity({ passphrase, hostSecret: bytes });
  // @ts-expect-error: a passphrase is named as one
  await account.importIdentity(exported, passphrase);
  // @ts-expect-error: a secret is bytes
  await account.importIdentity(exported, { hostSecret: passphrase });

  const old: RecoveryKey = RecoveryKey.generate();
  const words: string = old.words();
  await account.setRecoveryKey(RecoveryKey.fromWords(words), { old, signal: AbortSignal.timeout(9) });
  const setAt: Date | undefined = await account.recoveryKeySetAt();
  const recovered: string = await account.recover(old, { keepDevices: true });
  // @ts-expect-error: words are read first
  await account.recover(words);
  // @ts-expect-error: made by its class
  new RecoveryKey();
  await account.storeBackup({ passphrase });
  const backups: BackupStatus[] = await account.backups();
  const stored: Date | undefined = backups[0]?.stored;
  const restored: string = await account.restoreBackup("dr.a", fileKey);
  await account.deleteBackups();
  // @ts-expect-error: whose backup, first
  await account.restoreBackup({ passphrase });
  console.log(setAt, recovered, stored, backups[0]?.passphrase, restored);

  const code: string = await account.pairingCode();
  const joined: string = await account.joinByPairing({ signal: AbortSignal.timeout(9) });
  const approved: string = await account.approvePairing(code);
  const fingerprint: Fingerprint = await account.fingerprint("patient.7");
  await account.verifyFingerprint("patient.7", fingerprint.toScan);
  const verified: boolean = await account.isVerified("patient.7");
  console.log(joined, approved, fingerprint.digits, verified);

  const file: Buffer = await account.offlineFile(sealed);
  const away: OfflineOpened = await openOfflineFile(file, exported, fileKey, { context });
  const asOf: Date = away.asOf;
  console.log(away.content.data, asOf);
  // @ts-expect-error: a key, too
  await openOfflineFile(file, exported);
  await account.deleteIdentity();

  try {
    await account.close();
  } catch (error) {
    if (error instanceof PlicoError) {
      const code: PlicoErrorCode = error.code;
      const recipients: readonly string[] = error.recipients;
      console.log(code, recipients, error.cause);
      // @ts-expect-error: no such code
      if (error.code === "NO_SUCH_CODE") return;
    }
  }
}

export async function kit(): Promise<void> {
  const directory = await TestDirectory.start();
  const lie: Lie = "UserIdMoved";
  directory.tell(lie);
  // @ts-expect-error: no such lie
  directory.tell("NoSuchLie");
  const { account, connection } = await directory.person("dr.a", { clockAheadMs: -5_000 });
  connection.loseReplies(1);
  const plico: Plico = await directory.plico({ connection, attempts: 1 });
  const same: Account = account;
  console.log(same, plico, directory.told, directory.clock.now().getTime());
  await directory.setStanding("…", false);
  await directory.setUserKeyDays(90);
  await directory.withdraw("…", { identityId: "…" });
  await directory.lift("…", { group: "…" });
  await directory.destroy("…");
  // @ts-expect-error: the operator knows ids
  await directory.withdraw("…", { userId: "dr.a" });
  const ids: string[] = await directory.findSessions("case 42", "…");
  const { service, connection: theirs } = await directory.service();
  await service.sealFor([{ userId: "dr.a" }], bytes);
  console.log(ids, theirs.urls, directory.serviceToken().length);
  await directory.restore(await directory.backup());
  // @ts-expect-error: backups are made by the directory
  await directory.restore({});
}

/** The native half: its interface, and how it is found. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { PlicoEvent, LogRecord } from "./hooks";
import { platformName } from "./platform";

export interface Cancel {
  cancel(): void;
}

export interface NativeContextField {
  name: string;
  text?: string;
  integer?: bigint;
  bytes?: Uint8Array;
  flag?: boolean;
}

export interface NativeContext {
  fields?: NativeContextField[];
  raw?: Uint8Array;
}

export interface NativeRecipient {
  userId?: string;
  identityId?: string;
  group?: string;
}

export interface NativeGrant {
  forward: boolean;
  revoke: boolean;
  owner: boolean;
  expiresAtMs?: number;
}

export interface NativeRecipientInfo {
  identityId: string;
  userId?: string;
  forward: boolean;
  revoke: boolean;
  owner: boolean;
  grantedBy: string;
  grantedAtMs: number;
  expiresAtMs?: number;
}

/** One of both is there. */
export interface NativeMemberId {
  identityId?: string;
  group?: string;
}

export interface NativeGroupInput {
  name?: string;
  members: NativeNewMember[];
  fromNowOn: boolean;
}

export interface NativeGroupMember {
  who: NativeMemberId;
  userId?: string;
  role: string;
  addedBy: string;
  addedAtMs: number;
  expiresAtMs?: number;
}

export interface NativeAccess {
  who: NativeMemberId;
  userId?: string;
  path: string[];
  forward: boolean;
  revoke: boolean;
  owner: boolean;
  grantedBy: string;
  grantedByUserId?: string;
  grantedAtMs: number;
  expiresAtMs?: number;
  withdrawn: boolean;
}

export interface NativeFormerAccess {
  who: NativeMemberId;
  userId?: string;
  cause: string;
  by: string;
  atMs: number;
}

export interface NativeAccessList {
  mayRead: NativeAccess[];
  former: NativeFormerAccess[];
  asOfMs: number;
  tree: string;
}

export interface NativePage {
  items: string[];
  more: boolean;
}

export interface NativeSigned {
  envelope: Buffer;
  signature: Buffer;
}

export interface NativeSignedOpened {
  content: NativeOpened;
  writer?: { identityId: string; userId?: string; deviceId: string; atMs: number };
}

export interface NativeOpened {
  data: Buffer;
  sessionId: string;
  writtenOffline: boolean;
  knownAtMs: number;
}

export interface NativeProgress {
  done: number;
  total: number;
}

export interface NativeFile {
  source: string;
  target: string;
  context?: NativeContext;
  threads?: number;
  skipLinks?: boolean;
  onProgress?: (progress: NativeProgress) => void;
}

export interface NativeStreamInput {
  context?: NativeContext;
  threads?: number;
}

export interface NativeStream {
  write(data: Uint8Array): Promise<Buffer>;
  finish(): Promise<Buffer>;
  abandon(): void;
}

export interface NativeRangesInput {
  path?: string;
  length?: number;
  read?: (offset: number, length: number) => Promise<{ data?: Uint8Array }>;
  how: NativeStreamInput;
}

export interface NativeRanges {
  length(): number;
  read(start: number, end: number, cancel?: Cancel): Promise<Buffer>;
  close(): void;
}

export interface NativeField {
  data: Uint8Array;
  context?: NativeContext;
}

export interface NativeFieldResult {
  opened?: NativeOpened;
  code?: string;
  message?: string;
}

export interface NativeFolder {
  members(): { path: string; size: number; isFolder: boolean; modifiedMs: number }[];
  extract(input: NativeFile, cancel?: Cancel): Promise<NativeProgress>;
  read(path: string, start: number, end: number, cancel?: Cancel): Promise<Buffer>;
  close(): void;
}

export interface NativeRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: Buffer;
}

export interface NativeResponse {
  failed?: string;
  status?: number;
  body?: Uint8Array;
}

export interface NativeStoreEntry {
  key: string;
  value?: Buffer;
}

export interface NativeStoreAnswer {
  failed?: string;
  value?: Uint8Array;
  pairs?: { key: string; value: Uint8Array }[];
}

export interface NativeStore {
  get(key: string): Promise<NativeStoreAnswer>;
  scan(prefix: string): Promise<NativeStoreAnswer>;
  commit(batch: {
    changes: NativeStoreEntry[];
    expected: NativeStoreEntry[];
  }): Promise<NativeStoreAnswer>;
}

export interface NativePlicoInput {
  maxStalenessMs?: number;
  requestTimeoutMs?: number;
  attempts?: number;
  parallelRequests?: number;
  startOffline?: boolean;
  transport?: (request: NativeRequest) => Promise<NativeResponse>;
  onEvent?: (event: PlicoEvent) => void;
  onLog?: (record: LogRecord) => void;
}

export interface NativeAccountInput {
  path?: string;
  key?: Uint8Array;
  acceptCopy?: boolean;
  boundTo?: Uint8Array;
  store?: NativeStore;
}

export interface NativeExpiry {
  atMs?: number;
  afterIdleMs?: number;
}

export interface NativeGranted {
  recipient: NativeRecipient;
  grant: NativeGrant;
}

export interface NativeNewMember {
  recipient: NativeRecipient;
  role: string;
}

export interface NativeSessionInput {
  recipients: NativeGranted[];
  skipMissing: boolean;
  aes: boolean;
  expiry?: NativeExpiry;
  tag?: string;
  metadata?: Uint8Array;
}

export interface NativeFailure {
  code: string;
  message: string;
  recipients: string[];
}

export interface NativeDone {
  failed?: NativeFailure;
}

/** One of both is there. */
export interface NativeMade {
  session?: NativeSession;
  failed?: NativeFailure;
}

export interface NativeWalked {
  done: number;
  changed: number;
  failed: number;
  cursor: string;
}

export interface NativeEverywhereInput {
  sessionsOnly: boolean;
  throughGroups: boolean;
  cascade: boolean;
  after?: string;
  onProgress?: (progress: NativeWalked) => void;
}

export interface NativeIssue {
  session?: string;
  group?: string;
  failed?: NativeFailure;
  stillThrough?: string;
}

export interface NativeSummary {
  done: number;
  changed: number;
  failed: number;
  stillThrough: number;
  reduced: number;
  issues: NativeIssue[];
  cursor?: string;
  interrupted?: NativeFailure;
  last?: NativeWalked;
}

/** What a function of the app's gave; nothing if it failed. */
export interface NativeToken {
  token?: string;
}

export interface NativeSealInput {
  recipients: NativeRecipient[];
  context?: NativeContext;
  skipMissing: boolean;
  aes: boolean;
}

export interface NativeSealed {
  bytes: Buffer;
  missing: string[];
}

export interface NativeOpenedSealed {
  data: Buffer;
  recipients: NativeMemberId[];
  openedAs: NativeMemberId;
}

export interface NativeFileKey {
  passphrase?: string;
  hostSecret?: Uint8Array;
}

export interface NativeDevice {
  id: string;
  isThis: boolean;
  addedMs: number;
  revoked: boolean;
  byRecovery: boolean;
  name?: string;
  lastSeenMs?: number;
}

export interface NativeRecoveryKey {
  words(): string;
}

export interface NativeBackupStatus {
  passphrase: boolean;
  storedMs: number;
}

export interface NativeFingerprint {
  digits: string;
  toScan: string;
}

export interface NativeOfflineOpened {
  content: NativeOpened;
  asOfMs: number;
}

export interface NativePlico {
  tenantId(): string;
  account(input: NativeAccountInput, cancel?: Cancel): Promise<NativeAccount>;
  service(
    token: (tenantId: string) => Promise<NativeToken>,
    cancel?: Cancel,
  ): Promise<NativeService>;
  close(): void;
}

export interface NativeService {
  sealFor(data: Uint8Array, input: NativeSealInput, cancel?: Cancel): Promise<NativeSealed>;
  acceptIdentityChange(userId: string, cancel?: Cancel): Promise<string>;
  close(): void;
}

/** What an account and a session have in common. */
export interface NativeReader {
  decrypt(envelope: Uint8Array, place?: NativeContext, cancel?: Cancel): Promise<NativeOpened>;
  decryptText(text: string, place?: NativeContext, cancel?: Cancel): Promise<string>;
  decryptSigned(
    envelope: Uint8Array,
    signature: Uint8Array | undefined,
    place?: NativeContext,
    cancel?: Cancel,
  ): Promise<NativeSignedOpened>;
  decryptFile(input: NativeFile, cancel?: Cancel): Promise<NativeProgress>;
}

export interface NativeAccount extends NativeReader {
  identityId(): string | null;
  register(
    userId: string,
    enrolment: (identityId: string) => Promise<NativeToken>,
    cancel?: Cancel,
  ): Promise<string>;
  createSession(input: NativeSessionInput, cancel?: Cancel): Promise<NativeSession>;
  createSessions(inputs: NativeSessionInput[], cancel?: Cancel): Promise<NativeMade[]>;
  grantMany(ids: string[], to: NativeGranted[], cancel?: Cancel): Promise<NativeDone[][]>;
  revokeMany(
    ids: string[],
    from: NativeRecipient[],
    cascade: boolean,
    cancel?: Cancel,
  ): Promise<NativeDone[][]>;
  revokeEverywhere(
    recipient: NativeRecipient,
    input: NativeEverywhereInput,
    stop: Cancel | undefined,
    cancel?: Cancel,
  ): Promise<NativeSummary>;
  giveAllOf(
    from: NativeRecipient,
    to: NativeRecipient,
    input: NativeEverywhereInput,
    stop: Cancel | undefined,
    cancel?: Cancel,
  ): Promise<NativeSummary>;
  openSealed(
    sealed: Uint8Array,
    place: NativeContext | undefined,
    cancel?: Cancel,
  ): Promise<NativeOpenedSealed>;
  sessionsTagged(tag: string, after: string | undefined, cancel?: Cancel): Promise<NativePage>;
  session(id: string): NativeSession;
  sessionOf(envelope: Uint8Array, cancel?: Cancel): Promise<NativeSession>;
  createGroup(input: NativeGroupInput, cancel?: Cancel): Promise<NativeGroup>;
  group(id: string): NativeGroup;
  sessions(after: string | undefined, cancel?: Cancel): Promise<NativePage>;
  sessionsOfGroup(group: string, after: string | undefined, cancel?: Cancel): Promise<NativePage>;
  groups(after: string | undefined, cancel?: Cancel): Promise<NativePage>;
  decryptStream(input: NativeStreamInput, cancel?: Cancel): NativeStream;
  openEnvelope(input: NativeRangesInput, cancel?: Cancel): Promise<NativeRanges>;
  decryptMany(items: NativeField[], cancel?: Cancel): Promise<NativeFieldResult[]>;
  decryptFolder(input: NativeFile, cancel?: Cancel): Promise<NativeProgress>;
  openFolder(input: NativeRangesInput, cancel?: Cancel): Promise<NativeFolder>;
  prefetch(ids: string[], cancel?: Cancel): Promise<NativeDone[]>;
  settle(cancel?: Cancel): Promise<number>;
  acceptIdentityChange(userId: string, cancel?: Cancel): Promise<string>;
  deviceId(): string | null;
  devices(cancel?: Cancel): Promise<NativeDevice[]>;
  nameDevice(id: string, name: string, cancel?: Cancel): Promise<void>;
  revokeDevice(id: string, cancel?: Cancel): Promise<void>;
  rotateUserKey(cancel?: Cancel): Promise<void>;
  exportIdentity(key: NativeFileKey, cancel?: Cancel): Promise<Buffer>;
  importIdentity(file: Uint8Array, key: NativeFileKey, cancel?: Cancel): Promise<string>;
  recoveryKeySetAt(cancel?: Cancel): Promise<number | null>;
  setRecoveryKey(
    key: NativeRecoveryKey,
    old: NativeRecoveryKey | undefined,
    cancel?: Cancel,
  ): Promise<void>;
  recover(key: NativeRecoveryKey, keepDevices: boolean, cancel?: Cancel): Promise<string>;
  storeBackup(key: NativeFileKey, cancel?: Cancel): Promise<void>;
  backups(cancel?: Cancel): Promise<NativeBackupStatus[]>;
  deleteBackups(cancel?: Cancel): Promise<void>;
  restoreBackup(userId: string, key: NativeFileKey, cancel?: Cancel): Promise<string>;
  pairingCode(cancel?: Cancel): Promise<string>;
  joinByPairing(cancel?: Cancel): Promise<string>;
  approvePairing(code: string, cancel?: Cancel): Promise<string>;
  fingerprint(userId: string, cancel?: Cancel): Promise<NativeFingerprint>;
  verifyFingerprint(userId: string, shown: string, cancel?: Cancel): Promise<void>;
  isVerified(userId: string, cancel?: Cancel): Promise<boolean>;
  offlineFile(envelope: Uint8Array, cancel?: Cancel): Promise<Buffer>;
  deleteIdentity(cancel?: Cancel): Promise<void>;
  offline(): NativeAccount;
  maxStaleness(ms: number): NativeAccount;
  close(): void;
}

export interface NativeSession extends NativeReader {
  id(): string;
  missingRecipients(): string[];
  encrypt(data: Uint8Array, place?: NativeContext, cancel?: Cancel): Promise<Buffer>;
  encryptText(text: string, place?: NativeContext, cancel?: Cancel): Promise<string>;
  encryptFile(input: NativeFile, cancel?: Cancel): Promise<NativeProgress>;
  encryptSigned(data: Uint8Array, place?: NativeContext, cancel?: Cancel): Promise<NativeSigned>;
  sign(envelope: Uint8Array, place?: NativeContext, cancel?: Cancel): Promise<Buffer>;
  whoMayRead(cancel?: Cancel): Promise<NativeAccessList>;
  encryptStream(input: NativeStreamInput, cancel?: Cancel): NativeStream;
  encryptMany(items: NativeField[], cancel?: Cancel): Promise<Buffer[]>;
  encryptFolder(input: NativeFile, cancel?: Cancel): Promise<NativeProgress>;
  grant(recipient: NativeRecipient, grant: NativeGrant, cancel?: Cancel): Promise<void>;
  revoke(recipient: NativeRecipient, cascade: boolean, cancel?: Cancel): Promise<void>;
  grantAll(to: NativeGranted[], cancel?: Cancel): Promise<NativeDone[]>;
  revokeAll(from: NativeRecipient[], cascade: boolean, cancel?: Cancel): Promise<NativeDone[]>;
  setExpiry(expiry: NativeExpiry, cancel?: Cancel): Promise<void>;
  expiry(cancel?: Cancel): Promise<NativeExpiry>;
  endsAt(cancel?: Cancel): Promise<number | null>;
  setTag(tag: string | undefined, cancel?: Cancel): Promise<void>;
  tag(cancel?: Cancel): Promise<string | null>;
  transfer(recipient: NativeRecipient, keep?: NativeGrant, cancel?: Cancel): Promise<void>;
  leave(cancel?: Cancel): Promise<void>;
  recipients(cancel?: Cancel): Promise<NativeRecipientInfo[]>;
  rotate(cancel?: Cancel): Promise<void>;
  refresh(cancel?: Cancel): Promise<void>;
  forget(cancel?: Cancel): Promise<void>;
  end(cancel?: Cancel): Promise<void>;
  metadata(cancel?: Cancel): Promise<Buffer | null>;
  setMetadata(data: Uint8Array, cancel?: Cancel): Promise<void>;
  offline(): NativeSession;
  maxStaleness(ms: number): NativeSession;
}

export interface NativeGroup {
  id(): string;
  refresh(cancel?: Cancel): Promise<void>;
  name(cancel?: Cancel): Promise<string | null>;
  rename(name: string, cancel?: Cancel): Promise<void>;
  members(cancel?: Cancel): Promise<NativeGroupMember[]>;
  add(
    recipient: NativeRecipient,
    role: string,
    expiresAtMs: number | undefined,
    cancel?: Cancel,
  ): Promise<void>;
  remove(recipient: NativeRecipient, cascade: boolean, cancel?: Cancel): Promise<void>;
  addMembers(members: NativeNewMember[], cancel?: Cancel): Promise<NativeDone[]>;
  removeMembers(
    members: NativeRecipient[],
    cascade: boolean,
    cancel?: Cancel,
  ): Promise<NativeDone[]>;
  leave(cancel?: Cancel): Promise<void>;
  transfer(recipient: NativeRecipient, keep?: string, cancel?: Cancel): Promise<void>;
  rotate(cancel?: Cancel): Promise<void>;
  delete(cancel?: Cancel): Promise<void>;
}

export interface Addon {
  Cancel: new () => Cancel;
  openPlico(
    directory: string,
    tenant: string,
    input: NativePlicoInput,
    cancel?: Cancel,
  ): Promise<NativePlico>;
  generatePassphrase(): string;
  generateRecoveryKey(): NativeRecoveryKey;
  recoveryKeyFromWords(words: string): NativeRecoveryKey;
  openOfflineFile(
    file: Uint8Array,
    identity: Uint8Array,
    key: NativeFileKey,
    place: NativeContext | undefined,
    cancel?: Cancel,
  ): Promise<NativeOfflineOpened>;
  cipherBackend(): string;
  errorCodes(): { code: string; sentence: string }[];
}

/**
 * Loads an addon: one that was built here, or the platform's package. With
 * `orElse`, another one that was built here will do: the tests need a single
 * build, of the addon that has everything.
 */
export function load<T>(name: "plico" | "plico-testing", orElse?: "plico-testing"): T {
  const place = platformName();
  for (const built of orElse === undefined ? [name] : [name, orElse]) {
    const file = join(__dirname, "..", "native", `${built}.${place}.node`);
    if (existsSync(file)) return require(file) as T;
  }
  try {
    return require(`${name}-${place}`) as T;
  } catch (cause) {
    const advice = `There is no native part of ${name} for ${place}; install the package ${name}-${place}.`;
    throw new Error(advice, { cause });
  }
}

export const addon: Addon = load<Addon>("plico", "plico-testing");

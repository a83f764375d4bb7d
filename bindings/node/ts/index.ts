/**
 * End-to-end encryption for apps: encrypt bytes, text, JSON and files for
 * people, and change afterwards who may read, without touching a byte of stored
 * ciphertext. Private keys never leave the device unencrypted; the key
 * directory is never trusted with content, nor with who owns which key.
 *
 * {@link Plico} → {@link Account} → {@link EncryptionSession} and {@link Group}. No call blocks
 * the event loop; every asynchronous call takes an `AbortSignal`; every error
 * is a {@link PlicoError} with a stable code.
 *
 * @packageDocumentation
 */

export { Plico } from "./plico";
export type {
  AccountOptions,
  ConnectionOptions,
  DiskAccountOptions,
  MemoryAccountOptions,
  PlicoOptions,
  StoreAccountOptions,
} from "./plico";
export { Account } from "./account";
export type { EnrolmentRequest, RegisterOptions } from "./register";
export type { Expiry, SessionOptions, SessionTerms } from "./terms";
export type {
  EverywhereIssue,
  EverywhereOptions,
  EverywherePlace,
  EverywhereProgress,
  EverywhereSummary,
  RevokeEverywhereOptions,
} from "./everywhere";
export { Group } from "./group";
export type {
  AddOptions,
  GroupMember,
  GroupOptions,
  GroupRole,
  GroupTransferOptions,
  NewMember,
} from "./group";
export type { Page, PageOptions } from "./lists";
export { generatePassphrase } from "./devices";
export type { DeviceInfo, FileKey } from "./devices";
export type { BackupStatus } from "./backups";
export type { Fingerprint } from "./fingerprint";
export { openOfflineFile } from "./offline";
export type { OfflineOpened } from "./offline";
export { RecoveryKey } from "./recovery";
export type { RecoverOptions, SetRecoveryKeyOptions } from "./recovery";
export { Service } from "./service";
export type { SealedItem, SealOptions, ServiceOptions, ServiceTokenRequest } from "./service";
export type { OpenedSealed } from "./sealed";
export { EncryptionSession } from "./session";
export type { CryptOptions, GrantOptions, RevokeOptions, TransferOptions } from "./session";
export { AccessList } from "./access";
export type { Access, AccessEnd, FormerAccess } from "./access";
export type { DecryptedSigned, SignedEnvelope, WrittenBy } from "./signed";
export type { CallOptions } from "./call";
export type { Context, ContextValue } from "./context";
export type { Decrypted } from "./decrypted";
export type { Field, SealedField } from "./fields";
export type { FileOptions, Progress } from "./files";
export type { Grant, MemberId, Recipient, RecipientInfo, Right } from "./recipients";
export { SealedFolder } from "./folders";
export type { FolderMember, FolderOptions } from "./folders";
export { cipherBackend } from "./ciphers";
export { EnvelopeReader } from "./ranges";
export type { RangedSource, RangeOptions } from "./ranges";
export type { ByteSource } from "./streams";
export type { LogRecord, PlicoEvent } from "./hooks";
export type { Store, StoreEntry } from "./store";
export type { Transport, TransportRequest, TransportResponse } from "./transport";
export { PlicoError } from "./errors";
export type { PlicoErrorCode } from "./codes";

import { backupStatus, type BackupStatus } from "./backups";
import { call, now, type CallOptions } from "./call";
import { boolean, bytes, list, maybe, milliseconds, options as checked, text } from "./check";
import { context } from "./context";
import { decrypted, type Decrypted } from "./decrypted";
import { deviceInfo, fileKey, type DeviceInfo, type FileKey } from "./devices";
import "./dispose";
import { invalid } from "./errors";
import {
  everywhere,
  type EverywhereOptions,
  type EverywhereSummary,
  type RevokeEverywhereOptions,
} from "./everywhere";
import { decryptMany, type SealedField } from "./fields";
import { file, type FileOptions } from "./files";
import type { Fingerprint } from "./fingerprint";
import { makeFolder, type SealedFolder } from "./folders";
import { groupInput, makeGroup, type Group, type GroupOptions } from "./group";
import { fromJson } from "./json";
import { after, type Page, type PageOptions } from "./lists";
import { createSessions, grantMany, revokeMany } from "./many";
import type { Addon, NativeAccount } from "./native";
import {
  makeReader,
  openSource,
  type EnvelopeReader,
  type RangedSource,
  type RangeOptions,
} from "./ranges";
import { recipient as nativeRecipient, type Grant, type Recipient } from "./recipients";
import {
  nativeRecoveryKey,
  type RecoverOptions,
  type RecoveryKey,
  type SetRecoveryKeyOptions,
} from "./recovery";
import { register, type RegisterOptions } from "./register";
import { settled } from "./results";
import { openedSealed, type OpenedSealed } from "./sealed";
import {
  makeSession,
  type CryptOptions,
  type EncryptionSession,
  type RevokeOptions,
} from "./session";
import { stream, type ByteSource } from "./streams";
import type { ReadableStream } from "node:stream/web";
import { decryptedSigned, maybeSignature, type DecryptedSigned } from "./signed";
import { sessionInput, type SessionOptions, type SessionTerms } from "./terms";

/** @internal */
export let makeAccount: (addon: Addon, native: NativeAccount) => Account;

/**
 * One identity on one device. Get it from {@link Plico.account}, and close it
 * when the person signs out.
 *
 * Errors of all calls, besides those that are named: `INVALID_ARGUMENT`;
 * `CANCELLED`; `CLOSED` once it is closed; `NOT_REGISTERED`; `NETWORK` and
 * `UNAVAILABLE`; the store's own, which begin with `STORE`; and whatever a lying
 * directory is caught with.
 */
export class Account implements AsyncDisposable {
  readonly #addon: Addon;
  readonly #native: NativeAccount;

  static {
    makeAccount = (addon, native) => new Account(addon, native);
  }

  private constructor(addon: Addon, native: NativeAccount) {
    if (addon === undefined) throw invalid("an account comes from Plico.account");
    this.#addon = addon;
    this.#native = native;
  }

  /** The identity's id (43 characters of base64url); `undefined` before it is registered, and once closed. */
  get identityId(): string | undefined {
    return this.#native.identityId() ?? undefined;
  }

  /** This device's id (43 characters of base64url); `undefined` before it is registered, and once closed. */
  get deviceId(): string | undefined {
    return this.#native.deviceId() ?? undefined;
  }

  /**
   * Makes this account's identity, if it has none: keys are made here, the
   * app's backend vouches for the user id, the directory publishes both. Gives
   * the identity's id.
   *
   * Safe to call again: after a lost reply it goes on with the same identity,
   * and once done it does nothing.
   *
   * Errors: `ALREADY_REGISTERED` under another user id; `USER_ID_TAKEN`;
   * `ENROLMENT_FAILED` if `enrolment` throws, with what it threw as `cause`;
   * `ENROLMENT_INVALID` and `ENROLMENT_EXPIRED` for its token.
   *
   * @example
   * ```ts
   * await account.register({
   *   userId: "dr.a",
   *   enrolment: async ({ identityId }) => {
   *     const answer = await fetch(`/api/plico-token?identity=${identityId}`);
   *     return await answer.text();
   *   },
   * });
   * ```
   */
  async register(options: RegisterOptions): Promise<string> {
    return register(this.#addon, this.#native, options);
  }

  /**
   * Makes a session for this account and `recipients`.
   *
   * After `NETWORK` the session may have been made all the same: asking for the
   * same again finishes it instead of making another one.
   *
   * Errors: `RECIPIENTS_NOT_FOUND` with all who have no account, unless they
   * are to be skipped; `GROUP_NOT_FOUND`; `INVALID_ARGUMENT` for a recipient that is
   * named twice; `IDENTITY_CHANGED`; `TOO_LARGE`; `OFFLINE`; `ENTRY_INVALID` for an end
   * in the past.
   *
   * @example
   * ```ts
   * const session = await account.createSession({
   *   recipients: [{ userId: "patient.7" }, { userId: "dr.b", rights: ["read", "forward"] }],
   * });
   * ```
   */
  async createSession(options?: SessionOptions): Promise<EncryptionSession> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const input = sessionInput(checked(options));
        return this.#native.createSession(input, cancel).then((it) => makeSession(this.#addon, it));
      },
    );
  }

  /**
   * Makes many sessions, in few requests. Each has its own result, in the order given,
   * in the form of `Promise.allSettled`; a `reason` is a {@link PlicoError}, as of
   * {@link Account.createSession}. Those with the same recipients are made all the same.
   *
   * @example
   * ```ts
   * const terms = rows.map(({ id, userId }) => ({ recipients: [{ userId }], tag: id }));
   * for (const made of await account.createSessions(terms)) {
   *   if (made.status === "rejected") report(made.reason);
   * }
   * ```
   */
  async createSessions(
    sessions: readonly SessionTerms[],
    options?: CallOptions,
  ): Promise<PromiseSettledResult<EncryptionSession>[]> {
    return createSessions(this.#addon, this.#native, sessions, options);
  }

  /**
   * Gives `recipients` rights in each of these sessions, with one write for each session,
   * in few requests. The results are by session and recipient, in the orders given:
   * `results[session][recipient]`, each in the form of `Promise.allSettled`; a `reason` is
   * a {@link PlicoError}, as of {@link EncryptionSession.grant}.
   *
   * Errors: `NETWORK` if nobody can be looked up; `OFFLINE`.
   */
  async grantMany(
    sessionIds: readonly string[],
    recipients: readonly (Recipient & Grant)[],
    options?: CallOptions,
  ): Promise<PromiseSettledResult<void>[][]> {
    return grantMany(this.#addon, this.#native, sessionIds, recipients, options);
  }

  /**
   * Takes all rights from `recipients` in each of these sessions, with one write and one
   * new epoch for each session, in few requests. The results are by session and
   * recipient, as with {@link Account.grantMany}; a `reason` is as of
   * {@link EncryptionSession.revoke}. Whoever is not a recipient of a session counts as
   * done there.
   *
   * Errors: `NETWORK` if nobody can be looked up; `OFFLINE`.
   */
  async revokeMany(
    sessionIds: readonly string[],
    recipients: readonly Recipient[],
    options?: RevokeOptions,
  ): Promise<PromiseSettledResult<void>[][]> {
    return revokeMany(this.#addon, this.#native, sessionIds, recipients, options);
  }

  /**
   * Takes `recipient` out of everything that this account may change: the groups that it
   * manages, then the sessions; page by page, in few requests. Doing it again changes
   * nothing more.
   *
   * **Read the summary.** It lists the sessions where this account has no right to do so
   * (`failed`), and those that the person still reads through a group (`stillThrough`).
   * Sessions that this account can't open are not in it at all, and what could be opened
   * before may have been kept.
   *
   * Errors: `INVALID_ARGUMENT` for this account itself, and for a cursor that is none;
   * `RECIPIENTS_NOT_FOUND`; `OFFLINE`. What goes wrong on the way is in the summary.
   *
   * @example
   * ```ts
   * const { failed, issues, cursor } = await account.revokeEverywhere({ userId: "locum.c" });
   * ```
   */
  async revokeEverywhere(
    recipient: Recipient,
    options?: RevokeEverywhereOptions,
  ): Promise<EverywhereSummary> {
    return everywhere(this.#addon, options, (input, stop, cancel) =>
      this.#native.revokeEverywhere(nativeRecipient(recipient), input, stop, cancel),
    );
  }

  /**
   * Gives `to` all that `from` has: in each group and session where `from` has rights of
   * its own, the same rights until the same end, but no more than this account may grant
   * there. What `to` has already is never made less. Through a group, `to` gets what
   * `from` has by becoming a member.
   *
   * The summary lists where it was less (`reduced`), and where this account may not grant
   * at all (`failed`). Doing it again changes nothing more.
   *
   * Errors: as {@link Account.revokeEverywhere}, for `to`.
   */
  async giveAllOf(
    from: Recipient,
    to: Recipient,
    options?: EverywhereOptions,
  ): Promise<EverywhereSummary> {
    return everywhere(this.#addon, options, (input, stop, cancel) =>
      this.#native.giveAllOf(nativeRecipient(from), nativeRecipient(to), input, stop, cancel),
    );
  }

  /**
   * The session with this id. Whether it exists, and whether this account may
   * open it, shows when it is used.
   *
   * @throws {PlicoError} `INVALID_ARGUMENT` for what is not an id.
   */
  session(id: string): EncryptionSession {
    return now(() => makeSession(this.#addon, this.#native.session(text(id, "id"))));
  }

  /**
   * The session that an envelope belongs to.
   *
   * Errors: `NOT_AN_ENVELOPE`; `SESSION_NOT_FOUND` if this account never was a
   * recipient; as {@link EncryptionSession.refresh}.
   *
   * @param envelope The envelope, or its first 26 bytes.
   */
  async sessionOf(envelope: Uint8Array, options?: CallOptions): Promise<EncryptionSession> {
    return call(
      this.#addon,
      () => options,
      (cancel) =>
        this.#native
          .sessionOf(bytes(envelope, "envelope"), cancel)
          .then((it) => makeSession(this.#addon, it)),
    );
  }

  /**
   * Opens an envelope of any session that this account may open.
   *
   * Errors: as {@link EncryptionSession.decrypt} and {@link Account.sessionOf}.
   *
   * @param envelope Not copied if it is long: it must not be changed,
   * transferred or resized until the promise settles.
   *
   * @example
   * ```ts
   * const { data } = await account.decrypt(sealed, { context: { table: "notes", row: 42 } });
   * ```
   */
  async decrypt(envelope: Uint8Array, options?: CryptOptions): Promise<Decrypted> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const place = context(checked(options).context);
        return this.#native.decrypt(bytes(envelope, "envelope"), place, cancel).then(decrypted);
      },
    );
  }

  /**
   * Opens an envelope of any session that this account may open, and says who wrote it.
   *
   * Errors: as {@link EncryptionSession.decryptSigned} and {@link Account.sessionOf}.
   *
   * @param signature As it was kept beside the envelope; `undefined`: there is none,
   * and the result says so.
   */
  async decryptSigned(
    envelope: Uint8Array,
    signature: Uint8Array | undefined,
    options?: CryptOptions,
  ): Promise<DecryptedSigned> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const place = context(checked(options).context);
        return this.#native
          .decryptSigned(bytes(envelope, "envelope"), maybeSignature(signature), place, cancel)
          .then(decryptedSigned);
      },
    );
  }

  /**
   * Opens what {@link Service.sealFor} has sealed for this account, or for a group that
   * it is in, directly or through groups. What was sealed under an older key opens, too.
   *
   * Errors: `NOT_ALLOWED` if it was sealed for others; `WRONG_TENANT`; `NOT_AN_ENVELOPE`,
   * `NEEDS_NEWER_CLIENT`, `TOO_LARGE`; `ENVELOPE_DAMAGED`, `ENVELOPE_TRUNCATED`;
   * `CONTEXT_REQUIRED`, `CONTEXT_UNEXPECTED`, `CONTEXT_MISMATCH`; `OFFLINE` with
   * {@link Account.offline} if a key must be fetched first.
   *
   * @param sealed As for {@link Account.decrypt}.
   */
  async openSealed(sealed: Uint8Array, options?: CryptOptions): Promise<OpenedSealed> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const place = context(checked(options).context);
        return this.#native.openSealed(bytes(sealed, "sealed"), place, cancel).then(openedSealed);
      },
    );
  }

  /** Opens the text form of text. Errors: as {@link Account.decrypt}. */
  async decryptText(sealed: string, options?: CryptOptions): Promise<string> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const place = context(checked(options).context);
        return this.#native.decryptText(text(sealed, "text"), place, cancel);
      },
    );
  }

  /** Opens the text form of JSON: see {@link EncryptionSession.decryptJson}. */
  async decryptJson<T = unknown>(sealed: string, options?: CryptOptions): Promise<T> {
    return fromJson<T>(await this.decryptText(sealed, options));
  }

  /** Decrypts a file of any session that this account may open: see {@link EncryptionSession.decryptFile}. */
  async decryptFile(
    source: string | URL,
    target: string | URL,
    options?: FileOptions,
  ): Promise<void> {
    return file(this.#addon, source, target, options, (input, cancel) =>
      this.#native.decryptFile(input, cancel),
    );
  }

  /**
   * Decrypts the envelope that `source` gives, as it comes, whatever session it is
   * of. No byte comes out that is not authentic. A piece is read from `source` when
   * somebody reads the result, and not before; memory does not grow with the length.
   *
   * **What comes out is right only once the stream has come to its end.** Errors come
   * out of the stream, and then what came before must be discarded: as
   * {@link Account.decrypt}, for an envelope that is cut at its end at the latest; `IO` if
   * `source` fails, with what it threw as `cause`; `CANCELLED`; `CLOSED`. Whoever
   * stops reading, cancels it.
   *
   * @throws {PlicoError} `INVALID_ARGUMENT`, at once.
   *
   * @example
   * ```ts
   * const answer = await fetch(url);
   * const plain = account.decryptStream(answer.body, { context });
   * await pipeline(plain, createWriteStream("scan.part"));
   * await rename("scan.part", "scan.dcm"); // only when it was whole
   * ```
   */
  decryptStream(source: ByteSource, options?: FileOptions): ReadableStream<Uint8Array> {
    return stream(this.#addon, source, options, "given", (input, cancel) =>
      this.#native.decryptStream(input, cancel),
    );
  }

  /**
   * Opens an envelope to read parts of it: from a file, or from wherever ranges can
   * be fetched. The key's commitment and the length are verified before this
   * is fulfilled, with two requests to the source, or three if the envelope is padded.
   *
   * Errors: as {@link Account.decrypt}; `IO`, with what the source threw as `cause`.
   */
  async openEnvelope(
    source: string | URL | RangedSource,
    options?: RangeOptions,
  ): Promise<EnvelopeReader> {
    const open = this.#native.openEnvelope.bind(this.#native);
    return openSource(this.#addon, source, options, open, makeReader);
  }

  /**
   * Opens each of `fields` as {@link Account.decrypt} does. Each session and epoch is
   * looked up once. Each has its own result, in the order given, in the form of
   * `Promise.allSettled`; a `reason` is a {@link PlicoError}.
   *
   * Errors: `TOO_LARGE` if they are of more than 4,096 sessions and epochs.
   */
  async decryptMany(
    fields: readonly SealedField[],
    options?: CallOptions,
  ): Promise<PromiseSettledResult<Decrypted>[]> {
    return decryptMany(this.#addon, fields, options, (items, cancel) =>
      this.#native.decryptMany(items, cancel),
    );
  }

  /**
   * Decrypts a folder that {@link EncryptionSession.encryptFolder} made, into `target`,
   * where there must be nothing yet and which appears only when every byte is
   * authenticated and on the disk. Files and folders are for their owner alone.
   *
   * Errors: as {@link Account.decryptFile}; `ARCHIVE_INVALID` for an archive with links,
   * devices, or paths that lead out of it, and for what is no archive; `IO` if
   * `target` exists.
   */
  async decryptFolder(
    source: string | URL,
    target: string | URL,
    options?: FileOptions,
  ): Promise<void> {
    return file(this.#addon, source, target, options, (input, cancel) =>
      this.#native.decryptFolder(input, cancel),
    );
  }

  /**
   * Lists what is in an encrypted folder, and then decrypts members one by one: of a
   * file, or from wherever ranges can be fetched. For the list, only the chunks of 16 KiB
   * are read that hold the archive's headers; from a source, that is a request for each
   * member that is not small, one after the other.
   *
   * Errors: as {@link Account.decryptFolder}; `IO`, with what the source threw as `cause`.
   */
  async openFolder(
    source: string | URL | RangedSource,
    options?: RangeOptions,
  ): Promise<SealedFolder> {
    const open = this.#native.openFolder.bind(this.#native);
    return openSource(this.#addon, source, options, open, makeFolder);
  }

  /**
   * Makes a group that this account owns. A session, or another group, takes it as
   * `{ group: id }`: for one wrapped key, however many belong to it.
   *
   * Errors: as {@link Account.createSession}; `GROUP_NOT_FOUND`; `ENTRY_INVALID` if
   * groups would be nested more than four deep; `TOO_LARGE` for a name of over 4,096
   * bytes.
   *
   * @example
   * ```ts
   * const group = await account.createGroup({
   *   name: "the practice",
   *   members: [{ userId: "nurse.b" }, { userId: "dr.b", role: "manager" }],
   * });
   * const session = await account.createSession({ recipients: [{ group: group.id }] });
   * ```
   */
  async createGroup(options?: GroupOptions): Promise<Group> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const input = groupInput(options);
        return this.#native.createGroup(input, cancel).then((it) => makeGroup(this.#addon, it));
      },
    );
  }

  /**
   * The group with this id. Nobody is asked yet.
   *
   * @throws {PlicoError} `INVALID_ARGUMENT` for what is not an id.
   */
  group(id: string): Group {
    return now(() => makeGroup(this.#addon, this.#native.group(text(id, "id"))));
  }

  /**
   * The ids of the sessions that this account may open by a grant of its own. Those
   * that it may open through a group: {@link Account.sessionsOfGroup}.
   */
  async sessions(options?: PageOptions): Promise<Page> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.sessions(after(options), cancel),
    );
  }

  /**
   * The ids of the sessions with this tag that this account may open by a grant of its
   * own. The directory says which; each session's own tag is checked when it is opened.
   *
   * @param tag As {@link EncryptionSession.setTag} takes it.
   */
  async sessionsTagged(tag: string, options?: PageOptions): Promise<Page> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.sessionsTagged(text(tag, "tag"), after(options), cancel),
    );
  }

  /**
   * The ids of the sessions that were granted to a group that this account is in.
   *
   * Errors: `GROUP_NOT_FOUND` for one that it is not in.
   *
   * @param group The group's id.
   */
  async sessionsOfGroup(group: string, options?: PageOptions): Promise<Page> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.sessionsOfGroup(text(group, "group"), after(options), cancel),
    );
  }

  /** The ids of the groups that this account belongs to itself, not through another group. */
  async groups(options?: PageOptions): Promise<Page> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.groups(after(options), cancel),
    );
  }

  /**
   * Brings these sessions up to date and keeps what is needed to open them
   * without the network, all in few requests. Each has its own result, in the
   * order given, in the form of `Promise.allSettled`; a `reason` is a
   * {@link PlicoError}, as of {@link EncryptionSession.refresh}.
   */
  async prefetch(
    sessionIds: readonly string[],
    options?: CallOptions,
  ): Promise<PromiseSettledResult<void>[]> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const ids = list(sessionIds, "sessionIds").map((id) => text(id, "an id"));
        return this.#native.prefetch(ids, cancel).then((results) => results.map(settled));
      },
    );
  }

  /**
   * Settles all writes whose outcome is not known, after a crash or a lost
   * reply. Worth calling when an app starts and when it comes online again;
   * otherwise each is settled before the next write to its session. Gives how
   * many there were.
   *
   * Errors: `NETWORK` if the directory can't be reached: then they stay.
   */
  async settle(options?: CallOptions): Promise<number> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.settle(cancel),
    );
  }

  /**
   * Accepts that another identity stands behind `userId` from now on, if the
   * app's backend vouches for it; gives that identity's id. Call it after
   * `IDENTITY_CHANGED`, and only when the person has really begun anew.
   *
   * Errors: `RECIPIENTS_NOT_FOUND`, `ATTESTATION_INVALID`.
   */
  async acceptIdentityChange(userId: string, options?: CallOptions): Promise<string> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.acceptIdentityChange(text(userId, "userId"), cancel),
    );
  }

  /**
   * All devices that this identity has or had, in the order in which they were
   * added, as the directory shows them now. An identity file counts as one, and
   * so does a backup.
   *
   * Errors: `DEVICE_REVOKED` if this one was revoked; so says every call that
   * asks the directory then.
   */
  async devices(options?: CallOptions): Promise<DeviceInfo[]> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.devices(cancel).then((all) => all.map(deviceInfo)),
    );
  }

  /**
   * Gives one of the own devices a name that the other devices see; an empty one
   * takes it away. The directory can't read it.
   *
   * Errors: `INVALID_ARGUMENT` for a name that is too long; `BAD_REQUEST` for what
   * is not an active device of this identity.
   *
   * @param id The device's id, from {@link Account.devices}.
   * @param name At most 128 bytes of UTF-8.
   */
  async nameDevice(id: string, name: string, options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.nameDevice(text(id, "id"), text(name, "name"), cancel),
    );
  }

  /**
   * Takes a device away from this identity and gives it a new user key, in one
   * step. What that device has signed stays valid; it signs nothing more, and
   * opens nothing that is wrapped from now on. What it could open before, it
   * may have kept. Each session gets a new epoch with its next writer.
   *
   * Revoked already: nothing is done.
   *
   * Errors: `INVALID_ARGUMENT` for what is not a device of this identity, and
   * for this very device; `CONFLICT` after many lost races.
   *
   * @param id The device's id, from {@link Account.devices}.
   */
  async revokeDevice(id: string, options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.revokeDevice(text(id, "id"), cancel),
    );
  }

  /**
   * Gives this identity a new user key. What was wrapped to the old ones can
   * still be opened; from now on others wrap to the new one. Revoking a device
   * does this by itself.
   *
   * Errors: `CONFLICT` after many lost races.
   */
  async rotateUserKey(options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.rotateUserKey(cancel),
    );
  }

  /**
   * This identity as a file of some hundred bytes, for another device, or as a copy
   * that no server ever held. A device of its own is added to the identity for
   * it, which {@link Account.devices} shows: to withdraw the file, revoke that
   * device. Until then, whoever has the file and its key is this person.
   *
   * Errors: `INVALID_ARGUMENT` for a passphrase of fewer than 12 characters, a
   * secret of other than 32 bytes, or an identity that has 32 devices already. After
   * `NETWORK`, or a crash, the next call goes on with the same device.
   *
   * @example
   * ```ts
   * const passphrase = generatePassphrase();
   * const file = await account.exportIdentity({ passphrase });
   * ```
   */
  async exportIdentity(key: FileKey, options?: CallOptions): Promise<Buffer> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.exportIdentity(fileKey(key), cancel),
    );
  }

  /**
   * Becomes a device of the identity in `file`, with keys of its own, in place
   * of {@link Account.register}; gives the identity's id. The file can be used
   * again, for another device. Safe to call again with the same file after an
   * error.
   *
   * Errors: `IDENTITY_FILE_INVALID`; `WRONG_PASSPHRASE`, for another secret,
   * too; `INVALID_ARGUMENT` for a passphrase where a secret is needed, or the
   * reverse; `ALREADY_REGISTERED` if this account has an identity;
   * `WRONG_TENANT`; `DEVICE_REVOKED` for a file that was withdrawn;
   * `HISTORY_SHORTENED` and `HISTORY_FORKED` if the directory shows another
   * history than the file says.
   *
   * @example
   * ```ts
   * const account = await plico.account({ store: "./laptop.plicostore", key });
   * await account.importIdentity(file, { passphrase });
   * ```
   */
  async importIdentity(file: Uint8Array, key: FileKey, options?: CallOptions): Promise<string> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.importIdentity(bytes(file, "file"), fileKey(key), cancel),
    );
  }

  /**
   * When this identity's recovery key was set, by the clock of the device that
   * set it; `undefined`: there is none. As the directory shows it now.
   */
  async recoveryKeySetAt(options?: CallOptions): Promise<Date | undefined> {
    return call(
      this.#addon,
      () => options,
      (cancel) =>
        this.#native
          .recoveryKeySetAt(cancel)
          .then((ms) => (ms === null ? undefined : new Date(ms))),
    );
  }

  /**
   * Sets this identity's recovery key; once one is set, only with the consent of
   * that one, as `old`. A new one begins a new generation of the user key, so that
   * the old words open nothing more.
   *
   * Set already: nothing is done, so that it can be called again after an error.
   *
   * Errors: `RECOVERY_KEY_SET` if there is another one and `old` is not given;
   * `RECOVERY_KEY_UNKNOWN` if `old` is not the one that is set;
   * `INVALID_ARGUMENT` for a key that was set before; `CONFLICT` after many lost
   * races.
   *
   * @example
   * ```ts
   * const key = RecoveryKey.generate();
   * await letThePersonWriteDown(key.words());
   * await account.setRecoveryKey(key, { old: RecoveryKey.fromWords(oldWords) });
   * ```
   */
  async setRecoveryKey(key: RecoveryKey, options?: SetRecoveryKeyOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const native = (it: RecoveryKey, name: string) => nativeRecoveryKey(this.#addon, it, name);
        const old = maybe(checked(options).old, native, "old");
        return this.#native.setRecoveryKey(native(key, "key"), old, cancel);
      },
    );
  }

  /**
   * Gets an identity back with its recovery key alone, in place of
   * {@link Account.register}: this account becomes a device of it, with access to
   * everything, and all other devices are revoked, unless they are to stay. Gives
   * the identity's id. Safe to call again with the same key after an error.
   *
   * Everybody who has the identity's chain sees that it was done. The words stay
   * valid; if somebody else has read them, set another key.
   *
   * Errors: `RECOVERY_KEY_UNKNOWN` if no identity has this key (any more);
   * `ALREADY_REGISTERED` if this account has an identity; `INVALID_ARGUMENT` if the
   * other devices are to stay and there are 32; `IDENTITY_DISABLED`; `CONFLICT`
   * after many lost races.
   *
   * @example
   * ```ts
   * const account = await plico.account({ store: "./new-phone.plicostore", key });
   * await account.recover(RecoveryKey.fromWords(typed));
   * ```
   */
  async recover(key: RecoveryKey, options?: RecoverOptions): Promise<string> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const { keepDevices = false } = checked(options);
        const keep = boolean(keepDevices, "keepDevices");
        return this.#native.recover(nativeRecoveryKey(this.#addon, key, "key"), keep, cancel);
      },
    );
  }

  /**
   * Stores a backup of this identity at the directory, which can't open it, in
   * place of an earlier one of the same kind: so a passphrase is changed. The
   * earlier one is deleted, and its device revoked, so that a copy of it is worth
   * nothing, either. Safe to call again after an error, also with another
   * passphrase.
   *
   * Errors: `INVALID_ARGUMENT` for a passphrase of fewer than 12 characters, a
   * secret of other than 32 bytes, or an identity that has 32 devices already.
   */
  async storeBackup(key: FileKey, options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.storeBackup(fileKey(key), cancel),
    );
  }

  /**
   * Gets the identity of `userId` back from its backup, in place of
   * {@link Account.register}: this account becomes a device of it. Gives the
   * identity's id. Safe to call again after an error. The directory allows five
   * wrong tries at once, and one more each half hour.
   *
   * Errors: `BACKUP_REFUSED` if there is none, or `key` is not the one that
   * protects it; `TOO_MANY_TRIES`; `BACKUP_INVALID` if the directory gives another
   * one than `key` protects; `IDENTITY_DISABLED`; and as
   * {@link Account.importIdentity}.
   */
  async restoreBackup(userId: string, key: FileKey, options?: CallOptions): Promise<string> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.restoreBackup(text(userId, "userId"), fileKey(key), cancel),
    );
  }

  /**
   * The backups that this identity has at the directory: at most one under a
   * passphrase, and one under a host's secret.
   */
  async backups(options?: CallOptions): Promise<BackupStatus[]> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.backups(cancel).then((all) => all.map(backupStatus)),
    );
  }

  /**
   * Deletes all backups of this identity at the directory, and revokes their
   * devices: then none of its private keys is at any server. Safe to call again
   * after an error.
   *
   * Errors: `CONFLICT` after many lost races.
   */
  async deleteBackups(options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.deleteBackups(cancel),
    );
  }

  /**
   * What a new device shows, as text and as a QR code, to be read by one that the
   * person has already: 26 letters and digits in groups of five, 31 characters
   * with the hyphens. Then {@link Account.joinByPairing}. The same code until it
   * has been used.
   *
   * Errors: `ALREADY_REGISTERED` if this account has an identity.
   */
  async pairingCode(options?: CallOptions): Promise<string> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.pairingCode(cancel),
    );
  }

  /**
   * Waits until a device of the person has read the {@link Account.pairingCode},
   * and becomes a device of that identity, with access to everything, in place of
   * {@link Account.register}. Gives the identity's id: check it, or its user id,
   * against whom the app expects here.
   *
   * Errors: `PAIRING_EXPIRED` if nobody has read the code within ten minutes;
   * `PAIRING_INVALID` if somebody in between has changed a message: the next code
   * is another one; `HISTORY_SHORTENED` and `HISTORY_FORKED` if the directory shows
   * another history than the other device has seen; `ALREADY_REGISTERED`.
   *
   * @example
   * ```ts
   * show(await account.pairingCode()); // on the new device
   * await account.joinByPairing({ signal });
   *
   * await other.approvePairing(typed); // on the old one
   * ```
   */
  async joinByPairing(options?: CallOptions): Promise<string> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.joinByPairing(cancel),
    );
  }

  /**
   * Makes the device that shows `code` a device of this identity; gives that
   * device's id. Reading the code from that device's own screen is the approval.
   * Safe to call again with the same code after an error.
   *
   * Errors: `PAIRING_CODE_INVALID`; `PAIRING_EXPIRED` if the other device does not
   * answer within ten minutes; `PAIRING_INVALID` if what answers is not the device
   * that shows the code; `INVALID_ARGUMENT` when the identity has 32 devices
   * already; `CONFLICT` after many lost races.
   *
   * @param code In any case, with or without the hyphens.
   */
  async approvePairing(code: string, options?: CallOptions): Promise<string> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.approvePairing(text(code, "code"), cancel),
    );
  }

  /**
   * The fingerprint of this identity and that of `userId`, for two people who
   * compare what each of them is shown.
   *
   * Errors: `RECIPIENTS_NOT_FOUND`, `IDENTITY_CHANGED`, `ATTESTATION_INVALID`.
   */
  async fingerprint(userId: string, options?: CallOptions): Promise<Fingerprint> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.fingerprint(text(userId, "userId"), cancel),
    );
  }

  /**
   * Compares what the other person's app shows with what this one sees, and
   * remembers the identity of `userId` as verified.
   *
   * Errors: `FINGERPRINT_MISMATCH`: one of the two is shown somebody else; nothing
   * is remembered, and an earlier mark is taken away. Otherwise as
   * {@link Account.fingerprint}.
   *
   * @param shown The other's digits, with or without spaces, or what was scanned.
   */
  async verifyFingerprint(userId: string, shown: string, options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) =>
        this.#native.verifyFingerprint(text(userId, "userId"), text(shown, "shown"), cancel),
    );
  }

  /**
   * Whether the identity that stands behind `userId` now was verified on this
   * device, or on the one that this one was paired with. One that has changed was
   * not.
   *
   * Errors: as {@link Account.fingerprint}.
   */
  async isVerified(userId: string, options?: CallOptions): Promise<boolean> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.isVerified(text(userId, "userId"), cancel),
    );
  }

  /**
   * One envelope that this account may open, as a file with which an identity
   * file of the same person ({@link Account.exportIdentity}) opens it without a
   * network: see {@link openOfflineFile}. It holds the envelope and the signed
   * histories that it is verified with, some kilobytes.
   *
   * Errors: as {@link Account.decrypt}.
   */
  async offlineFile(envelope: Uint8Array, options?: CallOptions): Promise<Buffer> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.offlineFile(bytes(envelope, "envelope"), cancel),
    );
  }

  /**
   * Deletes this identity for good: at the directory its wrapped secrets, its
   * backups and the opening of its user id; here, the whole store. What it has
   * written stays with those who can open it, and what it has signed stays valid;
   * nobody can open anything in its name any more. There is no way back, also not
   * with the recovery key. The account is closed.
   *
   * Sessions that it owns alone have no owner from then on: hand them over
   * ({@link EncryptionSession.transfer}), or end them, before. Safe to call again
   * after an error.
   *
   * Errors: after `NETWORK` it may be deleted or not.
   */
  async deleteIdentity(options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.deleteIdentity(cancel),
    );
  }

  /**
   * The same account without the network: sessions that are known from before
   * (see {@link Account.prefetch}) can be opened and written to, however old
   * the knowledge. What is written says so ({@link Decrypted.writtenOffline}):
   * somebody who was revoked meanwhile could still read it. Rights can't be
   * changed offline (`OFFLINE`).
   */
  offline(): Account {
    return makeAccount(this.#addon, this.#native.offline());
  }

  /**
   * The same account, for calls that must know more, or may know less, than
   * {@link PlicoOptions.maxStalenessMs} says.
   *
   * @param ageMs Milliseconds; 0 asks the directory every time.
   */
  maxStaleness(ageMs: number): Account {
    return now(() =>
      makeAccount(this.#addon, this.#native.maxStaleness(milliseconds(ageMs, "ageMs"))),
    );
  }

  /**
   * Forgets all secrets in memory; the store keeps what it has. From now on
   * every call of this account, its views and its sessions says `CLOSED`, and
   * so do calls that are under way. Closing again does nothing.
   */
  async close(): Promise<void> {
    this.#native.close();
  }

  /** Closes it: `await using account = …`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

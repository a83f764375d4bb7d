import { accessList, type AccessList } from "./access";
import { call, now, type CallOptions } from "./call";
import { boolean, bytes, maybe, milliseconds, options as checked, text } from "./check";
import { context, type Context } from "./context";
import { decrypted, type Decrypted } from "./decrypted";
import { invalid } from "./errors";
import { encryptMany, type Field } from "./fields";
import { file, type FileOptions } from "./files";
import type { FolderOptions } from "./folders";
import { grantAll, revokeAll } from "./many";
import type { Addon, NativeSession } from "./native";
import { fromJson, toJson } from "./json";
import {
  flags,
  grant as nativeGrant,
  recipient as nativeRecipient,
  recipientInfo,
  until,
  type Grant,
  type Recipient,
  type RecipientInfo,
  type Right,
} from "./recipients";
import {
  decryptedSigned,
  maybeSignature,
  type DecryptedSigned,
  type SignedEnvelope,
} from "./signed";
import { stream, type ByteSource } from "./streams";
import { expiry, nativeExpiry, type Expiry } from "./terms";
import type { ReadableStream } from "node:stream/web";

/** How something is encrypted or decrypted. */
export interface CryptOptions extends CallOptions {
  /** The place that the envelope belongs to; the same one opens it again. */
  readonly context?: Context | undefined;
}

/** How rights are granted. */
export interface GrantOptions extends Grant, CallOptions {}

/** How rights are taken away. */
export interface RevokeOptions extends CallOptions {
  /**
   * Whether those to whom the revoked one had granted fall with it. Otherwise
   * they stay, and you answer for them from then on.
   */
  readonly cascade?: boolean | undefined;
}

/** How a session is handed over. */
export interface TransferOptions extends CallOptions {
  /** What this account keeps; it leaves if not given. */
  readonly keep?: readonly Right[] | undefined;
}

/** @internal */
export let makeSession: (addon: Addon, native: NativeSession) => EncryptionSession;

/**
 * An encryption session: the unit of rights. Many envelopes may share one. Get
 * it from {@link Account.createSession}, {@link Account.session} or
 * {@link Account.sessionOf}.
 *
 * Errors of all calls, besides those that are named: `INVALID_ARGUMENT`;
 * `CANCELLED`; `CLOSED` once the account is closed; `NOT_REGISTERED`; as
 * {@link EncryptionSession.refresh}.
 *
 * @example
 * ```ts
 * const context = { table: "notes", row: 42 };
 * const sealed = await session.encrypt(bytes, { context });
 * await session.grant({ userId: "insurer.3" }, { expiresAt: new Date(Date.now() + 30 * DAY_MS) });
 * await session.revoke({ userId: "insurer.3" });
 * ```
 */
export class EncryptionSession {
  readonly #addon: Addon;
  readonly #native: NativeSession;

  static {
    makeSession = (addon, native) => new EncryptionSession(addon, native);
  }

  private constructor(addon: Addon, native: NativeSession) {
    if (addon === undefined) throw invalid("a session comes from an account");
    this.#addon = addon;
    this.#native = native;
  }

  /** The session's id: 43 characters of base64url. */
  get id(): string {
    return this.#native.id();
  }

  /**
   * From the call that made the session with `onMissing: "skip"`: the user ids
   * that have no account and were left out. Empty otherwise.
   */
  get missingRecipients(): readonly string[] {
    return this.#native.missingRecipients();
  }

  /**
   * Encrypts for the session's recipients; the length is padded, by at most
   * 12 %. The envelope is 98 bytes longer than that, and 16 more for each 16 KiB.
   * If a new epoch is due, it is begun first.
   *
   * @param data Not copied if it is long: it must not be changed, transferred
   * or resized until the promise settles.
   */
  async encrypt(data: Uint8Array, options?: CryptOptions): Promise<Buffer> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const place = context(checked(options).context);
        return this.#native.encrypt(bytes(data, "data"), place, cancel);
      },
    );
  }

  /**
   * The same for text, as text (`plc1.…`, base64url) that fits into a text
   * column. For fields and messages: strings are read and made on the event
   * loop's thread, so megabytes belong into {@link EncryptionSession.encrypt}.
   */
  async encryptText(plain: string, options?: CryptOptions): Promise<string> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const place = context(checked(options).context);
        return this.#native.encryptText(text(plain, "text"), place, cancel);
      },
    );
  }

  /** The same for anything that `JSON.stringify` can write, as text. */
  async encryptJson(value: unknown, options?: CryptOptions): Promise<string> {
    return this.encryptText(
      now(() => toJson(value)),
      options,
    );
  }

  /**
   * Encrypts the file `source` into `target`, which appears only when it is
   * whole and on the disk; an existing one is replaced. Memory does not grow
   * with the file; its length is not hidden.
   *
   * Errors: `IO`.
   *
   * @example
   * ```ts
   * const signal = AbortSignal.timeout(60_000);
   * const onProgress = ({ done, total }: Progress) => bar.update(done / total);
   * await session.encryptFile("scan.dcm", "scan.dcm.plico", { signal, onProgress });
   * ```
   */
  async encryptFile(
    source: string | URL,
    target: string | URL,
    options?: FileOptions,
  ): Promise<void> {
    return file(this.#addon, source, target, options, (input, cancel) =>
      this.#native.encryptFile(input, cancel),
    );
  }

  /**
   * Encrypts what `source` gives, as it comes: the result is an envelope, like
   * {@link EncryptionSession.encrypt}'s and {@link EncryptionSession.encryptFile}'s.
   * A piece is read from `source` when somebody reads the result, and not
   * before; memory does not grow with the length, which is not hidden.
   *
   * Errors come out of the stream, and then what came before is no envelope: as
   * {@link EncryptionSession.encrypt}; `IO` if `source` fails, with what it threw
   * as `cause`; `CANCELLED`. Whoever stops reading, cancels it.
   *
   * @throws {PlicoError} `INVALID_ARGUMENT`, at once.
   *
   * @example
   * ```ts
   * const sealed = session.encryptStream(createReadStream("scan.dcm"), { context });
   * await fetch(url, { method: "PUT", body: sealed, duplex: "half" });
   * ```
   */
  encryptStream(source: ByteSource, options?: FileOptions): ReadableStream<Uint8Array> {
    return stream(this.#addon, source, options, "taken", (input, cancel) =>
      this.#native.encryptStream(input, cancel),
    );
  }

  /**
   * Encrypts each of `fields` as {@link EncryptionSession.encrypt} does, and
   * gives the envelopes in their order. The session is looked at once, so all are
   * of one epoch. For fields and messages, some thousand at a time: reading the
   * arguments takes the event loop's thread some microseconds for each.
   *
   * Errors: as {@link EncryptionSession.encrypt}. Then there is no result for any of them.
   */
  async encryptMany(fields: readonly Field[], options?: CallOptions): Promise<Buffer[]> {
    return encryptMany(this.#addon, fields, options, (items, cancel) =>
      this.#native.encryptMany(items, cancel),
    );
  }

  /**
   * Encrypts the folder `source`, with all that is in it, into the file
   * `target`, as {@link EncryptionSession.encryptFile} does. In the envelope is a
   * tar archive of regular files and folders: names, sizes and number are hidden,
   * the sum of the sizes is not. At most 1,000,000 members. Kept are the times of
   * the last change and who may execute a file; not the owner and the other rights.
   *
   * Errors: `IO`, also if a file changes meanwhile; `INVALID_ARGUMENT` if there is
   * a link, see {@link FolderOptions.skipLinks}, or a name that is not Unicode.
   */
  async encryptFolder(
    source: string | URL,
    target: string | URL,
    options?: FolderOptions,
  ): Promise<void> {
    return file(this.#addon, source, target, options, (input, cancel) =>
      this.#native.encryptFolder(input, cancel),
    );
  }

  /**
   * Opens an envelope of this session.
   *
   * Errors: `WRONG_SESSION`, `CONTEXT_REQUIRED`, `CONTEXT_UNEXPECTED`,
   * `CONTEXT_MISMATCH`, `ENVELOPE_DAMAGED`, `ENVELOPE_TRUNCATED`,
   * `NOT_AN_ENVELOPE`, `SESSION_BEHIND_ENVELOPE`, `EPOCH_UNAVAILABLE`.
   *
   * @param envelope Not copied if it is long: it must not be changed,
   * transferred or resized until the promise settles.
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

  /** Opens what {@link EncryptionSession.encryptText} made. Errors: as {@link EncryptionSession.decrypt}. */
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

  /**
   * Opens what {@link EncryptionSession.encryptJson} made. `T` is what you say
   * it is: nothing is checked but that it is JSON.
   *
   * Errors: as {@link EncryptionSession.decrypt}; `INVALID_ARGUMENT` if it is not JSON.
   */
  async decryptJson<T = unknown>(sealed: string, options?: CryptOptions): Promise<T> {
    return fromJson<T>(await this.decryptText(sealed, options));
  }

  /**
   * Decrypts the file `source` into `target`, which appears only when every
   * byte is authenticated and on the disk.
   *
   * Errors: `IO`; as {@link EncryptionSession.decrypt}.
   */
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
   * Encrypts as {@link EncryptionSession.encrypt} does, and signs with this device's
   * key. Without a signature, any reader of the session could have written an item.
   *
   * @param data As for {@link EncryptionSession.encrypt}.
   *
   * @example
   * ```ts
   * const { envelope, signature } = await session.encryptSigned(bytes, { context });
   * const { content, writtenBy } = await session.decryptSigned(envelope, signature, { context });
   * if (writtenBy.signed) show(writtenBy.userId);
   * ```
   */
  async encryptSigned(data: Uint8Array, options?: CryptOptions): Promise<SignedEnvelope> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const place = context(checked(options).context);
        return this.#native.encryptSigned(bytes(data, "data"), place, cancel);
      },
    );
  }

  /**
   * This device's signature over an envelope of this session, which it need not
   * have written: 183 bytes.
   *
   * Errors: `WRONG_SESSION`, `NOT_AN_ENVELOPE`.
   */
  async sign(envelope: Uint8Array, options?: CryptOptions): Promise<Buffer> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const place = context(checked(options).context);
        return this.#native.sign(bytes(envelope, "envelope"), place, cancel);
      },
    );
  }

  /**
   * Opens an envelope of this session and says who wrote it.
   *
   * Errors: as {@link EncryptionSession.decrypt}; `ENVELOPE_SIGNATURE_INVALID` for a
   * signature that is not one over this envelope in this place, or by somebody who
   * never could read the session.
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
   * Gives `recipient` rights, in place of those that it had. It opens all that
   * this account can open, also what was encrypted before. Not one byte of any
   * envelope changes.
   *
   * Errors: `NOT_ALLOWED` without the right to forward, or for more than this
   * account has; `RECIPIENTS_NOT_FOUND`, `GROUP_NOT_FOUND`; `ENTRY_INVALID` for an end
   * in the past; `INVALID_ARGUMENT` for this account itself.
   */
  async grant(recipient: Recipient, options?: GrantOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const given = nativeGrant(checked(options));
        return this.#native.grant(nativeRecipient(recipient), given, cancel);
      },
    );
  }

  /**
   * Takes all rights from `recipient` and begins a new epoch, in one step.
   *
   * It opens nothing that is written from now on by a writer who has seen
   * this; others may write under the old key until their knowledge is older
   * than the freshness bound. What it could open before, it may have kept.
   *
   * Errors: `NOT_ALLOWED` without the right to revoke, or for an owner.
   */
  async revoke(recipient: Recipient, options?: RevokeOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const cascade = maybe(checked(options).cascade, boolean, "cascade") ?? false;
        return this.#native.revoke(nativeRecipient(recipient), cascade, cancel);
      },
    );
  }

  /**
   * Gives many recipients rights, with one write for up to 1,024 of them. Each has its
   * own result, in the order given, in the form of `Promise.allSettled`; a `reason` is a
   * {@link PlicoError}, as of {@link EncryptionSession.grant}.
   *
   * Errors: `NETWORK` if nobody can be looked up; `OFFLINE`.
   */
  async grantAll(
    recipients: readonly (Recipient & Grant)[],
    options?: CallOptions,
  ): Promise<PromiseSettledResult<void>[]> {
    return grantAll(this.#addon, this.#native, recipients, options);
  }

  /**
   * Takes all rights from many recipients and begins one new epoch, in one step. Each has
   * its own result, as with {@link EncryptionSession.grantAll}; a `reason` is as of
   * {@link EncryptionSession.revoke}. Whoever is not a recipient counts as done.
   *
   * Errors: `NETWORK` if nobody can be looked up; `OFFLINE`.
   */
  async revokeAll(
    recipients: readonly Recipient[],
    options?: RevokeOptions,
  ): Promise<PromiseSettledResult<void>[]> {
    return revokeAll(this.#addon, this.#native, recipients, options);
  }

  /**
   * Makes `recipient` an owner; this account keeps `keep`, or leaves.
   *
   * Errors: `NOT_ALLOWED` for whoever is not an owner; `RECIPIENTS_NOT_FOUND`.
   */
  async transfer(recipient: Recipient, options?: TransferOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const keep = maybe(checked(options).keep, flags, "keep");
        return this.#native.transfer(nativeRecipient(recipient), keep, cancel);
      },
    );
  }

  /**
   * Leaves the session. The last owner hands over first.
   *
   * Errors: `NOT_ALLOWED` for the last owner.
   */
  async leave(options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.leave(cancel),
    );
  }

  /**
   * Who may read this session, through groups, too: by which path, from whom, since
   * when, until when; and who no longer may. From the signed logs as the directory
   * shows them now.
   */
  async whoMayRead(options?: CallOptions): Promise<AccessList> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.whoMayRead(cancel).then(accessList),
    );
  }

  /**
   * All people who have rights of their own now; those who have them through a group
   * are in {@link EncryptionSession.whoMayRead}. Grants that have ended by this device's
   * clock are left out.
   */
  async recipients(options?: CallOptions): Promise<RecipientInfo[]> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.recipients(cancel).then((all) => all.map(recipientInfo)),
    );
  }

  /**
   * Begins a new epoch: what is written from now on is under a new key.
   * Writers do this by themselves whenever it is due.
   *
   * Errors: `CONFLICT` after many lost races.
   */
  async rotate(options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.rotate(cancel),
    );
  }

  /**
   * Asks the directory for what is new, whatever was known before.
   *
   * Errors: `ACCESS_REVOKED`, `ACCESS_EXPIRED`, `ACCESS_WITHDRAWN`,
   * `SESSION_ENDED`, `SESSION_NOT_FOUND`, `NETWORK`, and whatever a lying directory is caught with.
   */
  async refresh(options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.refresh(cancel),
    );
  }

  /**
   * Deletes what this device keeps of the session: log and secrets. It can be
   * opened again as long as the directory gives access.
   *
   * Errors: the store's own.
   */
  async forget(options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.forget(cancel),
    );
  }

  /**
   * Ends the session for ever: the directory deletes all wrapped keys, and
   * nobody opens it again through the directory, its owner included.
   *
   * Errors: `NOT_ALLOWED` for whoever is not an owner.
   */
  async end(options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.end(cancel),
    );
  }

  /**
   * Says until when the session lasts: until a time, or until nobody has used it for a
   * while; `{}` without end. It replaces what was said before: an end can be moved, and
   * taken away, until it has come. Then nobody opens the session any more, its owner
   * included, and the directory deletes everything but the log.
   *
   * Changing the session, writing to it and opening it are use, by whoever may; use while
   * offline is not. Clients tell the directory when a quarter of the time is over.
   *
   * Errors: `NOT_ALLOWED` for whoever is not an owner; `INVALID_ARGUMENT` for less than a
   * minute without use; `ENTRY_INVALID` for an end in the past; `SESSION_ENDED`.
   *
   * @example
   * ```ts
   * await session.setExpiry({ at: endOfYear, afterIdleMs: 30 * DAY_MS });
   * ```
   */
  async setExpiry(expiry: Expiry, options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.setExpiry(nativeExpiry(expiry), cancel),
    );
  }

  /** What {@link EncryptionSession.setExpiry} has said. */
  async expiry(options?: CallOptions): Promise<Expiry> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.expiry(cancel).then(expiry),
    );
  }

  /** When the session ends if nobody uses it; `undefined`: never. */
  async endsAt(options?: CallOptions): Promise<Date | undefined> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.endsAt(cancel).then((ms) => until(ms ?? undefined)),
    );
  }

  /**
   * Gives the session a tag of 1 to 128 bytes of UTF-8, in place of an earlier one, or
   * none: by it the session is found ({@link Account.sessionsTagged}), by its recipients
   * and by the app's backend. **The directory and the backend can read it**; for what they
   * must not see there is {@link EncryptionSession.setMetadata}. Needs the rights to
   * forward and to revoke.
   *
   * Errors: `NOT_ALLOWED`, `TOO_LARGE`; `INVALID_ARGUMENT` for an empty one.
   *
   * @param tag `undefined` takes it away.
   */
  async setTag(tag: string | undefined, options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.setTag(maybe(tag, text, "tag"), cancel),
    );
  }

  /**
   * The session's tag; `undefined`: it has none.
   *
   * Errors: `ANSWER_MISMATCH` if the directory withholds it.
   */
  async tag(options?: CallOptions): Promise<string | undefined> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.tag(cancel).then((tag) => tag ?? undefined),
    );
  }

  /**
   * What {@link EncryptionSession.setMetadata} has kept; `undefined` if nothing.
   *
   * Errors: `ANSWER_MISMATCH` if the directory withholds it.
   */
  async metadata(options?: CallOptions): Promise<Buffer | undefined> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.metadata(cancel).then((data) => data ?? undefined),
    );
  }

  /**
   * Keeps up to 8 KiB beside the session (a title, the app's own id), encrypted
   * for its recipients. Needs the rights to forward and to revoke.
   *
   * Errors: `NOT_ALLOWED`, `TOO_LARGE`.
   */
  async setMetadata(data: Uint8Array, options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.setMetadata(bytes(data, "data"), cancel),
    );
  }

  /** The same session without the network: see {@link Account.offline}. */
  offline(): EncryptionSession {
    return makeSession(this.#addon, this.#native.offline());
  }

  /**
   * The same session, for calls that must know more, or may know less: see
   * {@link Account.maxStaleness}.
   *
   * @param ageMs Milliseconds; 0 asks the directory every time.
   */
  maxStaleness(ageMs: number): EncryptionSession {
    return now(() =>
      makeSession(this.#addon, this.#native.maxStaleness(milliseconds(ageMs, "ageMs"))),
    );
  }
}

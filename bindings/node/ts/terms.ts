import type { CallOptions } from "./call";
import { bytes, date, list, maybe, milliseconds, object, oneOf, text } from "./check";
import type { NativeExpiry, NativeSessionInput } from "./native";
import { granted, until, type Grant, type Recipient } from "./recipients";

/** Until when a session lasts; with neither, without end; with both, until what comes first. */
export interface Expiry {
  /** It ends then. */
  readonly at?: Date | undefined;
  /** It ends when nobody has used it for so many milliseconds, at least a minute. */
  readonly afterIdleMs?: number | undefined;
}

/** For whom a session is made, and on which terms. */
export interface SessionTerms {
  /**
   * For whom, besides the account itself, which owns the session; at most
   * 2,047. Rights are `["read"]`, without end, if not given.
   */
  readonly recipients?: readonly (Recipient & Grant)[] | undefined;
  /**
   * What happens with user ids that have no account. `fail` (the default):
   * nothing is done, and the error lists them. `skip`: they are left out, and
   * {@link EncryptionSession.missingRecipients} lists them.
   */
  readonly onMissing?: "fail" | "skip" | undefined;
  /**
   * The cipher of everything that the session will hold. 1 (the default):
   * ChaCha20-Poly1305. 2: AES-256-GCM, for hardware that has it, and for
   * auditors who ask.
   */
  readonly suite?: 1 | 2 | undefined;
  /**
   * Until when the session lasts; without end if not given. See
   * {@link EncryptionSession.setExpiry}.
   */
  readonly expiry?: Expiry | undefined;
  /**
   * A tag of 1 to 128 bytes of UTF-8 that **the directory and the app's backend can
   * read**; see {@link EncryptionSession.setTag}.
   */
  readonly tag?: string | undefined;
  /**
   * Up to 8 KiB that only recipients can read; see
   * {@link EncryptionSession.setMetadata}. Copied before the call returns.
   */
  readonly metadata?: Uint8Array | undefined;
}

/** How a session is made. */
export interface SessionOptions extends SessionTerms, CallOptions {}

/** @internal */
export function sessionInput(value: SessionTerms): NativeSessionInput {
  const { recipients = [], onMissing = "fail", suite = 1 } = value;
  const input: NativeSessionInput = {
    recipients: list(recipients, "recipients").map(granted),
    skipMissing: oneOf(onMissing, ["fail", "skip"], "onMissing") === "skip",
    aes: oneOf(suite, [1, 2], "suite") === 2,
  };
  const expiry = maybe(value.expiry, nativeExpiry, "expiry");
  const tag = maybe(value.tag, text, "tag");
  const metadata = maybe(value.metadata, bytes, "metadata");
  if (expiry !== undefined) input.expiry = expiry;
  if (tag !== undefined) input.tag = tag;
  if (metadata !== undefined) input.metadata = metadata;
  return input;
}

/** @internal */
export function nativeExpiry(value: Expiry): NativeExpiry {
  const { at, afterIdleMs } = object<Expiry>(value, "expiry");
  const native: NativeExpiry = {};
  const end = maybe(at, date, "at");
  const idle = maybe(afterIdleMs, milliseconds, "afterIdleMs");
  if (end !== undefined) native.atMs = end;
  if (idle !== undefined) native.afterIdleMs = idle;
  return native;
}

/** @internal */
export function expiry({ atMs, afterIdleMs }: NativeExpiry): Expiry {
  return { at: until(atMs), afterIdleMs };
}

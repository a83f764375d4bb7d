import { bytes, object, text } from "./check";
import { invalid } from "./errors";
import { addon, type NativeDevice, type NativeFileKey } from "./native";

/**
 * What protects an identity file or a backup: one of both.
 *
 * `passphrase`: text of at least 12 characters that a person remembers or has
 * written down; better, one from {@link generatePassphrase}. Trying one takes
 * some tenths of a second and 64 MiB of memory. It is taken as it is, without
 * Unicode normalisation.
 *
 * `hostSecret`: 32 uniformly random bytes that the app keeps elsewhere, such as
 * a passkey's PRF output or a secret in the platform's key storage. Copied
 * before the call returns.
 */
export type FileKey =
  | { readonly passphrase: string; readonly hostSecret?: undefined }
  | { readonly hostSecret: Uint8Array; readonly passphrase?: undefined };

/** One device of an identity: what its verified history states, and two notes of the directory's. */
export interface DeviceInfo {
  /** Its id: 43 characters of base64url. */
  readonly id: string;
  /** Whether it is the one that asks. */
  readonly isThis: boolean;
  /** When it was added, by the clock of the device that added it. */
  readonly added: Date;
  /** Whether it was revoked: it signs nothing more, and opens nothing new. */
  readonly revoked: boolean;
  /** Whether the recovery key has added it. */
  readonly byRecovery: boolean;
  /**
   * The name that one of the own devices has given it ({@link Account.nameDevice}).
   * A person's own word: keep it out of logs.
   */
  readonly name?: string;
  /** When it sent a request last, to the hour, by the directory's word. */
  readonly lastSeen?: Date;
}

/**
 * A passphrase of 100 random bits for an identity file or a backup: 20 characters
 * of Crockford's base 32 (no I, L, O or U) in groups of five, 23 with the hyphens.
 *
 * @example
 * ```ts
 * const passphrase = generatePassphrase(); // to be written down
 * const file = await account.exportIdentity({ passphrase });
 * ```
 */
export function generatePassphrase(): string {
  return addon.generatePassphrase();
}

/** @internal */
export function fileKey(value: FileKey): NativeFileKey {
  const { passphrase, hostSecret } = object<FileKey>(value, "key");
  if ((passphrase === undefined) === (hostSecret === undefined)) {
    throw invalid("a key has a passphrase or a hostSecret");
  }
  return passphrase === undefined
    ? { hostSecret: bytes(hostSecret as Uint8Array, "hostSecret") }
    : { passphrase: text(passphrase, "passphrase") };
}

/** @internal */
export function deviceInfo(native: NativeDevice): DeviceInfo {
  const { id, isThis, addedMs, revoked, byRecovery, name, lastSeenMs } = native;
  return {
    id,
    isThis,
    added: new Date(addedMs),
    revoked,
    byRecovery,
    ...(name === undefined ? {} : { name }),
    ...(lastSeenMs === undefined ? {} : { lastSeen: new Date(lastSeenMs) }),
  };
}

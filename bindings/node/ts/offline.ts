import { call } from "./call";
import { bytes, options as checked } from "./check";
import { context } from "./context";
import { decrypted, type Decrypted } from "./decrypted";
import { fileKey, type FileKey } from "./devices";
import { addon } from "./native";
import type { CryptOptions } from "./session";

/** What an offline file held. */
export interface OfflineOpened {
  /** The content. */
  readonly content: Decrypted;
  /**
   * When the directory signed what the file says. What has changed since, say a
   * revocation, no file can tell.
   */
  readonly asOf: Date;
}

/**
 * Opens an offline file ({@link Account.offlineFile}) with an identity file
 * ({@link Account.exportIdentity}) of the same person, without a network and
 * without a store. Every signature, proof and commitment in it is verified, as it
 * would be with the directory at hand. It does not prove that the file is up to
 * date, nor that the directory has shown the same to others.
 *
 * Errors: `OFFLINE_FILE_INVALID`, also for another person's identity;
 * `IDENTITY_FILE_INVALID`; `WRONG_PASSPHRASE`; `INVALID_ARGUMENT`, also for a
 * passphrase where a secret is needed, or the reverse; `WRONG_TENANT`;
 * `DEVICE_REVOKED` if the identity file had been withdrawn when the offline file
 * was made; `CANCELLED`; and as {@link Account.decrypt}.
 *
 * @param file Not copied if it is long: it must not be changed, transferred or
 * resized until the promise settles. The same holds for `identity`.
 *
 * @example
 * ```ts
 * const { content, asOf } = await openOfflineFile(file, identity, { passphrase });
 * ```
 */
export async function openOfflineFile(
  file: Uint8Array,
  identity: Uint8Array,
  key: FileKey,
  options?: CryptOptions,
): Promise<OfflineOpened> {
  return call(
    addon,
    () => options,
    (cancel) => {
      const place = context(checked(options).context);
      const parts = [bytes(file, "file"), bytes(identity, "identity"), fileKey(key)] as const;
      return addon.openOfflineFile(...parts, place, cancel).then((opened) => ({
        content: decrypted(opened.content),
        asOf: new Date(opened.asOfMs),
      }));
    },
  );
}

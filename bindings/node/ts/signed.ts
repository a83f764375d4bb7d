import { bytes, maybe } from "./check";
import { decrypted, type Decrypted } from "./decrypted";
import { nameless } from "./nameless";
import type { NativeSignedOpened } from "./native";

/** An envelope, and who says to have written it. */
export interface SignedEnvelope {
  /** The envelope, as {@link EncryptionSession.encrypt} makes it. */
  readonly envelope: Buffer;
  /**
   * The signature of the writer's device over envelope, context and session: 183
   * bytes, to be kept beside the envelope.
   */
  readonly signature: Buffer;
}

/**
 * Who wrote an envelope. Not `signed`: whoever could read the session then.
 * `signed`: this person, on this device; verified.
 */
export type WrittenBy =
  | { readonly signed: false }
  | {
      readonly signed: true;
      /** Who. */
      readonly identityId: string;
      /**
       * The app's own name for them, if the app's backend vouches for one. Left
       * out by `console.log`.
       */
      readonly userId: string | undefined;
      /** On which device, which was not revoked at that place of their history. */
      readonly deviceId: string;
      /** When, by their clock. */
      readonly at: Date;
    };

/** What was in an envelope, and who wrote it. */
export interface DecryptedSigned {
  /** The content. */
  readonly content: Decrypted;
  /** Who wrote it. */
  readonly writtenBy: WrittenBy;
}

/** @internal */
export function maybeSignature(value: Uint8Array | undefined): Uint8Array | undefined {
  return maybe(value, bytes, "signature");
}

/** @internal */
export function decryptedSigned({ content, writer }: NativeSignedOpened): DecryptedSigned {
  if (writer === undefined) return { content: decrypted(content), writtenBy: { signed: false } };
  const { identityId, userId, deviceId, atMs } = writer;
  const writtenBy = { signed: true, identityId, userId, deviceId, at: new Date(atMs) } as const;
  return { content: decrypted(content), writtenBy: nameless(writtenBy) };
}

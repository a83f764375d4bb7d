import type { NativeOpened } from "./native";

/** What was in an envelope. */
export interface Decrypted {
  /** The plaintext. It is yours: `data.fill(0)` when it is no longer needed. */
  readonly data: Buffer;
  /** The session that it was encrypted in. */
  readonly sessionId: string;
  /**
   * Whether the writer was offline, and said so: somebody who had been revoked
   * shortly before may be able to read it, too.
   */
  readonly writtenOffline: boolean;
  /**
   * When the directory was last asked about the session, by this device's
   * clock: older than the freshness bound if it could not be reached.
   */
  readonly knownAt: Date;
}

/** @internal */
export function decrypted(opened: NativeOpened): Decrypted {
  return {
    data: opened.data,
    sessionId: opened.sessionId,
    writtenOffline: opened.writtenOffline,
    knownAt: new Date(opened.knownAtMs),
  };
}

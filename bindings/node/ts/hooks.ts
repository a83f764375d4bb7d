/** What the app is told. */

/**
 * Something that the app may want to show, or act upon. Ids are 43 characters
 * of base64url; none of the events holds a secret, a user id or a name.
 */
export type PlicoEvent =
  /** The first answer was had from a directory that could not be reached before. */
  | { readonly type: "online" }
  /** The directory can't be reached. Told once, until it can be again. */
  | { readonly type: "offline" }
  /** Another identity stands behind a user id that was seen before. */
  | { readonly type: "identityChanged"; readonly identityId: string }
  /** This account's own identity has one more device. */
  | { readonly type: "newDevice"; readonly identityId: string }
  /** A device of this account's own identity was revoked. */
  | { readonly type: "deviceRevoked"; readonly identityId: string }
  /**
   * This account's own user key will soon be as old as the tenant allows, within
   * 14 days; then the next device that sees its chain renews it. `atMs` says when,
   * in milliseconds since 1970-01-01 UTC, as `Date` takes them.
   */
  | { readonly type: "keyRenewalNear"; readonly identityId: string; readonly atMs: number }
  /**
   * The recovery key of this account's own identity was used. If it was not its
   * owner who did it, somebody else has the words.
   */
  | { readonly type: "recoveryUsed"; readonly identityId: string }
  /** The directory shows another history than before: it lies, or two of it run. */
  | { readonly type: "forkSeen"; readonly chainId: string }
  /** The directory shows less than before: it lies, or was restored from a backup. */
  | { readonly type: "historyShortened"; readonly chainId: string }
  /** What a restored directory had lost was handed back to it. */
  | { readonly type: "handedBack"; readonly chainId: string; readonly entries: number }
  /** A new epoch was begun in a session because one was due. */
  | { readonly type: "epochBegun"; readonly sessionId: string; readonly epoch: number }
  /** This account's access has ended; what was kept of the session is deleted. */
  | { readonly type: "accessEnded"; readonly sessionId: string }
  /**
   * The tenant's operator has withdrawn a recipient of a session, or a member of a
   * group, says the directory. `sessionId` is the session's id, or the group's.
   */
  | { readonly type: "recipientWithdrawn"; readonly sessionId: string }
  /** And that a withdrawal was lifted: they are taken in again. */
  | { readonly type: "withdrawalLifted"; readonly sessionId: string }
  /** A write whose outcome was unknown is settled: it has taken place, or not. */
  | { readonly type: "settled"; readonly sessionId: string; readonly done: boolean }
  /** The device's clock and the directory's differ by so many milliseconds. */
  | { readonly type: "clockSkewed"; readonly offsetMs: number };

/** One line of the log: no secret, no user id, no content. */
export interface LogRecord {
  /** `debug`: each request; `info`: each change; `warn`: something that was dealt with. */
  readonly level: "debug" | "info" | "warn";
  /** What happened. */
  readonly message: string;
}

/**
 * @internal A hook that throws does no harm to the SDK, and is not passed over
 * in silence.
 */
export function guarded<T>(name: string, hook: (value: T) => unknown): (value: T) => void {
  const warn = (thrown: unknown): void => {
    const what = thrown instanceof Error ? thrown.name : typeof thrown;
    process.emitWarning(`${name} threw: ${what}`, { type: "PlicoWarning", code: "PLICO_HOOK" });
  };
  return (value) => {
    try {
      const given = hook(value);
      if (given instanceof Promise) given.catch(warn);
    } catch (thrown) {
      warn(thrown);
    }
  };
}

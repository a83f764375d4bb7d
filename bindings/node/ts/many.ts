import { call, type CallOptions } from "./call";
import { boolean, list, maybe, object, options as checked, text } from "./check";
import type { Addon, NativeAccount, NativeMade, NativeSession } from "./native";
import { granted, recipient, type Grant, type Recipient } from "./recipients";
import { failure, settled } from "./results";
import { makeSession, type EncryptionSession, type RevokeOptions } from "./session";
import { sessionInput, type SessionTerms } from "./terms";

type Done = PromiseSettledResult<void>;

function made(addon: Addon, it: NativeMade): PromiseSettledResult<EncryptionSession> {
  return it.failed === undefined
    ? { status: "fulfilled", value: makeSession(addon, it.session as NativeSession) }
    : { status: "rejected", reason: failure(it.failed) };
}

/** @internal */
export function createSessions(
  addon: Addon,
  account: NativeAccount,
  sessions: readonly SessionTerms[],
  options: CallOptions | undefined,
): Promise<PromiseSettledResult<EncryptionSession>[]> {
  return call(
    addon,
    () => options,
    (cancel) => {
      const inputs = list(sessions, "sessions").map((it) =>
        sessionInput(object<SessionTerms>(it, "a session")),
      );
      return account
        .createSessions(inputs, cancel)
        .then((results) => results.map((it) => made(addon, it)));
    },
  );
}

function ids(sessionIds: readonly string[]): string[] {
  return list(sessionIds, "sessionIds").map((id) => text(id, "an id"));
}

/** @internal */
export function grantMany(
  addon: Addon,
  account: NativeAccount,
  sessionIds: readonly string[],
  recipients: readonly (Recipient & Grant)[],
  options: CallOptions | undefined,
): Promise<Done[][]> {
  return call(
    addon,
    () => options,
    (cancel) => {
      const to = list(recipients, "recipients").map(granted);
      return account
        .grantMany(ids(sessionIds), to, cancel)
        .then((results) => results.map((it) => it.map(settled)));
    },
  );
}

/** @internal */
export function revokeMany(
  addon: Addon,
  account: NativeAccount,
  sessionIds: readonly string[],
  recipients: readonly Recipient[],
  options: RevokeOptions | undefined,
): Promise<Done[][]> {
  return call(
    addon,
    () => options,
    (cancel) => {
      const cascade = maybe(checked(options).cascade, boolean, "cascade") ?? false;
      const from = list(recipients, "recipients").map(recipient);
      return account
        .revokeMany(ids(sessionIds), from, cascade, cancel)
        .then((results) => results.map((it) => it.map(settled)));
    },
  );
}

/** @internal */
export function grantAll(
  addon: Addon,
  session: NativeSession,
  recipients: readonly (Recipient & Grant)[],
  options: CallOptions | undefined,
): Promise<Done[]> {
  return call(
    addon,
    () => options,
    (cancel) => {
      const to = list(recipients, "recipients").map(granted);
      return session.grantAll(to, cancel).then((results) => results.map(settled));
    },
  );
}

/** @internal */
export function revokeAll(
  addon: Addon,
  session: NativeSession,
  recipients: readonly Recipient[],
  options: RevokeOptions | undefined,
): Promise<Done[]> {
  return call(
    addon,
    () => options,
    (cancel) => {
      const cascade = maybe(checked(options).cascade, boolean, "cascade") ?? false;
      const from = list(recipients, "recipients").map(recipient);
      return session.revokeAll(from, cascade, cancel).then((results) => results.map(settled));
    },
  );
}

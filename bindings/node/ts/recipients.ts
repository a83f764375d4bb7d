import { date, list, maybe, object, oneOf, text } from "./check";
import { invalid } from "./errors";
import type { NativeGrant, NativeGranted, NativeMemberId, NativeRecipient, NativeRecipientInfo } from "./native";
import { nameless } from "./nameless";

/**
 * Who: whoever the app's backend vouches for under a user id (1 to 256 bytes of
 * UTF-8), an identity by its id, or all who are in a group, now and later (ids
 * are 43 characters of base64url).
 */
export type Recipient =
  | { readonly userId: string; readonly identityId?: undefined; readonly group?: undefined }
  | MemberId;

/** A person or a service, or a group, by its id. It is a {@link Recipient}, too. */
export type MemberId =
  | { readonly identityId: string; readonly userId?: undefined; readonly group?: undefined }
  | { readonly group: string; readonly userId?: undefined; readonly identityId?: undefined };

/**
 * What a recipient may do: `read` what is encrypted in the session, and always
 * has that; `forward` what it has itself; `revoke` anybody but owners; an
 * `owner` may do everything.
 */
export type Right = "read" | "forward" | "revoke" | "owner";

/** What is granted. */
export interface Grant {
  /** What the recipient may do; `["read"]` if not given. */
  readonly rights?: readonly Right[] | undefined;
  /**
   * Until when; without end if not given. The directory stops serving and the
   * next writer locks out; what was opened before can't be taken back.
   */
  readonly expiresAt?: Date | undefined;
}

/** One recipient of a session, from verified statements alone. */
export interface RecipientInfo {
  /** Who. */
  readonly identityId: string;
  /**
   * The app's own name for it, if the app's backend vouches for one. Left out
   * by `console.log`.
   */
  readonly userId: string | undefined;
  /** What it may do; an owner has all four. */
  readonly rights: readonly Right[];
  /** The identity that granted it. */
  readonly grantedBy: string;
  /** Since when, by the grantor's clock. */
  readonly grantedAt: Date;
  /** Until when; `undefined`: without end. */
  readonly expiresAt: Date | undefined;
}

const RIGHTS: readonly Right[] = ["read", "forward", "revoke", "owner"];

/** @internal */
export function recipient(value: Recipient): NativeRecipient {
  const { userId, identityId, group } = object<Recipient>(value, "a recipient");
  if ([userId, identityId, group].filter((it) => it !== undefined).length !== 1) {
    throw invalid("a recipient has a userId, an identityId or a group");
  }
  if (userId !== undefined) return { userId: text(userId, "userId") };
  return identityId === undefined
    ? { group: text(group as string, "group") }
    : { identityId: text(identityId, "identityId") };
}

/** @internal */
export function memberId({ identityId, group }: NativeMemberId): MemberId {
  return group === undefined ? { identityId: identityId ?? "" } : { group };
}

/** @internal */
export function grant(value: Grant): NativeGrant {
  const { rights = ["read"], expiresAt } = value;
  const given = flags(rights);
  const expiresAtMs = maybe(expiresAt, date, "expiresAt");
  return expiresAtMs === undefined ? given : { ...given, expiresAtMs };
}

/** @internal Who gets what, in one value. */
export function granted(value: Recipient & Grant): NativeGranted {
  return { recipient: recipient(value), grant: grant(value) };
}

/** @internal */
export function flags(rights: readonly Right[]): NativeGrant {
  const given = list(rights, "rights").map((right) => oneOf(right, RIGHTS, "a right"));
  if (given.length === 0) throw invalid("rights has at least one");
  return {
    forward: given.includes("forward"),
    revoke: given.includes("revoke"),
    owner: given.includes("owner"),
  };
}

/** @internal */
export function rightsOf(it: { forward: boolean; revoke: boolean; owner: boolean }): Right[] {
  const has = { read: true, forward: it.forward, revoke: it.revoke, owner: it.owner };
  return RIGHTS.filter((right) => has[right]);
}

/** @internal */
export function until(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}

/** @internal */
export function recipientInfo(info: NativeRecipientInfo): RecipientInfo {
  return nameless({
    identityId: info.identityId,
    userId: info.userId,
    rights: rightsOf(info),
    grantedBy: info.grantedBy,
    grantedAt: new Date(info.grantedAtMs),
    expiresAt: until(info.expiresAtMs),
  });
}

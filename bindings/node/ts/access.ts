import { invalid } from "./errors";
import { nameless } from "./nameless";
import type { NativeAccess, NativeAccessList, NativeFormerAccess } from "./native";
import { memberId, rightsOf, until, type MemberId, type Right } from "./recipients";

/** One way by which a person may read, or a group that leads to some. */
export interface Access {
  /** A person, or a group. */
  readonly who: MemberId;
  /**
   * The app's own name for a person, if the app's backend vouches for one. Left
   * out by `console.log`.
   */
  readonly userId: string | undefined;
  /**
   * The ids of the groups by which it came, the session's own recipient first;
   * empty: by a grant of its own.
   */
  readonly path: readonly string[];
  /** What the grant allows in the session; in a group, what the group was granted. */
  readonly rights: readonly Right[];
  /** The identity that has signed the grant, or the membership. */
  readonly grantedBy: string;
  /** The app's own name for it. Left out by `console.log`. */
  readonly grantedByUserId: string | undefined;
  /** Since when, by their clock. */
  readonly grantedAt: Date;
  /** Until when, by the earliest end on the path; `undefined`: without end. */
  readonly expiresAt: Date | undefined;
  /**
   * Whether the tenant's operator has suspended it, or a group on the path, says the
   * directory. Nobody has signed that; the grant itself stands.
   */
  readonly withdrawn: boolean;
}

/**
 * Why a right has ended: it was `revoked`; by `cascade`, since whoever had granted
 * it was; whoever had it `left`, or handed over; its time was over: `expired`.
 */
export type AccessEnd = "revoked" | "cascade" | "left" | "expired";

/** Somebody who had rights of their own once, and has none now. */
export interface FormerAccess {
  /** A person, or a group. */
  readonly who: MemberId;
  /** The app's own name for a person. Left out by `console.log`. */
  readonly userId: string | undefined;
  /** Why. */
  readonly cause: AccessEnd;
  /** The identity that has signed it. */
  readonly by: string;
  /** When, by their clock. */
  readonly at: Date;
}

/** @internal */
export let accessList: (native: NativeAccessList) => AccessList;

/** What {@link EncryptionSession.whoMayRead} gives. */
export class AccessList {
  readonly #tree: string;
  /** Everybody, and the groups in between, in the order of a tree. */
  readonly mayRead: readonly Access[];
  /** Those who no longer may by a grant of their own, in the order in which they left. */
  readonly former: readonly FormerAccess[];
  /** When the directory was asked, by this device's clock. */
  readonly asOf: Date;

  static {
    accessList = (native) => new AccessList(native);
  }

  private constructor(native: NativeAccessList) {
    if (native === undefined) throw invalid("an access list comes from a session");
    this.#tree = native.tree;
    this.mayRead = native.mayRead.map(access);
    this.former = native.former.map(former);
    this.asOf = new Date(native.asOfMs);
  }

  /**
   * All of it as text for people, a line each, indented by the path. It has names
   * in it: not for logs.
   */
  toTree(): string {
    return this.#tree;
  }
}

function access(it: NativeAccess): Access {
  return nameless({
    who: memberId(it.who),
    userId: it.userId,
    path: it.path,
    rights: rightsOf(it),
    grantedBy: it.grantedBy,
    grantedByUserId: it.grantedByUserId,
    grantedAt: new Date(it.grantedAtMs),
    expiresAt: until(it.expiresAtMs),
    withdrawn: it.withdrawn,
  });
}

function former(it: NativeFormerAccess): FormerAccess {
  return nameless({
    who: memberId(it.who),
    userId: it.userId,
    cause: it.cause as AccessEnd,
    by: it.by,
    at: new Date(it.atMs),
  });
}

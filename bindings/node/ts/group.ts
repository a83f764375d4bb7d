import { call, type CallOptions } from "./call";
import { boolean, date, list, maybe, oneOf, options as checked, text } from "./check";
import { invalid } from "./errors";
import { nameless } from "./nameless";
import type {
  Addon,
  NativeGroup,
  NativeGroupInput,
  NativeGroupMember,
  NativeNewMember,
} from "./native";
import {
  memberId,
  recipient as nativeRecipient,
  until,
  type MemberId,
  type Recipient,
} from "./recipients";
import { settled } from "./results";
import type { RevokeOptions } from "./session";

/**
 * What somebody may do in a group: a `member` belongs to it; a `manager` adds and
 * removes members, too, and renames the group; an `owner` may do everything, and
 * owners alone act on owners. What the group may do in a session, each of its
 * members may do there, whatever their role.
 */
export type GroupRole = "member" | "manager" | "owner";

/** Who is to belong to a group. */
export type NewMember = Recipient & {
  /** As what; `"member"` if not given. */
  readonly role?: GroupRole | undefined;
};

/** How a group is made. */
export interface GroupOptions extends CallOptions {
  /** What members see as its name, at most 4,096 bytes of UTF-8. The directory can't read it. */
  readonly name?: string | undefined;
  /**
   * Who belongs to it from the beginning, besides the account itself, which owns
   * it: people, and all of other groups. The role is `"member"` if not given.
   */
  readonly members?: readonly NewMember[] | undefined;
  /**
   * Whether whoever is added later opens only what comes from then on; otherwise
   * (the default), all that the group may open. Fixed for ever.
   */
  readonly fromNowOn?: boolean | undefined;
}

/** How somebody is added to a group. */
export interface AddOptions extends CallOptions {
  /** As what; `"member"` if not given. */
  readonly role?: GroupRole | undefined;
  /** Until when; without end if not given. */
  readonly expiresAt?: Date | undefined;
}

/** How a group is handed over. */
export interface GroupTransferOptions extends CallOptions {
  /** What this account stays; it leaves if not given. */
  readonly keep?: GroupRole | undefined;
}

/** Somebody who belongs to a group, by its signed log. */
export interface GroupMember {
  /** A person, or another group. It can be given to {@link Group.remove} as it is. */
  readonly who: MemberId;
  /**
   * The app's own name for a person, if the app's backend vouches for one. Left
   * out by `console.log`.
   */
  readonly userId: string | undefined;
  /** What they may do in the group. */
  readonly role: GroupRole;
  /** The identity that has added them, or changed their role last. */
  readonly addedBy: string;
  /** Since when, by the clock of whoever added them. */
  readonly addedAt: Date;
  /** Until when; `undefined`: without end. */
  readonly expiresAt: Date | undefined;
}

const ROLES: readonly GroupRole[] = ["member", "manager", "owner"];

function role(value: GroupRole): GroupRole {
  return oneOf(value, ROLES, "a role");
}

function newMember(it: NewMember): NativeNewMember {
  return { recipient: nativeRecipient(it), role: maybe(it.role, role, "role") ?? "member" };
}

/** @internal */
export function groupInput(options: GroupOptions | undefined): NativeGroupInput {
  const { name, members = [], fromNowOn = false } = checked(options);
  const called = maybe(name, text, "name");
  return {
    ...(called === undefined ? {} : { name: called }),
    members: list(members, "members").map(newMember),
    fromNowOn: boolean(fromNowOn, "fromNowOn"),
  };
}

function groupMember(it: NativeGroupMember): GroupMember {
  return nameless({
    who: memberId(it.who),
    userId: it.userId,
    role: it.role as GroupRole,
    addedBy: it.addedBy,
    addedAt: new Date(it.addedAtMs),
    expiresAt: until(it.expiresAtMs),
  });
}

/** @internal */
export let makeGroup: (addon: Addon, native: NativeGroup) => Group;

/**
 * A group: the ward, the practice. It is a recipient like a person; who belongs to
 * it changes without touching a session. Get it from {@link Account.createGroup} or
 * {@link Account.group}.
 *
 * Errors of all calls, besides those that are named: `INVALID_ARGUMENT`;
 * `CANCELLED`; `CLOSED` once the account is closed; `NOT_REGISTERED`; as
 * {@link Group.refresh}.
 *
 * @example
 * ```ts
 * const practice = await account.createGroup({
 *   name: "the practice",
 *   members: [{ userId: "nurse.b" }],
 * });
 * await session.grant({ group: practice.id });
 * await practice.add({ userId: "locum.c" }, { expiresAt: endOfMonth });
 * await practice.remove({ userId: "locum.c" });
 * ```
 */
export class Group {
  readonly #addon: Addon;
  readonly #native: NativeGroup;

  static {
    makeGroup = (addon, native) => new Group(addon, native);
  }

  private constructor(addon: Addon, native: NativeGroup) {
    if (addon === undefined) throw invalid("a group comes from an account");
    this.#addon = addon;
    this.#native = native;
  }

  /** The group's id: 43 characters of base64url. */
  get id(): string {
    return this.#native.id();
  }

  /**
   * Asks the directory for what is new.
   *
   * Errors: `GROUP_NOT_FOUND`, `NETWORK`, and whatever a lying directory is caught with.
   */
  async refresh(options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.refresh(cancel),
    );
  }

  /**
   * Its name; `undefined` if it has none.
   *
   * Errors: `EPOCH_UNAVAILABLE` for whoever does not belong to it.
   */
  async name(options?: CallOptions): Promise<string | undefined> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.name(cancel).then((name) => name ?? undefined),
    );
  }

  /**
   * Gives it another name, of at most 4,096 bytes of UTF-8.
   *
   * Errors: `NOT_ALLOWED` for plain members; `TOO_LARGE`.
   */
  async rename(name: string, options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.rename(text(name, "name"), cancel),
    );
  }

  /** Who belongs to it: people and groups, as its signed log says. */
  async members(options?: CallOptions): Promise<GroupMember[]> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.members(cancel).then((all) => all.map(groupMember)),
    );
  }

  /**
   * Adds somebody, or all of another group, or changes their role. All that the
   * group may open they may open from now on, and no session is touched for it;
   * unless the group was made "from now on".
   *
   * Errors: `NOT_ALLOWED` for plain members, for a role above one's own, and for an
   * owner with an end; `ENTRY_INVALID` for a group that contains this one, too deep
   * nesting, or an end in the past; `RECIPIENTS_NOT_FOUND`, `GROUP_NOT_FOUND`;
   * `INVALID_ARGUMENT` for this account itself.
   */
  async add(recipient: Recipient, options?: AddOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const { role: given, expiresAt } = checked(options);
        const as = maybe(given, role, "role") ?? "member";
        const end = maybe(expiresAt, date, "expiresAt");
        return this.#native.add(nativeRecipient(recipient), as, end, cancel);
      },
    );
  }

  /**
   * Removes somebody and gives the group a new key, in one step. They open nothing
   * that is wrapped to the group from now on; sessions are due, and their next
   * writer begins an epoch without them. What they could open before, they may
   * have kept.
   *
   * Errors: `NOT_ALLOWED` for plain members, and for an owner unless by an owner;
   * `INVALID_ARGUMENT` for whoever does not belong to it.
   */
  async remove(recipient: Recipient, options?: RevokeOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const cascade = maybe(checked(options).cascade, boolean, "cascade") ?? false;
        return this.#native.remove(nativeRecipient(recipient), cascade, cancel);
      },
    );
  }

  /**
   * Adds many, or changes their roles, in one write for up to 1,024 of them. Each has
   * its own result, in the order given, in the form of `Promise.allSettled`; a `reason`
   * is a {@link PlicoError}, as of {@link Group.add}.
   *
   * Errors: as {@link EncryptionSession.grantAll}.
   */
  async addMembers(
    members: readonly NewMember[],
    options?: CallOptions,
  ): Promise<PromiseSettledResult<void>[]> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const all = list(members, "members").map(newMember);
        return this.#native.addMembers(all, cancel).then((results) => results.map(settled));
      },
    );
  }

  /**
   * Removes many and gives the group one new key, in one step. Whoever does not belong
   * to it counts as done. Each has its own result, as with {@link Group.addMembers}.
   *
   * Errors: as {@link EncryptionSession.revokeAll}.
   */
  async removeMembers(
    members: readonly Recipient[],
    options?: RevokeOptions,
  ): Promise<PromiseSettledResult<void>[]> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const cascade = maybe(checked(options).cascade, boolean, "cascade") ?? false;
        const all = list(members, "members").map(nativeRecipient);
        return this.#native
          .removeMembers(all, cascade, cancel)
          .then((results) => results.map(settled));
      },
    );
  }

  /**
   * Leaves the group. The last owner hands over first.
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
   * Makes `recipient` an owner; this account stays `keep`, or leaves.
   *
   * Errors: `NOT_ALLOWED` for whoever is not an owner; as {@link Group.add}.
   */
  async transfer(recipient: Recipient, options?: GroupTransferOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => {
        const keep = maybe(checked(options).keep, role, "keep");
        return this.#native.transfer(nativeRecipient(recipient), keep, cancel);
      },
    );
  }

  /**
   * Gives the group a new key. Removing somebody does it by itself.
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
   * Deletes the group: all others leave, and nobody opens anything through it any
   * more. Sessions that it was in go on without it; their next writer begins an epoch.
   *
   * Errors: `NOT_ALLOWED` for whoever is not an owner.
   */
  async delete(options?: CallOptions): Promise<void> {
    return call(
      this.#addon,
      () => options,
      (cancel) => this.#native.delete(cancel),
    );
  }
}

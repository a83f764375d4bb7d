package org.plico

import org.plico.ffi.GroupHandle
import org.plico.ffi.PlicoGroupMember
import org.plico.ffi.PlicoGroupRole
import org.plico.ffi.RecipientRole
import java.time.Instant

/**
 * What somebody may do in a group. What the group may do in a session, each of its
 * members may do there, whatever their role.
 */
public enum class GroupRole {
    /** Belongs to it. */
    MEMBER,

    /** Adds and removes members, too, and renames the group. */
    MANAGER,

    /** Everything; owners alone act on owners. */
    OWNER,

    ;

    internal fun toCore(): PlicoGroupRole = when (this) {
        MEMBER -> PlicoGroupRole.MEMBER
        MANAGER -> PlicoGroupRole.MANAGER
        OWNER -> PlicoGroupRole.OWNER
    }

    internal companion object {
        fun ofCore(core: PlicoGroupRole): GroupRole = when (core) {
            PlicoGroupRole.MEMBER -> MEMBER
            PlicoGroupRole.MANAGER -> MANAGER
            PlicoGroupRole.OWNER -> OWNER
        }
    }
}

/**
 * Somebody who belongs to a group, as its signed log says.
 *
 * @property who a person, or another group.
 * @property userId the app's own name for a person, if its backend vouches for one.
 * @property role what they may do in the group.
 * @property addedBy the identity that has added them, or changed their role last.
 * @property addedAt since when, by the clock of whoever added them.
 * @property expiresAt until when; null: without end.
 */
public data class GroupMember(
    public val who: MemberId,
    public val userId: String?,
    public val role: GroupRole,
    public val addedBy: String,
    public val addedAt: Instant,
    public val expiresAt: Instant?,
) {
    /** Names no person: the user id is left out. */
    override fun toString(): String = "GroupMember(who=$who, role=$role)"

    internal companion object {
        fun ofCore(core: PlicoGroupMember) = GroupMember(
            MemberId.ofCore(core.who),
            core.userId,
            GroupRole.ofCore(core.role),
            core.addedBy,
            core.addedAt,
            core.expiresAt,
        )
    }
}

/**
 * A group as one account sees it: the ward, the practice. It is a recipient like a
 * person ([Recipient.group]); who belongs to it changes without touching a session.
 *
 * Any call may fail with [ErrorCode.GROUP_NOT_FOUND], and as those of [Account]; below
 * are the others.
 */
public class Group private constructor(
    private val handle: GroupHandle,
    private val causes: Causes,
) {
    /** The group's id: 43 characters of base64url. */
    public val id: String = handle.id()

    /** Asks the directory for what is new. */
    public suspend fun refresh() {
        call(causes) { handle.refresh(null) }
    }

    /**
     * Its name; null if it has none.
     *
     * @throws PlicoException [ErrorCode.EPOCH_UNAVAILABLE] for whoever does not belong to it.
     */
    public suspend fun name(): String? = call(causes) { handle.name(null) }

    /**
     * Gives it another name, of at most 4,096 bytes of UTF-8.
     *
     * @throws PlicoException [ErrorCode.NOT_ALLOWED] for plain members; [ErrorCode.TOO_LARGE].
     */
    public suspend fun rename(name: String) {
        call(causes) { handle.rename(name, null) }
    }

    /** Who belongs to it: people and groups, as its signed log says. */
    public suspend fun members(): List<GroupMember> = call(causes) { handle.members(null) }.map(GroupMember::ofCore)

    /**
     * Adds somebody, or all of another group, or changes their role. All that the group
     * may open they may open from now on, and no session is touched for it; unless the
     * group was made "from now on".
     *
     * @param expiresAt until when they belong to it; null: without end.
     * @throws PlicoException [ErrorCode.NOT_ALLOWED] for plain members, for a role above one's
     *   own, and for an owner with an end; [ErrorCode.ENTRY_INVALID] for a group that contains
     *   this one, too deep nesting, or an end in the past; [ErrorCode.RECIPIENTS_NOT_FOUND];
     *   [ErrorCode.INVALID_ARGUMENT] for this account itself.
     */
    public suspend fun add(recipient: Recipient, role: GroupRole = GroupRole.MEMBER, expiresAt: Instant? = null) {
        call(causes) { handle.add(recipient.toCore(), role.toCore(), expiresAt, null) }
    }

    /**
     * Removes somebody and gives the group a new key, in one step. They open nothing
     * that is wrapped to the group from now on; sessions are due, and their next writer
     * begins an epoch without them. What they could open before, they may have kept.
     *
     * @param cascade whether those fall with them whom they had added; otherwise they
     *   stay, and this account answers for them.
     * @throws PlicoException [ErrorCode.NOT_ALLOWED] for plain members, and for an owner unless
     *   by an owner; [ErrorCode.INVALID_ARGUMENT] for whoever does not belong to it.
     */
    public suspend fun remove(recipient: Recipient, cascade: Boolean = false) {
        call(causes) { handle.remove(recipient.toCore(), cascade, null) }
    }

    /**
     * Adds many, or changes their roles, in one write for up to 1,024 of them.
     *
     * @return one result for each, in this order; the failures are [PlicoException]s, as
     *   those of [add].
     * @throws PlicoException as [EncryptionSession.grantAll].
     */
    public suspend fun addMembers(members: Map<Recipient, GroupRole>): List<Result<Unit>> {
        val watch = causes.watch()
        val all = members.map { (who, role) -> RecipientRole(who.toCore(), role.toCore()) }
        return call(causes) { handle.addMembers(all, null) }.told(watch)
    }

    /**
     * Removes many and gives the group one new key, in one step. Whoever does not belong to
     * it counts as done.
     *
     * @param cascade whether those fall with them whom they had added.
     * @return one result for each, in this order; the failures are [PlicoException]s, as
     *   those of [remove].
     * @throws PlicoException as [EncryptionSession.revokeAll].
     */
    public suspend fun removeMembers(members: List<Recipient>, cascade: Boolean = false): List<Result<Unit>> {
        val watch = causes.watch()
        return call(causes) { handle.removeMembers(members.map { it.toCore() }, cascade, null) }.told(watch)
    }

    /**
     * Leaves the group. The last owner hands over first.
     *
     * @throws PlicoException [ErrorCode.NOT_ALLOWED] for the last owner.
     */
    public suspend fun leave() {
        call(causes) { handle.leave(null) }
    }

    /**
     * Makes `recipient` an owner.
     *
     * @param keep what this account stays; null: it leaves.
     * @throws PlicoException [ErrorCode.NOT_ALLOWED] for whoever is not an owner; as [add].
     */
    public suspend fun transfer(recipient: Recipient, keep: GroupRole? = null) {
        call(causes) { handle.transfer(recipient.toCore(), keep?.toCore(), null) }
    }

    /**
     * Gives the group a new key. Removing somebody does it by itself.
     *
     * @throws PlicoException [ErrorCode.CONFLICT] after many lost races.
     */
    public suspend fun rotate() {
        call(causes) { handle.rotate(null) }
    }

    /**
     * Deletes the group: all others leave, and nobody opens anything through it any
     * more. Sessions that it was in go on without it; their next writer begins an epoch.
     *
     * @throws PlicoException [ErrorCode.NOT_ALLOWED] for whoever is not an owner.
     */
    public suspend fun delete() {
        call(causes) { handle.delete(null) }
    }

    override fun toString(): String = "Group($id)"

    internal companion object {
        fun of(handle: GroupHandle, causes: Causes) = Group(handle, causes)
    }
}

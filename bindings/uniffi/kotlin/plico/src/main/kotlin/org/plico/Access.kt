package org.plico

import org.plico.ffi.PlicoAccess
import org.plico.ffi.PlicoAccessEnd
import org.plico.ffi.PlicoAccessList
import org.plico.ffi.PlicoFormerAccess
import java.time.Instant

/**
 * One way by which a person may read, or a group that leads to some.
 *
 * @property who a person, or a group.
 * @property userId the app's own name for a person, if its backend vouches for one.
 * @property path the ids of the groups by which it came, the session's own recipient
 *   first; empty: by a grant of its own.
 * @property rights what the grant allows in the session; in a group, what the group
 *   was granted.
 * @property grantedBy the identity that has signed the grant, or the membership.
 * @property grantedByUserId the app's own name for it.
 * @property grantedAt since when, by their clock.
 * @property expiresAt until when, by the earliest end on the path; null: without end.
 * @property withdrawn whether the tenant's operator has suspended it, or a group on the
 *   path, as the directory says. Nobody has signed that; the grant itself stands.
 */
public data class Access(
    public val who: MemberId,
    public val userId: String?,
    public val path: List<String>,
    public val rights: Rights,
    public val grantedBy: String,
    public val grantedByUserId: String?,
    public val grantedAt: Instant,
    public val expiresAt: Instant?,
    public val withdrawn: Boolean,
) {
    /** Names no person: user ids are left out. */
    override fun toString(): String = "Access(who=$who, path=$path, rights=$rights)"

    internal companion object {
        fun ofCore(core: PlicoAccess) = Access(
            MemberId.ofCore(core.who),
            core.userId,
            core.path,
            Rights.ofCore(core.rights),
            core.grantedBy,
            core.grantedByUserId,
            core.grantedAt,
            core.expiresAt,
            core.withdrawn,
        )
    }
}

/** Why a right has ended. */
public enum class AccessEnd {
    /** It was revoked. */
    REVOKED,

    /** Whoever had granted it was revoked, with all below them. */
    CASCADE,

    /** It left, or handed over. */
    LEFT,

    /** Its time was over. */
    EXPIRED,

    ;

    internal companion object {
        fun ofCore(core: PlicoAccessEnd): AccessEnd = when (core) {
            PlicoAccessEnd.REVOKED -> REVOKED
            PlicoAccessEnd.CASCADE -> CASCADE
            PlicoAccessEnd.LEFT -> LEFT
            PlicoAccessEnd.EXPIRED -> EXPIRED
        }
    }
}

/**
 * Somebody who had rights of their own once, and has none now.
 *
 * @property who a person, or a group.
 * @property userId the app's own name for a person.
 * @property cause why.
 * @property by the identity that has signed it.
 * @property at when, by their clock.
 */
public data class FormerAccess(
    public val who: MemberId,
    public val userId: String?,
    public val cause: AccessEnd,
    public val by: String,
    public val at: Instant,
) {
    /** Names no person: the user id is left out. */
    override fun toString(): String = "FormerAccess(who=$who, cause=$cause)"

    internal companion object {
        fun ofCore(core: PlicoFormerAccess) =
            FormerAccess(MemberId.ofCore(core.who), core.userId, AccessEnd.ofCore(core.cause), core.by, core.at)
    }
}

/**
 * Who may read a session; see [EncryptionSession.whoMayRead].
 *
 * @property mayRead everybody, and the groups in between, in the order of a tree.
 * @property former those who no longer may by a grant of their own, in the order in
 *   which they left.
 * @property asOf when the directory was asked, by this device's clock.
 */
public class AccessList private constructor(
    public val mayRead: List<Access>,
    public val former: List<FormerAccess>,
    public val asOf: Instant,
    private val tree: String,
) {
    /**
     * All of it as text for people, a line each, indented by the path. It has names in
     * it: not for logs.
     */
    public fun toTree(): String = tree

    /** Names no person: see [toTree]. */
    override fun toString(): String = "AccessList(mayRead=${mayRead.size}, former=${former.size}, asOf=$asOf)"

    internal companion object {
        fun ofCore(core: PlicoAccessList) =
            AccessList(core.mayRead.map(Access::ofCore), core.former.map(FormerAccess::ofCore), core.asOf, core.tree)
    }
}

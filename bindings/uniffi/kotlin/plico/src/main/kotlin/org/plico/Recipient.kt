package org.plico

import org.plico.ffi.PlicoGrant
import org.plico.ffi.PlicoMemberId
import org.plico.ffi.PlicoRecipient
import org.plico.ffi.PlicoRights
import java.time.Instant

/** Who is meant: somebody by the app's own name, an identity, or all who are in a group. */
public class Recipient private constructor(
    private val userId: String?,
    private val identityId: String?,
    private val groupId: String?,
) {
    internal fun toCore(): PlicoRecipient = when {
        userId != null -> PlicoRecipient.User(userId)
        groupId != null -> PlicoRecipient.Group(groupId)
        else -> PlicoRecipient.Identity(identityId.orEmpty())
    }

    override fun equals(other: Any?): Boolean =
        other is Recipient && other.userId == userId && other.identityId == identityId && other.groupId == groupId

    override fun hashCode(): Int = listOf(userId, identityId, groupId).hashCode()

    /** Names no person: a user id is left out. */
    override fun toString(): String = "Recipient(${groupId?.let { "group $it" } ?: identityId ?: ".."})"

    public companion object {
        /** Whoever the app's backend vouches for under this user id, 1 to 256 bytes of UTF-8. */
        public fun user(userId: String): Recipient = Recipient(userId, null, null)

        /** This identity: 43 characters of base64url. */
        public fun identity(identityId: String): Recipient = Recipient(null, identityId, null)

        /** All who are in this group, now and later: 43 characters of base64url. */
        public fun group(groupId: String): Recipient = Recipient(null, null, groupId)
    }
}

/** A person or a service, or a group, by its id. */
public sealed class MemberId {
    /** 43 characters of base64url. */
    public abstract val id: String

    /** The same, to be given to a call. */
    public fun toRecipient(): Recipient = when (this) {
        is Identity -> Recipient.identity(id)
        is Group -> Recipient.group(id)
    }

    /** A person, or a service. */
    public data class Identity(override val id: String) : MemberId()

    /** All who are in this group. */
    public data class Group(override val id: String) : MemberId()

    internal companion object {
        fun ofCore(core: PlicoMemberId): MemberId =
            core.groupId?.let { Group(it) } ?: Identity(core.identityId.orEmpty())
    }
}

/**
 * What a recipient may do. Everybody who has rights may read.
 *
 * @property forward may grant what it has itself.
 * @property revoke may take rights away from anybody but owners.
 * @property owner may do everything; the others say nothing then.
 */
public data class Rights(
    public val forward: Boolean = false,
    public val revoke: Boolean = false,
    public val owner: Boolean = false,
) {
    internal fun toCore() = PlicoRights(forward, revoke, owner)

    public companion object {
        /** Open what is encrypted in the session. */
        public val READ: Rights = Rights()

        /** Everything. */
        public val OWNER: Rights = Rights(forward = true, revoke = true, owner = true)

        internal fun ofCore(core: PlicoRights) = Rights(core.forward, core.revoke, core.owner)
    }
}

/**
 * What is granted.
 *
 * @property rights what the recipient may do.
 * @property expiresAt when it ends, to the millisecond; null: not by itself. The
 *   directory stops serving then, and the next writer locks out; what was opened
 *   before can't be taken back. An end in the past is refused.
 */
public data class Grant(
    public val rights: Rights = Rights.READ,
    public val expiresAt: Instant? = null,
) {
    internal fun toCore() = PlicoGrant(rights.toCore(), expiresAt)
}

/**
 * One recipient of a session, as its verified history says.
 *
 * @property identityId who: 43 characters of base64url.
 * @property userId the app's own name for it, if its backend vouches for one.
 * @property rights what it may do.
 * @property grantedBy the identity that granted it.
 * @property grantedAt since when, by the grantor's clock.
 * @property expiresAt until when; null: without end.
 */
public data class RecipientInfo(
    public val identityId: String,
    public val userId: String?,
    public val rights: Rights,
    public val grantedBy: String,
    public val grantedAt: Instant,
    public val expiresAt: Instant?,
) {
    /** Names no person: the user id is left out. */
    override fun toString(): String = "RecipientInfo(identityId=$identityId, rights=$rights)"
}

package org.plico

import org.plico.ffi.PlicoOpenedSealed
import org.plico.ffi.PlicoSealedItem
import org.plico.ffi.SealCall
import org.plico.ffi.ServiceHandle

/**
 * What the app's backend must sign for [Plico.service]: a token with `typ` =
 * `plico-service+jwt`, `aud` = the tenant's id, `plico_use` = `read-keys`, `iat`, and
 * `exp` at most 300 seconds later.
 *
 * @property tenantId the tenant: the token's `aud`.
 */
public data class ServiceTokenRequest(public val tenantId: String)

/**
 * What [Service.sealFor] made.
 *
 * @property bytes to be stored or sent, and opened by [Account.openSealed].
 * @property missing with [OnMissing.SKIP]: the user ids that have no account and were left
 *   out. Empty otherwise.
 */
public class SealedItem private constructor(
    public val bytes: ByteArray,
    public val missing: List<String>,
) {
    /** Names no person: the user ids are left out. */
    override fun toString(): String = "SealedItem(${bytes.size} bytes, ${missing.size} user ids missing)"

    internal companion object {
        fun ofCore(core: PlicoSealedItem) = SealedItem(core.bytes, core.missing)
    }
}

/**
 * What was in a sealed item; see [Account.openSealed].
 *
 * @property data the plaintext.
 * @property recipients all for whom it was sealed. Nobody can have added or taken away one
 *   of them without being able to open it.
 * @property openedAs as whom this account has opened it: itself, or a group that it is in.
 */
public class OpenedSealed private constructor(
    public val data: ByteArray,
    public val recipients: List<MemberId>,
    public val openedAs: MemberId,
) {
    /**
     * Who wrote it: [WrittenBy.Unsigned], always. Everybody who knows the recipients' public
     * keys can have made it; nothing in it says who did.
     */
    public val writtenBy: WrittenBy get() = WrittenBy.Unsigned

    /** Without the plaintext. */
    override fun toString(): String = "OpenedSealed(${data.size} bytes, ${recipients.size} recipients)"

    internal companion object {
        fun ofCore(core: PlicoOpenedSealed) =
            OpenedSealed(core.data, core.recipients.map(MemberId::ofCore), MemberId.ofCore(core.openedAs))
    }
}

/**
 * A program of the app's backend that seals for others, without an identity and without a
 * session: it has no private key, so it can't read what it has sealed. From
 * [Plico.service]. Keep one for the life of the process: what it has seen of chains and
 * user ids, it holds the directory to.
 */
public class Service private constructor(
    private val handle: ServiceHandle,
    private val causes: Causes,
) : AutoCloseable {
    /**
     * Seals bytes for `recipients`, 1 to 256 user ids, identities and groups, under their
     * newest keys as the directory shows them now, each verified as an account would. The
     * length of the bytes is padded.
     *
     * Who can open it is fixed with this call. It names nobody as its writer: whoever knows
     * the recipients' public keys, and that is everybody in the tenant, can make one. There
     * is no grant and no revocation afterwards.
     *
     * @param context the place that the item belongs to, needed again to open.
     * @throws PlicoException [ErrorCode.RECIPIENTS_NOT_FOUND] with those who have no account;
     *   [ErrorCode.IDENTITY_NOT_FOUND], [ErrorCode.GROUP_NOT_FOUND];
     *   [ErrorCode.INVALID_ARGUMENT] for no recipient at all, or one that is named twice;
     *   [ErrorCode.TOO_LARGE] for more than 256; [ErrorCode.ENROLMENT_FAILED] if the app's
     *   token function throws, with the exception as its cause;
     *   [ErrorCode.ENROLMENT_INVALID] or [ErrorCode.ENROLMENT_EXPIRED] for its token;
     *   [ErrorCode.NETWORK]; [ErrorCode.IDENTITY_CHANGED], [ErrorCode.ATTESTATION_INVALID] and
     *   whatever else a lying directory is caught with.
     */
    public suspend fun sealFor(
        recipients: List<Recipient>,
        data: ByteArray,
        context: Context? = null,
        onMissing: OnMissing = OnMissing.FAIL,
        suite: Suite = Suite.CHACHA20_POLY1305,
    ): SealedItem {
        val options = SealCall(context?.core, onMissing == OnMissing.SKIP, suite.number)
        return SealedItem.ofCore(call(causes) { handle.sealFor(recipients.map { it.toCore() }, data, options, null) })
    }

    /**
     * Accepts that another identity stands behind `userId` from now on, if the app's backend
     * vouches for it: see [Account.acceptIdentityChange].
     *
     * @return the id of the identity that is trusted from now on.
     */
    public suspend fun acceptIdentityChange(userId: String): String =
        call(causes) { handle.acceptIdentityChange(userId, null) }

    /** Whatever is called afterwards fails with [ErrorCode.CLOSED]. Closing twice is nothing new. */
    override fun close() {
        handle.shut()
    }

    internal companion object {
        fun of(handle: ServiceHandle, causes: Causes) = Service(handle, causes)
    }
}

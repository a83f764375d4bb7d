package org.plico

import org.plico.ffi.NewSession

/** What happens with recipients that have no account. */
public enum class OnMissing {
    /** Nothing is done, and the error lists them: [ErrorCode.RECIPIENTS_NOT_FOUND]. */
    FAIL,

    /** They are left out, and [EncryptionSession.missingRecipients] lists them. */
    SKIP,
}

/**
 * What a session is made with.
 *
 * @property recipients what each recipient may do, and until when.
 * @property onMissing what happens with recipients that have no account.
 * @property suite the cipher.
 * @property expiry until when it lasts; see [EncryptionSession.setExpiry].
 * @property tag by which it is found, which the directory can read; see
 *   [EncryptionSession.setTag].
 * @property metadata what is kept beside it, encrypted; see [EncryptionSession.setMetadata].
 */
public class SessionOptions(
    public val recipients: Map<Recipient, Grant>,
    public val onMissing: OnMissing = OnMissing.FAIL,
    public val suite: Suite = Suite.CHACHA20_POLY1305,
    public val expiry: Expiry = Expiry.NEVER,
    public val tag: String? = null,
    public val metadata: ByteArray? = null,
) {
    /** For recipients who may read. */
    public constructor(vararg recipients: Recipient) : this(recipients.associateWith { Grant() })

    /** Names no person, and holds neither tag nor metadata. */
    override fun toString(): String = "SessionOptions(${recipients.size} recipients)"

    internal fun toCore() =
        NewSession(recipients.toCore(), onMissing == OnMissing.SKIP, suite.number, expiry.toCore(), tag, metadata)
}

/** The cipher of everything that a session will hold. */
public enum class Suite(internal val number: UByte) {
    /** The default. */
    CHACHA20_POLY1305(1u),

    /** For hardware that has it, and for auditors who ask. */
    AES_256_GCM(2u),
}

/**
 * Is told how far a file is, `done` of `total` bytes of plaintext: after each
 * chunk of 16 KiB, on a thread of Plico's, so it must be quick. What it throws
 * is ignored.
 */
public fun interface ProgressListener {
    /** `done` of `total` bytes. */
    public fun onProgress(done: Long, total: Long)
}

/**
 * How one session was brought up to date.
 *
 * @property sessionId the session.
 * @property code the [ErrorCode] of what failed; null: it is there.
 */
public data class Prefetched(public val sessionId: String, public val code: String?)

/**
 * What the app's backend must vouch for.
 *
 * @property identityId the new identity, which goes into the enrolment token.
 */
public data class EnrolmentRequest(public val identityId: String)

package org.plico

/** What happens with recipients that have no account. */
public enum class OnMissing {
    /** Nothing is done, and the error lists them: [ErrorCode.RECIPIENTS_NOT_FOUND]. */
    FAIL,

    /** They are left out, and [EncryptionSession.missingRecipients] lists them. */
    SKIP,
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

package org.plico

import org.plico.ffi.PlicoSignedEnvelope
import org.plico.ffi.PlicoSignedOpened
import org.plico.ffi.PlicoWriter
import java.time.Instant

/**
 * An envelope, and who says to have written it.
 *
 * @property envelope the envelope, as [EncryptionSession.encrypt] makes it.
 * @property signature the signature of the writer's device over envelope, context and
 *   session: 183 bytes, to be kept beside the envelope.
 */
public class SignedEnvelope private constructor(
    public val envelope: ByteArray,
    public val signature: ByteArray,
) {
    override fun toString(): String = "SignedEnvelope(${envelope.size} bytes)"

    internal companion object {
        fun ofCore(core: PlicoSignedEnvelope) = SignedEnvelope(core.envelope, core.signature)
    }
}

/** Who wrote an envelope. */
public sealed class WrittenBy {
    /** Whoever could read the session then: nobody has signed. */
    public data object Unsigned : WrittenBy()

    /**
     * This person, on this device; verified.
     *
     * @property identityId who.
     * @property userId the app's own name for them, if its backend vouches for one.
     * @property deviceId on which device, which was not revoked at that place of their
     *   history.
     * @property at when, by their clock.
     */
    public data class Signed(
        public val identityId: String,
        public val userId: String?,
        public val deviceId: String,
        public val at: Instant,
    ) : WrittenBy() {
        /** Names no person: the user id is left out. */
        override fun toString(): String = "Signed(identityId=$identityId, deviceId=$deviceId, at=$at)"
    }

    internal companion object {
        fun ofCore(core: PlicoWriter?): WrittenBy =
            core?.let { Signed(it.identityId, it.userId, it.deviceId, it.at) } ?: Unsigned
    }
}

/**
 * What was in an envelope, and who wrote it.
 *
 * @property content the content.
 * @property writtenBy who wrote it.
 */
public class DecryptedSigned private constructor(
    public val content: Decrypted,
    public val writtenBy: WrittenBy,
) {
    /** Without the plaintext, and without a name. */
    override fun toString(): String = "DecryptedSigned(content=$content, writtenBy=$writtenBy)"

    internal companion object {
        fun ofCore(core: PlicoSignedOpened) =
            DecryptedSigned(Decrypted.ofCore(core.content), WrittenBy.ofCore(core.writer))
    }
}

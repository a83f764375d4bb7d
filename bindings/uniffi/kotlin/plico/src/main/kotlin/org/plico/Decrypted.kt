package org.plico

import org.plico.ffi.Opened
import java.time.Instant

/**
 * What was in an envelope.
 *
 * @property data the plaintext.
 * @property sessionId the session that it was encrypted in.
 * @property writtenOffline whether the writer was offline, and said so: somebody
 *   who had been revoked shortly before may be able to read it, too.
 * @property knownAt when the directory was last asked about the session, by this
 *   device's clock: older than the freshness bound if it could not be reached.
 */
public class Decrypted internal constructor(
    public val data: ByteArray,
    public val sessionId: String,
    public val writtenOffline: Boolean,
    public val knownAt: Instant,
) {
    /** Without the plaintext. */
    override fun toString(): String = "Decrypted(sessionId=$sessionId, writtenOffline=$writtenOffline)"

    internal companion object {
        fun ofCore(core: Opened) = Decrypted(core.data, core.sessionId, core.writtenOffline, core.knownAt)
    }
}

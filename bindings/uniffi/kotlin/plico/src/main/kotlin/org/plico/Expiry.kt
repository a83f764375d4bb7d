package org.plico

import org.plico.ffi.PlicoExpiry
import java.time.Duration
import java.time.Instant

/**
 * Until when a session lasts; see [EncryptionSession.setExpiry]. With both, whatever comes
 * first.
 *
 * @property at it ends then, to the millisecond; null: at no fixed time.
 * @property afterIdle it ends when nobody has used it for so long, at least a minute;
 *   null: however long that is.
 */
public data class Expiry(
    public val at: Instant? = null,
    public val afterIdle: Duration? = null,
) {
    internal fun toCore() = PlicoExpiry(at, afterIdle?.let(::checked))

    public companion object {
        /** Without end. */
        public val NEVER: Expiry = Expiry()

        internal fun ofCore(core: PlicoExpiry) = Expiry(core.at, core.afterIdle)
    }
}

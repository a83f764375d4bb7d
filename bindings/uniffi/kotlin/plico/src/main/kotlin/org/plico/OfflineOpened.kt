package org.plico

import org.plico.ffi.PlicoOfflineOpened
import java.time.Instant

/**
 * What an offline file held; see [Plico.openOfflineFile].
 *
 * @property content the content.
 * @property asOf when the directory signed what the file says. What has changed
 *   since, say a revocation, no file can tell.
 */
public class OfflineOpened internal constructor(
    public val content: Decrypted,
    public val asOf: Instant,
) {
    /** Without the plaintext. */
    override fun toString(): String = "OfflineOpened(content=$content, asOf=$asOf)"

    internal companion object {
        fun ofCore(core: PlicoOfflineOpened) = OfflineOpened(Decrypted.ofCore(core.content), core.asOf)
    }
}

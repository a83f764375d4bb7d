package org.plico

import org.plico.ffi.PlicoBackupStatus
import java.time.Instant

/**
 * What there is of a backup; see [Account.backups].
 *
 * @property passphrase whether it is under a passphrase; otherwise under a host's
 *   secret.
 * @property stored when it was stored, by the directory's word.
 */
public data class BackupStatus(
    public val passphrase: Boolean,
    public val stored: Instant,
) {
    internal companion object {
        fun ofCore(core: PlicoBackupStatus) = BackupStatus(core.passphrase, core.stored)
    }
}

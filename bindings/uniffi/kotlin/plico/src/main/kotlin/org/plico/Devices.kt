package org.plico

import org.plico.ffi.PlicoDeviceInfo
import org.plico.ffi.PlicoFileKey
import java.time.Instant

/**
 * One device of an identity: what its verified history says, and two notes of the
 * directory's.
 *
 * @property id the device: 43 characters of base64url.
 * @property isThis whether it is the one that asks.
 * @property added when it was added, by the clock of the device that added it.
 * @property revoked whether it was revoked: it signs nothing more, and opens
 *   nothing new.
 * @property byRecovery whether the recovery key has added it.
 * @property name the name that one of the own devices has given it, if any; see
 *   [Account.nameDevice]. A person's own word: [toString] leaves it out.
 * @property lastSeen when it sent a request last, to the hour, by the directory's
 *   word; null: not known.
 */
public data class DeviceInfo(
    public val id: String,
    public val isThis: Boolean,
    public val added: Instant,
    public val revoked: Boolean,
    public val byRecovery: Boolean = false,
    public val name: String? = null,
    public val lastSeen: Instant? = null,
) {
    /** Without the name. */
    override fun toString(): String = "DeviceInfo(id=$id, isThis=$isThis, added=$added, revoked=$revoked, " +
        "byRecovery=$byRecovery, lastSeen=$lastSeen)"

    internal companion object {
        fun ofCore(core: PlicoDeviceInfo) = DeviceInfo(
            core.id,
            core.isThis,
            core.added,
            core.revoked,
            core.byRecovery,
            core.name,
            core.lastSeen,
        )
    }
}

/** What protects an identity file or a backup; see [Account.exportIdentity] and [Account.storeBackup]. */
public sealed class FileKey {
    internal abstract fun toCore(): PlicoFileKey

    /** Says nothing: it is a secret. */
    final override fun toString(): String = "FileKey(..)"

    /**
     * Something that a person remembers or has written down, of at least 12
     * characters; better, one from [generatePassphrase]. Trying one takes some
     * tenths of a second and 64 MiB of memory. It is taken as it is, without
     * Unicode normalisation.
     */
    public class Passphrase(private val text: String) : FileKey() {
        override fun toCore(): PlicoFileKey = PlicoFileKey.Passphrase(text)
    }

    /**
     * 32 uniformly random bytes that the app keeps elsewhere, such as a passkey's PRF
     * output or a secret in the platform's key storage. Not copied before it is used:
     * wipe the array when the call has ended.
     */
    public class HostSecret(private val bytes: ByteArray) : FileKey() {
        override fun toCore(): PlicoFileKey = PlicoFileKey.HostSecret(bytes)
    }

    public companion object {
        /**
         * A passphrase of 100 random bits: 20 characters of Crockford's base 32 (no
         * I, L, O or U) in groups of five, 23 with the hyphens.
         */
        public fun generatePassphrase(): String = immediate { org.plico.ffi.generatePassphrase() }
    }
}

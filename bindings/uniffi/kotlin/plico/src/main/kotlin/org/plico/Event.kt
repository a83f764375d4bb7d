package org.plico

import org.plico.ffi.PlicoEvent
import java.time.Instant

/** Something that the app may want to show its user, or act upon. New kinds may come. */
public sealed class Event {
    /** The first answer from a directory that could not be reached before. */
    public data object Online : Event()

    /** The directory can't be reached. */
    public data object Offline : Event()

    /** Another identity, [identityId], stands behind a known user id. */
    public data class IdentityChanged(public val identityId: String) : Event()

    /** The account's identity has one more device. */
    public data class NewDevice(public val identityId: String) : Event()

    /** A device of the account's identity was revoked. */
    public data class DeviceRevoked(public val identityId: String) : Event()

    /**
     * The account's own user key will soon be as old as the tenant allows, within 14
     * days; then, from [at] on, the next device that sees its chain renews it.
     */
    public data class KeyRenewalNear(public val identityId: String, public val at: Instant) : Event()

    /**
     * The recovery key of the account's own identity was used. If it was not its owner
     * who did it, somebody else has the words.
     */
    public data class RecoveryUsed(public val identityId: String) : Event()

    /** The directory shows another history than before. [chainId] is 64 hexadecimal digits. */
    public data class ForkSeen(public val chainId: String) : Event()

    /** The directory shows less than before. [chainId] is 64 hexadecimal digits. */
    public data class HistoryShortened(public val chainId: String) : Event()

    /**
     * What a restored directory had lost, [entries] entries, was handed back.
     * [chainId] is 64 hexadecimal digits.
     */
    public data class HandedBack(public val chainId: String, public val entries: Long) : Event()

    /** A new [epoch] was begun because one was due. */
    public data class EpochBegun(public val sessionId: String, public val epoch: Long) : Event()

    /** The account's access to a session has ended. */
    public data class AccessEnded(public val sessionId: String) : Event()

    /**
     * The directory says, and nobody has signed it, that the tenant's operator has withdrawn
     * a recipient of a session or group. The next writer leaves them out.
     */
    public data class RecipientWithdrawn(public val sessionId: String) : Event()

    /** And that a withdrawal was lifted: they are taken in again. */
    public data class WithdrawalLifted(public val sessionId: String) : Event()

    /** A write whose outcome was unknown is settled: it has taken place if [done]. */
    public data class Settled(public val sessionId: String, public val done: Boolean) : Event()

    /** The device's clock and the directory's differ: the directory's less the device's, in milliseconds. */
    public data class ClockSkewed(public val offsetMs: Long) : Event()

    internal companion object {
        fun ofCore(event: PlicoEvent): Event = when (event) {
            is PlicoEvent.Online -> Online
            is PlicoEvent.Offline -> Offline
            is PlicoEvent.IdentityChanged -> IdentityChanged(event.identityId)
            is PlicoEvent.NewDevice -> NewDevice(event.identityId)
            is PlicoEvent.DeviceRevoked -> DeviceRevoked(event.identityId)
            is PlicoEvent.KeyRenewalNear ->
                KeyRenewalNear(event.identityId, Instant.ofEpochMilli(event.atMs.toLong()))
            is PlicoEvent.RecoveryUsed -> RecoveryUsed(event.identityId)
            is PlicoEvent.ForkSeen -> ForkSeen(hex(event.chain))
            is PlicoEvent.HistoryShortened -> HistoryShortened(hex(event.chain))
            is PlicoEvent.HandedBack -> HandedBack(hex(event.chain), event.entries.toLong())
            is PlicoEvent.EpochBegun -> EpochBegun(event.sessionId, event.epoch.toLong())
            is PlicoEvent.AccessEnded -> AccessEnded(event.sessionId)
            is PlicoEvent.RecipientWithdrawn -> RecipientWithdrawn(event.sessionId)
            is PlicoEvent.WithdrawalLifted -> WithdrawalLifted(event.sessionId)
            is PlicoEvent.Settled -> Settled(event.sessionId, event.done)
            is PlicoEvent.ClockSkewed -> ClockSkewed(event.offsetMs)
        }

        private fun hex(bytes: ByteArray) = bytes.joinToString("") { "%02x".format(it) }
    }
}

/** How much a line of the log matters. */
public enum class LogLevel {
    /** For whoever looks for a fault. */
    DEBUG,

    /** What goes on. */
    INFO,

    /** Something that should not be. */
    WARNING,
}

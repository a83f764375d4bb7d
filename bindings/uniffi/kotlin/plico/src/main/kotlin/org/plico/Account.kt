package org.plico

import org.plico.ffi.AccountHandle
import org.plico.ffi.FileCall
import org.plico.ffi.NewGroup
import org.plico.ffi.NewSession
import org.plico.ffi.RecipientGrant
import org.plico.ffi.RecipientRole
import java.nio.file.Path
import java.time.Duration
import java.time.Instant

/**
 * An identity's account on this device: its private keys, and what it knows of
 * sessions. From [Plico.account]. It may be used from many coroutines at once.
 *
 * Any call may fail with [ErrorCode.NETWORK], [ErrorCode.OFFLINE], the codes of
 * the store, and whatever a lying directory is caught with; below are the others.
 */
public class Account private constructor(
    private val handle: AccountHandle,
    private val causes: Causes,
) : ManySessions(handle, causes),
    AutoCloseable {
    /** The identity, 43 characters of base64url; null before [register] and after [close]. */
    public val identityId: String? get() = handle.identityId()

    /** This device, 43 characters of base64url; null before it is registered and after [close]. */
    public val deviceId: String? get() = handle.deviceId()

    /**
     * Makes this account's identity, if there is none: its keys are made here and
     * never leave the device unencrypted. Called again under the same user id, it
     * gives the same identity, and asks nobody.
     *
     * @param userId the app's own name for the person, 1 to 256 bytes of UTF-8.
     * @param enrolment asks the app's backend for an enrolment token for the new
     *   identity, over the app's own connection. It may block.
     * @return the identity's id.
     * @throws PlicoException [ErrorCode.ENROLMENT_FAILED] if [enrolment] throws, with the
     *   exception as its cause; [ErrorCode.ENROLMENT_INVALID], [ErrorCode.ENROLMENT_EXPIRED],
     *   [ErrorCode.USER_ID_TAKEN], [ErrorCode.ALREADY_REGISTERED], [ErrorCode.INVALID_ARGUMENT].
     */
    public suspend fun register(userId: String, enrolment: suspend (EnrolmentRequest) -> String): String {
        val thrown = LastThrown()
        return call(causes.withEnrolment(thrown)) { handle.register(userId, HostedEnrolment(enrolment, thrown), null) }
    }

    /**
     * Makes a session whose owner is this account, and whose recipients may read.
     *
     * @throws PlicoException [ErrorCode.RECIPIENTS_NOT_FOUND] with those who have no account;
     *   [ErrorCode.NOT_REGISTERED], [ErrorCode.IDENTITY_CHANGED], [ErrorCode.INVALID_ARGUMENT].
     */
    public suspend fun createSession(
        vararg recipients: Recipient,
        onMissing: OnMissing = OnMissing.FAIL,
        suite: Suite = Suite.CHACHA20_POLY1305,
    ): EncryptionSession = create(recipients.map { it to Grant() }, onMissing, suite)

    /** The same with what each recipient may do, and until when. */
    public suspend fun createSession(
        recipients: Map<Recipient, Grant>,
        onMissing: OnMissing = OnMissing.FAIL,
        suite: Suite = Suite.CHACHA20_POLY1305,
    ): EncryptionSession = create(recipients.toList(), onMissing, suite)

    private suspend fun create(
        recipients: List<Pair<Recipient, Grant>>,
        onMissing: OnMissing,
        suite: Suite,
    ): EncryptionSession {
        val grants = recipients.map { (recipient, grant) -> RecipientGrant(recipient.toCore(), grant.toCore()) }
        return make(NewSession(grants, onMissing == OnMissing.SKIP, suite.number, null, null, null))
    }

    /** The same with an end, a tag or metadata from the beginning. */
    public suspend fun createSession(options: SessionOptions): EncryptionSession = make(options.toCore())

    private suspend fun make(options: NewSession) =
        EncryptionSession.of(call(causes) { handle.createSession(options, null) }, causes)

    /**
     * The session with this id, 43 characters of base64url. Nothing is asked yet:
     * whether it exists, its first call says.
     *
     * @throws PlicoException [ErrorCode.INVALID_ARGUMENT] if this is not an id.
     */
    public fun session(sessionId: String): EncryptionSession =
        EncryptionSession.of(immediate { handle.session(sessionId) }, causes)

    /**
     * The session that an envelope, or its first 26 bytes, belongs to.
     *
     * @throws PlicoException [ErrorCode.NOT_AN_ENVELOPE]; [ErrorCode.SESSION_NOT_FOUND] if this
     *   account never was a recipient.
     */
    public suspend fun sessionOf(envelope: ByteArray): EncryptionSession =
        EncryptionSession.of(call(causes) { handle.sessionOf(envelope, null) }, causes)

    /**
     * Opens an envelope of any session.
     *
     * @throws PlicoException as [EncryptionSession.decrypt].
     */
    public suspend fun decrypt(envelope: ByteArray, context: Context? = null): Decrypted =
        Decrypted.ofCore(call(causes) { handle.decrypt(envelope, context?.core, null) })

    /**
     * Opens an envelope of any session, and says who wrote it.
     *
     * @param signature as it was kept beside the envelope; null: there is none, and the
     *   result says so.
     * @throws PlicoException as [EncryptionSession.decryptSigned].
     */
    public suspend fun decryptSigned(
        envelope: ByteArray,
        signature: ByteArray?,
        context: Context? = null,
    ): DecryptedSigned =
        DecryptedSigned.ofCore(call(causes) { handle.decryptSigned(envelope, signature, context?.core, null) })

    /**
     * Opens what [EncryptionSession.encryptText] made in any session.
     *
     * @throws PlicoException as [EncryptionSession.decrypt].
     */
    public suspend fun decryptText(text: String, context: Context? = null): String =
        call(causes) { handle.decryptText(text, context?.core, null) }

    /**
     * Opens what [Service.sealFor] has sealed for this account, or for a group that it is
     * in, directly or through groups. What was sealed under an older key opens, too.
     *
     * @throws PlicoException [ErrorCode.NOT_ALLOWED] if it was sealed for others;
     *   [ErrorCode.WRONG_TENANT], [ErrorCode.NOT_AN_ENVELOPE], [ErrorCode.ENVELOPE_DAMAGED],
     *   [ErrorCode.ENVELOPE_TRUNCATED], [ErrorCode.CONTEXT_REQUIRED],
     *   [ErrorCode.CONTEXT_UNEXPECTED], [ErrorCode.CONTEXT_MISMATCH],
     *   [ErrorCode.NOT_REGISTERED].
     */
    public suspend fun openSealed(sealed: ByteArray, context: Context? = null): OpenedSealed =
        OpenedSealed.ofCore(call(causes) { handle.openSealed(sealed, context?.core, null) })

    /**
     * Opens a file of any session; see [EncryptionSession.decryptFile].
     *
     * @throws PlicoException as [EncryptionSession.decryptFile].
     */
    public suspend fun decryptFile(
        source: Path,
        target: Path,
        context: Context? = null,
        onProgress: ProgressListener? = null,
    ) {
        val file = fileCall(source, target, context, onProgress)
        call(causes) { handle.decryptFile(file) }
    }

    /**
     * Makes a group that this account owns. A session, or another group, takes it as
     * [Recipient.group]: for one wrapped key, however many belong to it.
     *
     * @param name what members see as its name, at most 4,096 bytes of UTF-8; the
     *   directory can't read it.
     * @param members who belongs to it from the beginning: people, and all of other groups.
     * @param fromNowOn whether whoever is added later opens only what comes from then on;
     *   otherwise, all that the group may open. Fixed for ever.
     * @throws PlicoException as [createSession]; [ErrorCode.GROUP_NOT_FOUND];
     *   [ErrorCode.ENTRY_INVALID] if groups would be nested more than four deep;
     *   [ErrorCode.TOO_LARGE] for a longer name.
     */
    public suspend fun createGroup(
        name: String? = null,
        members: Map<Recipient, GroupRole> = emptyMap(),
        fromNowOn: Boolean = false,
    ): Group {
        val options = NewGroup(name, members.map { (who, role) -> RecipientRole(who.toCore(), role.toCore()) }, fromNowOn)
        return Group.of(call(causes) { handle.createGroup(options, null) }, causes)
    }

    /**
     * The group with this id, 43 characters of base64url. Nobody is asked yet.
     *
     * @throws PlicoException [ErrorCode.INVALID_ARGUMENT] if this is not an id.
     */
    public fun group(groupId: String): Group = Group.of(immediate { handle.group(groupId) }, causes)

    /**
     * The ids of the sessions that this account may open by a grant of its own. Those that
     * it may open through a group: [sessionsOfGroup].
     *
     * @param after the last id of the page before; null: the first page.
     * @throws PlicoException [ErrorCode.NOT_REGISTERED]; [ErrorCode.INVALID_ARGUMENT].
     */
    public suspend fun sessions(after: String? = null): Page =
        Page.ofCore(call(causes) { handle.sessions(after, null) })

    /**
     * The ids of the sessions with this tag that this account may open by a grant of its
     * own. The directory says which; each session's own tag is checked when it is opened.
     *
     * @throws PlicoException as [sessions].
     */
    public suspend fun sessionsTagged(tag: String, after: String? = null): Page =
        Page.ofCore(call(causes) { handle.sessionsTagged(tag, after, null) })

    /**
     * The ids of the sessions that were granted to a group that this account is in.
     *
     * @throws PlicoException [ErrorCode.GROUP_NOT_FOUND] for one that it is not in; as [sessions].
     */
    public suspend fun sessionsOfGroup(groupId: String, after: String? = null): Page =
        Page.ofCore(call(causes) { handle.sessionsOfGroup(groupId, after, null) })

    /**
     * The ids of the groups that this account belongs to itself, not through another group.
     *
     * @throws PlicoException as [sessions].
     */
    public suspend fun groups(after: String? = null): Page = Page.ofCore(call(causes) { handle.groups(after, null) })

    /**
     * Brings sessions up to date, in few requests, to open them without the network.
     *
     * @return one result for each id, in this order.
     * @throws PlicoException [ErrorCode.INVALID_ARGUMENT] if one is not an id.
     */
    public suspend fun prefetch(sessionIds: List<String>): List<Prefetched> =
        call(causes) { handle.prefetch(sessionIds, null) }.map { Prefetched(it.sessionId, it.code) }

    /**
     * Finishes the writes whose outcome is not known, after a crash or a lost reply.
     * Worth calling when an app starts and when it comes online again; otherwise each
     * is finished before the next write to its session.
     *
     * @return how many there were.
     */
    public suspend fun settle(): Long = call(causes) { handle.settle(null) }.toLong()

    /**
     * Accepts that another identity stands behind `userId`, after
     * [ErrorCode.IDENTITY_CHANGED]: the app has asked the person.
     *
     * @return the id of the identity that is trusted from now on.
     */
    public suspend fun acceptIdentityChange(userId: String): String =
        call(causes) { handle.acceptIdentityChange(userId, null) }

    /**
     * All devices that this identity has or had, in the order in which they were
     * added, as the directory shows them now. An identity file counts as one, and so
     * does a backup.
     *
     * @throws PlicoException [ErrorCode.DEVICE_REVOKED] if this one was revoked: so says
     *   every call that asks the directory then. [ErrorCode.NOT_REGISTERED].
     */
    public suspend fun devices(): List<DeviceInfo> = call(causes) { handle.devices(null) }.map(DeviceInfo::ofCore)

    /**
     * Gives one of the own devices a name that the other devices see; an empty one
     * takes it away. The directory can't read it.
     *
     * @param deviceId the device's id, from [devices].
     * @param name at most 128 bytes of UTF-8.
     * @throws PlicoException [ErrorCode.INVALID_ARGUMENT] for a name that is too long;
     *   [ErrorCode.BAD_REQUEST] for what is not an active device of this identity.
     */
    public suspend fun nameDevice(deviceId: String, name: String) {
        call(causes) { handle.nameDevice(deviceId, name, null) }
    }

    /**
     * Takes a device away from this identity and gives it a new user key, in one
     * step. What that device has signed stays valid; it signs nothing more, and opens
     * nothing that is wrapped from now on. What it could open before, it may have
     * kept. Each session gets a new epoch with its next writer. Revoked already:
     * nothing is done.
     *
     * @param deviceId the device's id, from [devices].
     * @throws PlicoException [ErrorCode.INVALID_ARGUMENT] for what is not a device of this
     *   identity, and for this very device; [ErrorCode.CONFLICT] after many lost races.
     */
    public suspend fun revokeDevice(deviceId: String) {
        call(causes) { handle.revokeDevice(deviceId, null) }
    }

    /**
     * Gives this identity a new user key. What was wrapped to the old ones can still
     * be opened; from now on others wrap to the new one. Revoking a device does this
     * by itself.
     *
     * @throws PlicoException [ErrorCode.CONFLICT] after many lost races.
     */
    public suspend fun rotateUserKey() {
        call(causes) { handle.rotateUserKey(null) }
    }

    /**
     * This identity as a file of some hundred bytes, for another device, or as a copy that
     * no server ever held. A device of its own is added to the identity for it, which
     * [devices] shows: to withdraw the file, revoke that device. Until then, whoever
     * has the file and its key is this person.
     *
     * @throws PlicoException [ErrorCode.INVALID_ARGUMENT] for a passphrase of fewer than 12
     *   characters, a secret of other than 32 bytes, or an identity that has 32 devices
     *   already. After [ErrorCode.NETWORK], or a crash, the next call goes on with the
     *   same device.
     */
    public suspend fun exportIdentity(key: FileKey): ByteArray =
        call(causes) { handle.exportIdentity(key.toCore(), null) }

    /**
     * Becomes a device of the identity in `file`, with keys of its own, in place of
     * [register]. The file can be used again, for another device. Safe to call again
     * with the same file after an error.
     *
     * @return the identity's id.
     * @throws PlicoException [ErrorCode.IDENTITY_FILE_INVALID]; [ErrorCode.WRONG_PASSPHRASE],
     *   for another secret, too; [ErrorCode.INVALID_ARGUMENT] for a passphrase where a secret
     *   is needed, or the reverse; [ErrorCode.ALREADY_REGISTERED] if this account has an
     *   identity; [ErrorCode.WRONG_TENANT]; [ErrorCode.DEVICE_REVOKED] for a file that was
     *   withdrawn; [ErrorCode.HISTORY_SHORTENED] and [ErrorCode.HISTORY_FORKED] if the
     *   directory shows another history than the file says.
     */
    public suspend fun importIdentity(file: ByteArray, key: FileKey): String =
        call(causes) { handle.importIdentity(file, key.toCore(), null) }

    /**
     * When this identity's recovery key was set, by the clock of the device that set
     * it; null: there is none. As the directory shows it now.
     *
     * @throws PlicoException [ErrorCode.NOT_REGISTERED].
     */
    public suspend fun recoveryKeySetAt(): Instant? = call(causes) { handle.recoveryKeySetAt(null) }

    /**
     * Sets this identity's recovery key; once one is set, only with the consent of that
     * one, as `old`. A new one begins a new generation of the user key, so that the old
     * words open nothing more. Set already: nothing is done, so that it can be called
     * again after an error.
     *
     * @throws PlicoException [ErrorCode.RECOVERY_KEY_SET] if there is another one and `old`
     *   is not given; [ErrorCode.RECOVERY_KEY_UNKNOWN] if `old` is not the one that is set;
     *   [ErrorCode.INVALID_ARGUMENT] for a key that was set before; [ErrorCode.CONFLICT]
     *   after many lost races.
     */
    public suspend fun setRecoveryKey(key: RecoveryKey, old: RecoveryKey? = null) {
        call(causes) { handle.setRecoveryKey(key.handle, old?.handle, null) }
    }

    /**
     * Gets an identity back with its recovery key alone, in place of [register]: this
     * account becomes a device of it, with access to everything, and all other devices
     * are revoked, unless they are to stay. Safe to call again with the same key after
     * an error.
     *
     * Everybody who has the identity's chain sees that it was done. The words stay
     * valid; if somebody else has read them, set another key.
     *
     * @param keepDevices whether the other devices stay, because they are only far away.
     * @return the identity's id.
     * @throws PlicoException [ErrorCode.RECOVERY_KEY_UNKNOWN] if no identity has this key
     *   (any more); [ErrorCode.ALREADY_REGISTERED] if this account has an identity;
     *   [ErrorCode.INVALID_ARGUMENT] if the other devices are to stay and there are 32;
     *   [ErrorCode.IDENTITY_DISABLED]; [ErrorCode.CONFLICT] after many lost races.
     */
    public suspend fun recover(key: RecoveryKey, keepDevices: Boolean = false): String =
        call(causes) { handle.recover(key.handle, keepDevices, null) }

    /**
     * Stores a backup of this identity at the directory, which can't open it, in place
     * of an earlier one of the same kind: so a passphrase is changed. The earlier one is
     * deleted, and its device revoked, so that a copy of it is worth nothing, either.
     * Safe to call again after an error, also with another passphrase.
     *
     * @throws PlicoException [ErrorCode.INVALID_ARGUMENT] for a passphrase of fewer than 12
     *   characters, a secret of other than 32 bytes, or an identity that has 32 devices
     *   already.
     */
    public suspend fun storeBackup(key: FileKey) {
        call(causes) { handle.storeBackup(key.toCore(), null) }
    }

    /**
     * Gets the identity of `userId` back from its backup, in place of [register]: this
     * account becomes a device of it. Safe to call again after an error. The directory
     * allows five wrong tries at once, and one more each half hour.
     *
     * @return the identity's id.
     * @throws PlicoException [ErrorCode.BACKUP_REFUSED] if there is none, or `key` is not the
     *   one that protects it; [ErrorCode.TOO_MANY_TRIES]; [ErrorCode.BACKUP_INVALID] if the
     *   directory gives another one than `key` protects; [ErrorCode.IDENTITY_DISABLED]; and
     *   as [importIdentity].
     */
    public suspend fun restoreBackup(userId: String, key: FileKey): String =
        call(causes) { handle.restoreBackup(userId, key.toCore(), null) }

    /**
     * The backups that this identity has at the directory: at most one under a
     * passphrase, and one under a host's secret.
     *
     * @throws PlicoException [ErrorCode.NOT_REGISTERED].
     */
    public suspend fun backups(): List<BackupStatus> =
        call(causes) { handle.backups(null) }.map(BackupStatus::ofCore)

    /**
     * Deletes all backups of this identity at the directory, and revokes their devices:
     * then none of its private keys is at any server. Safe to call again after an error.
     *
     * @throws PlicoException [ErrorCode.CONFLICT] after many lost races.
     */
    public suspend fun deleteBackups() {
        call(causes) { handle.deleteBackups(null) }
    }

    /**
     * What a new device shows, as text and as a QR code, to be read by one that the
     * person has already: 26 letters and digits in groups of five, 31 characters with
     * the hyphens. Then [joinByPairing]. The same code until it has been used.
     *
     * @throws PlicoException [ErrorCode.ALREADY_REGISTERED] if this account has an identity.
     */
    public suspend fun pairingCode(): String = call(causes) { handle.pairingCode(null) }

    /**
     * Waits until a device of the person has read the [pairingCode], and becomes a
     * device of that identity, with access to everything, in place of [register].
     *
     * @return the identity's id: check it, or its user id, against whom the app expects
     *   here.
     * @throws PlicoException [ErrorCode.PAIRING_EXPIRED] if nobody has read the code within
     *   ten minutes; [ErrorCode.PAIRING_INVALID] if somebody in between has changed a
     *   message: the next code is another one; [ErrorCode.HISTORY_SHORTENED] and
     *   [ErrorCode.HISTORY_FORKED] if the directory shows another history than the other
     *   device has seen; [ErrorCode.ALREADY_REGISTERED].
     */
    public suspend fun joinByPairing(): String = call(causes) { handle.joinByPairing(null) }

    /**
     * Makes the device that shows `code` a device of this identity. Reading the code
     * from that device's own screen is the approval. Safe to call again with the same
     * code after an error.
     *
     * @param code in any case, with or without the hyphens.
     * @return the new device's id.
     * @throws PlicoException [ErrorCode.PAIRING_CODE_INVALID]; [ErrorCode.PAIRING_EXPIRED] if
     *   the other device does not answer within ten minutes; [ErrorCode.PAIRING_INVALID] if
     *   what answers is not the device that shows the code; [ErrorCode.INVALID_ARGUMENT]
     *   when the identity has 32 devices already; [ErrorCode.CONFLICT] after many lost
     *   races.
     */
    public suspend fun approvePairing(code: String): String =
        call(causes) { handle.approvePairing(code, null) }

    /**
     * The fingerprint of this identity and that of `userId`, for two people who compare
     * what each of them is shown.
     *
     * @throws PlicoException [ErrorCode.RECIPIENTS_NOT_FOUND], [ErrorCode.IDENTITY_CHANGED],
     *   [ErrorCode.ATTESTATION_INVALID].
     */
    public suspend fun fingerprint(userId: String): Fingerprint =
        Fingerprint.ofCore(call(causes) { handle.fingerprint(userId, null) })

    /**
     * Compares what the other person's app shows with what this one sees, and remembers
     * the identity of `userId` as verified.
     *
     * @param shown the other's digits, with or without spaces, or what was scanned.
     * @throws PlicoException [ErrorCode.FINGERPRINT_MISMATCH]: one of the two is shown
     *   somebody else; nothing is remembered, and an earlier mark is taken away. Otherwise
     *   as [fingerprint].
     */
    public suspend fun verifyFingerprint(userId: String, shown: String) {
        call(causes) { handle.verifyFingerprint(userId, shown, null) }
    }

    /**
     * Whether the identity that stands behind `userId` now was verified on this device,
     * or on the one that this one was paired with. One that has changed was not.
     *
     * @throws PlicoException as [fingerprint].
     */
    public suspend fun isVerified(userId: String): Boolean = call(causes) { handle.isVerified(userId, null) }

    /**
     * One envelope that this account may open, as a file with which an identity file of
     * the same person ([exportIdentity]) opens it without a network: see
     * [Plico.openOfflineFile]. It holds the envelope and the signed histories that it is
     * verified with, some kilobytes.
     *
     * @throws PlicoException as [decrypt].
     */
    public suspend fun offlineFile(envelope: ByteArray): ByteArray =
        call(causes) { handle.offlineFile(envelope, null) }

    /**
     * Deletes this identity for good: at the directory its wrapped secrets, its backups
     * and the opening of its user id; here, the whole store. What it has written stays
     * with those who can open it, and what it has signed stays valid; nobody can open
     * anything in its name any more. There is no way back, also not with the recovery
     * key. The account is closed.
     *
     * Sessions that it owns alone have no owner from then on: hand them over
     * ([EncryptionSession.transfer]), or end them, before. Safe to call again after an
     * error.
     *
     * @throws PlicoException [ErrorCode.NOT_REGISTERED]; after [ErrorCode.NETWORK] it may be
     *   deleted or not.
     */
    public suspend fun deleteIdentity() {
        call(causes) { handle.deleteIdentity(null) }
    }

    /**
     * The same account without the network: it opens what is known, and what it
     * writes says that its writer was offline. Closing either closes both.
     */
    public fun offline(): Account = Account(immediate { handle.offline() }, causes)

    /**
     * The same account with another bound on how old knowledge may be; zero asks the
     * directory each time. Closing either closes both.
     *
     * @throws PlicoException [ErrorCode.INVALID_ARGUMENT] for a negative one.
     */
    public fun maxStaleness(age: Duration): Account = Account(immediate { handle.maxStaleness(checked(age)) }, causes)

    /**
     * Its secrets leave the memory, and whatever is called afterwards, also on its
     * sessions, fails with [ErrorCode.CLOSED]. Closing twice is nothing new.
     */
    override fun close() {
        handle.shut()
    }

    internal companion object {
        fun of(handle: AccountHandle, causes: Causes) = Account(handle, causes)
    }
}

internal fun fileCall(source: Path, target: Path, context: Context?, onProgress: ProgressListener?) =
    FileCall(checked(source), checked(target), context?.core, onProgress?.let(::HostedProgress), null)

package org.plico

import org.plico.ffi.AccountHandle
import org.plico.ffi.FileCall
import org.plico.ffi.NewSession
import org.plico.ffi.RecipientGrant
import java.nio.file.Path
import java.time.Duration

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
) : AutoCloseable {
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
        val options = NewSession(grants, onMissing == OnMissing.SKIP, suite.number)
        return EncryptionSession.of(call(causes) { handle.createSession(options, null) }, causes)
    }

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
     * Opens what [EncryptionSession.encryptText] made in any session.
     *
     * @throws PlicoException as [EncryptionSession.decrypt].
     */
    public suspend fun decryptText(text: String, context: Context? = null): String =
        call(causes) { handle.decryptText(text, context?.core, null) }

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
     * added, as the directory shows them now. An identity file counts as one.
     *
     * @throws PlicoException [ErrorCode.DEVICE_REVOKED] if this one was revoked: so says
     *   every call that asks the directory then. [ErrorCode.NOT_REGISTERED].
     */
    public suspend fun devices(): List<DeviceInfo> = call(causes) { handle.devices(null) }.map(DeviceInfo::ofCore)

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
     *   already; after [ErrorCode.NETWORK] the device may be there although nobody has
     *   its file.
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

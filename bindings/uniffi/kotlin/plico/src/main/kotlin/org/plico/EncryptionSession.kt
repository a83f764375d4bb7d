package org.plico

import org.plico.ffi.SessionHandle
import java.nio.file.Path
import java.time.Duration
import java.time.Instant

/**
 * An encryption session as one account sees it: the unit of rights. Many envelopes
 * may share one, and who may open them is changed here without touching them.
 *
 * Any call may fail with [ErrorCode.ACCESS_REVOKED], [ErrorCode.ACCESS_EXPIRED],
 * [ErrorCode.ACCESS_WITHDRAWN], [ErrorCode.SESSION_ENDED], [ErrorCode.SESSION_NOT_FOUND], and as those of
 * [Account]; below are the others.
 */
public class EncryptionSession private constructor(
    private val handle: SessionHandle,
    private val causes: Causes,
) {
    /** The session's id: 43 characters of base64url. */
    public val id: String = handle.id()

    /**
     * From [Account.createSession] with [OnMissing.SKIP]: the user ids that have no
     * account and were left out. Empty otherwise.
     */
    public val missingRecipients: List<String> = handle.missingRecipients()

    /**
     * Encrypts bytes for the session's recipients; their length is padded. If a new
     * epoch is due, it is begun first.
     *
     * @param data up to about 2 GiB, as an array can hold; what is larger is a file.
     * @param context the place that the envelope belongs to, needed again to open.
     * @return the envelope.
     */
    public suspend fun encrypt(data: ByteArray, context: Context? = null): ByteArray =
        call(causes) { handle.encrypt(data, context?.core, null) }

    /** The same for text, as text (`plc1.…`, base64url) that fits into a text column. */
    public suspend fun encryptText(text: String, context: Context? = null): String =
        call(causes) { handle.encryptText(text, context?.core, null) }

    /**
     * Encrypts the file `source` into `target`, which appears only when it is whole and
     * on the disk; an existing one is replaced. Memory does not grow with the file, and
     * its length is not hidden. After a cancellation the work ends within a chunk of
     * 16 KiB, and nothing stays behind.
     *
     * @throws PlicoException [ErrorCode.IO] if a file can't be read or written.
     */
    public suspend fun encryptFile(
        source: Path,
        target: Path,
        context: Context? = null,
        onProgress: ProgressListener? = null,
    ) {
        val file = fileCall(source, target, context, onProgress)
        call(causes) { handle.encryptFile(file) }
    }

    /**
     * Opens an envelope of this session.
     *
     * @throws PlicoException [ErrorCode.WRONG_SESSION], [ErrorCode.NOT_AN_ENVELOPE],
     *   [ErrorCode.CONTEXT_REQUIRED], [ErrorCode.CONTEXT_UNEXPECTED], [ErrorCode.CONTEXT_MISMATCH],
     *   [ErrorCode.ENVELOPE_DAMAGED], [ErrorCode.ENVELOPE_TRUNCATED],
     *   [ErrorCode.SESSION_BEHIND_ENVELOPE], [ErrorCode.EPOCH_UNAVAILABLE].
     */
    public suspend fun decrypt(envelope: ByteArray, context: Context? = null): Decrypted =
        Decrypted.ofCore(call(causes) { handle.decrypt(envelope, context?.core, null) })

    /**
     * Opens what [encryptText] made.
     *
     * @throws PlicoException as [decrypt], and [ErrorCode.INVALID_ARGUMENT] if it is not text.
     */
    public suspend fun decryptText(text: String, context: Context? = null): String =
        call(causes) { handle.decryptText(text, context?.core, null) }

    /**
     * Decrypts the file `source` into `target`, which appears only when every byte is
     * authenticated and on the disk; an existing one is replaced.
     *
     * @throws PlicoException [ErrorCode.IO], and as [decrypt].
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
     * Encrypts as [encrypt] does, and signs with this device's key. Without a signature,
     * any reader of the session could have written an item.
     */
    public suspend fun encryptSigned(data: ByteArray, context: Context? = null): SignedEnvelope =
        SignedEnvelope.ofCore(call(causes) { handle.encryptSigned(data, context?.core, null) })

    /**
     * This device's signature over an envelope of this session, which it need not have
     * written: 183 bytes.
     *
     * @throws PlicoException [ErrorCode.WRONG_SESSION], [ErrorCode.NOT_AN_ENVELOPE].
     */
    public suspend fun sign(envelope: ByteArray, context: Context? = null): ByteArray =
        call(causes) { handle.sign(envelope, context?.core, null) }

    /**
     * Opens an envelope of this session and says who wrote it.
     *
     * @param signature as it was kept beside the envelope; null: there is none, and the
     *   result says so.
     * @throws PlicoException as [decrypt]; [ErrorCode.ENVELOPE_SIGNATURE_INVALID] for a
     *   signature that is not one over this envelope in this place, or by somebody who never
     *   could read the session.
     */
    public suspend fun decryptSigned(
        envelope: ByteArray,
        signature: ByteArray?,
        context: Context? = null,
    ): DecryptedSigned =
        DecryptedSigned.ofCore(call(causes) { handle.decryptSigned(envelope, signature, context?.core, null) })

    /**
     * Gives `recipient` rights, in place of those that it had. It opens all that this
     * account can open, also what was encrypted before; no envelope changes.
     *
     * @param expiresAt when they end, to the millisecond; null: not by themselves.
     * @throws PlicoException [ErrorCode.NOT_ALLOWED] without the right to forward, or for more
     *   than this account has; [ErrorCode.RECIPIENTS_NOT_FOUND], [ErrorCode.GROUP_NOT_FOUND];
     *   [ErrorCode.ENTRY_INVALID] for an end in the past; [ErrorCode.INVALID_ARGUMENT] for this
     *   account itself.
     */
    public suspend fun grant(recipient: Recipient, rights: Rights = Rights.READ, expiresAt: Instant? = null) {
        call(causes) { handle.grant(recipient.toCore(), Grant(rights, expiresAt).toCore(), null) }
    }

    /**
     * Takes all rights from `recipient` and begins a new epoch, in one step. It opens
     * nothing that is written from now on by a writer who has seen this; others may
     * write under the old key until their knowledge is older than the freshness bound.
     * What it could open before, it may have kept.
     *
     * @param cascade whether those to whom it had granted fall with it; otherwise they
     *   stay, and this account answers for them.
     * @throws PlicoException [ErrorCode.NOT_ALLOWED] without the right to revoke, or for an owner.
     */
    public suspend fun revoke(recipient: Recipient, cascade: Boolean = false) {
        call(causes) { handle.revoke(recipient.toCore(), cascade, null) }
    }

    /**
     * Gives many recipients rights, with one write for up to 1,024 of them.
     *
     * @return one result for each, in this order; the failures are [PlicoException]s, as
     *   those of [grant].
     * @throws PlicoException [ErrorCode.NOT_REGISTERED], [ErrorCode.OFFLINE];
     *   [ErrorCode.NETWORK] if nobody can be looked up; [ErrorCode.INVALID_ARGUMENT] for what
     *   is not an id.
     */
    public suspend fun grantAll(recipients: Map<Recipient, Grant>): List<Result<Unit>> {
        val watch = causes.watch()
        return call(causes) { handle.grantAll(recipients.toCore(), null) }.told(watch)
    }

    /**
     * Takes all rights from many recipients and begins one new epoch, in one step. Whoever
     * is not a recipient counts as done.
     *
     * @param cascade whether those to whom they had granted fall with them.
     * @return one result for each, in this order; the failures are [PlicoException]s, as
     *   those of [revoke].
     * @throws PlicoException as [grantAll].
     */
    public suspend fun revokeAll(recipients: List<Recipient>, cascade: Boolean = false): List<Result<Unit>> {
        val watch = causes.watch()
        return call(causes) { handle.revokeAll(recipients.map { it.toCore() }, cascade, null) }.told(watch)
    }

    /**
     * Gives up this account's own rights. The last owner hands over first.
     *
     * @throws PlicoException [ErrorCode.NOT_ALLOWED] for the last owner.
     */
    public suspend fun leave() {
        call(causes) { handle.leave(null) }
    }

    /**
     * Makes `recipient` an owner.
     *
     * @param keep what this account still may do; null: it leaves.
     * @throws PlicoException [ErrorCode.NOT_ALLOWED] for whoever is not an owner; as [grant].
     */
    public suspend fun transfer(recipient: Recipient, keep: Rights? = null) {
        call(causes) { handle.transfer(recipient.toCore(), keep?.toCore(), null) }
    }

    /**
     * Who may read this session, through groups, too: by which path, from whom, since
     * when, until when; and who no longer may. From the signed logs as the directory
     * shows them now.
     */
    public suspend fun whoMayRead(): AccessList = AccessList.ofCore(call(causes) { handle.whoMayRead(null) })

    /**
     * All people who have rights of their own now, as the verified history says; those
     * who have them through a group are in [whoMayRead].
     */
    public suspend fun recipients(): List<RecipientInfo> = call(causes) { handle.recipients(null) }.map {
        val rights = Rights.ofCore(it.rights)
        RecipientInfo(it.identityId, it.userId, rights, it.grantedBy, it.grantedAt, it.expiresAt)
    }

    /**
     * Begins a new epoch: what is written from now on is under a new key. Writers do
     * this by themselves whenever it is due.
     *
     * @throws PlicoException [ErrorCode.CONFLICT] after many lost races.
     */
    public suspend fun rotate() {
        call(causes) { handle.rotate(null) }
    }

    /** Asks the directory for what is new, whatever was known before. */
    public suspend fun refresh() {
        call(causes) { handle.refresh(null) }
    }

    /**
     * Deletes what this device keeps of the session. It can be opened again as long as
     * the directory gives access; what was seen of its history stays pinned.
     */
    public suspend fun forget() {
        call(causes) { handle.forget(null) }
    }

    /**
     * Ends the session for ever: the directory deletes all wrapped keys, and nobody
     * opens it again through the directory, its owner included.
     *
     * @throws PlicoException [ErrorCode.NOT_ALLOWED] for whoever is not an owner.
     */
    public suspend fun end() {
        call(causes) { handle.end(null) }
    }

    /**
     * Says until when the session lasts, in place of what was said before: an end can be
     * moved, and taken away, until it has come. Then nobody opens the session any more, its
     * owner included, and the directory deletes everything but the log.
     *
     * Changing the session, writing to it and opening it are use, by whoever may; use while
     * offline is not. Clients tell the directory when a quarter of the time is over.
     *
     * @throws PlicoException [ErrorCode.NOT_ALLOWED] for whoever is not an owner;
     *   [ErrorCode.INVALID_ARGUMENT] for less than a minute without use;
     *   [ErrorCode.ENTRY_INVALID] for an end in the past.
     */
    public suspend fun setExpiry(expiry: Expiry) {
        call(causes) { handle.setExpiry(expiry.toCore(), null) }
    }

    /** What [setExpiry] has said. */
    public suspend fun expiry(): Expiry = Expiry.ofCore(call(causes) { handle.expiry(null) })

    /** When the session ends if nobody uses it; null: never. */
    public suspend fun endsAt(): Instant? = call(causes) { handle.endsAt(null) }

    /**
     * Gives the session a tag of 1 to 128 bytes of UTF-8, in place of an earlier one; null:
     * none. By it the session is found ([Account.sessionsTagged]), by its recipients and by
     * the app's backend. **The directory and the backend can read it**; for what they must
     * not see there is [setMetadata]. Needs the rights to forward and to revoke.
     *
     * @throws PlicoException [ErrorCode.NOT_ALLOWED]; [ErrorCode.TOO_LARGE];
     *   [ErrorCode.INVALID_ARGUMENT] for an empty one.
     */
    public suspend fun setTag(tag: String?) {
        call(causes) { handle.setTag(tag, null) }
    }

    /**
     * The session's tag; null: it has none.
     *
     * @throws PlicoException [ErrorCode.ANSWER_MISMATCH] if the directory withholds it.
     */
    public suspend fun tag(): String? = call(causes) { handle.tag(null) }

    /**
     * Keeps up to 8 KiB beside the session (a title, the app's own id), encrypted for
     * its recipients. Needs the rights to forward and to revoke.
     *
     * @throws PlicoException [ErrorCode.NOT_ALLOWED]; [ErrorCode.TOO_LARGE] for more.
     */
    public suspend fun setMetadata(data: ByteArray) {
        call(causes) { handle.setMetadata(data, null) }
    }

    /** What [setMetadata] has kept; null if nothing was. */
    public suspend fun metadata(): ByteArray? = call(causes) { handle.metadata(null) }

    /** The same session without the network; see [Account.offline]. */
    public fun offline(): EncryptionSession = EncryptionSession(immediate { handle.offline() }, causes)

    /**
     * The same session with another bound on how old knowledge may be; see [Account.maxStaleness].
     *
     * @throws PlicoException [ErrorCode.INVALID_ARGUMENT] for a negative one.
     */
    public fun maxStaleness(age: Duration): EncryptionSession =
        EncryptionSession(immediate { handle.maxStaleness(checked(age)) }, causes)

    internal companion object {
        fun of(handle: SessionHandle, causes: Causes) = EncryptionSession(handle, causes)
    }
}

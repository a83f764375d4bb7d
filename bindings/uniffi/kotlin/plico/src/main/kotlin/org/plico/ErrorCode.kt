package org.plico

/**
 * The stable codes of [PlicoException.code]: the same strings in every language.
 * They never change once released; new ones may come, so a `when` over them has
 * an `else`.
 */
public object ErrorCode {
    /** The request is not well-formed; see `detail`. */
    public const val BAD_REQUEST: String = "BAD_REQUEST"

    /** Something was written by a newer version of Plico; update this one. */
    public const val NEEDS_NEWER_CLIENT: String = "NEEDS_NEWER_CLIENT"

    /** An entry breaks a rule of the protocol and was not accepted. */
    public const val ENTRY_INVALID: String = "ENTRY_INVALID"

    /** The request is not signed. */
    public const val SIGNATURE_MISSING: String = "SIGNATURE_MISSING"

    /** This device was revoked by its owner: it signs and opens nothing any more. */
    public const val DEVICE_REVOKED: String = "DEVICE_REVOKED"

    /** The request's signature does not verify; check the key and the public URL. */
    public const val SIGNATURE_INVALID: String = "SIGNATURE_INVALID"

    /** The request's time is too far from the directory's; check the clock. */
    public const val CLOCK_SKEWED: String = "CLOCK_SKEWED"

    /** This signed request was already carried out once. */
    public const val REQUEST_REPLAYED: String = "REQUEST_REPLAYED"

    /** The enrolment token is not valid for this tenant, user id and identity. */
    public const val ENROLMENT_INVALID: String = "ENROLMENT_INVALID"

    /** The enrolment token is not valid now; ask the app's backend for a fresh one. */
    public const val ENROLMENT_EXPIRED: String = "ENROLMENT_EXPIRED"

    /**
     * The user id is bound to another identity; the backend must raise the binding's number to move
     * it.
     */
    public const val USER_ID_TAKEN: String = "USER_ID_TAKEN"

    /**
     * No identity has this recovery key: it was never set, was replaced, or one of the
     * words is wrong.
     */
    public const val RECOVERY_KEY_UNKNOWN: String = "RECOVERY_KEY_UNKNOWN"

    /** The app's backend has disabled this identity: it can do nothing until it is active again. */
    public const val IDENTITY_DISABLED: String = "IDENTITY_DISABLED"

    /** This identity was deleted by its owner. */
    public const val IDENTITY_DELETED: String = "IDENTITY_DELETED"

    /** Nobody has read this device's code yet, or its ten minutes are over. */
    public const val PAIRING_NOT_FOUND: String = "PAIRING_NOT_FOUND"

    /** There is no backup under this user id, or its passphrase or secret is another one. */
    public const val BACKUP_REFUSED: String = "BACKUP_REFUSED"

    /** Too many wrong tries at this backup; wait half an hour and try again. */
    public const val TOO_MANY_TRIES: String = "TOO_MANY_TRIES"

    /** The directory does not know this tenant. */
    public const val TENANT_NOT_FOUND: String = "TENANT_NOT_FOUND"

    /** The directory does not know this identity. */
    public const val IDENTITY_NOT_FOUND: String = "IDENTITY_NOT_FOUND"

    /** The directory does not know this group. */
    public const val GROUP_NOT_FOUND: String = "GROUP_NOT_FOUND"

    /** There is no such encryption session, or this identity was never a recipient of it. */
    public const val SESSION_NOT_FOUND: String = "SESSION_NOT_FOUND"

    /** This identity's access to the encryption session was revoked. */
    public const val ACCESS_REVOKED: String = "ACCESS_REVOKED"

    /** This identity's access to the encryption session has expired. */
    public const val ACCESS_EXPIRED: String = "ACCESS_EXPIRED"

    /**
     * The tenant's operator has withdrawn this identity's access to the encryption session; it can
     * be given back.
     */
    public const val ACCESS_WITHDRAWN: String = "ACCESS_WITHDRAWN"

    /**
     * The encryption session was ended by its owner or the tenant's operator, or its time was over.
     */
    public const val SESSION_ENDED: String = "SESSION_ENDED"

    /** This identity does not have the right to do that. */
    public const val NOT_ALLOWED: String = "NOT_ALLOWED"

    /** Somebody else wrote first; refresh and try again. */
    public const val CONFLICT: String = "CONFLICT"

    /** The entry names an old position of an identity's chain; refresh and try again. */
    public const val AUTHOR_BEHIND: String = "AUTHOR_BEHIND"

    /** The request is larger than the directory accepts. */
    public const val TOO_LARGE: String = "TOO_LARGE"

    /** Send `content-type: application/json`. */
    public const val UNSUPPORTED_MEDIA_TYPE: String = "UNSUPPORTED_MEDIA_TYPE"

    /** There is nothing at this address. */
    public const val NOT_FOUND: String = "NOT_FOUND"

    /** This address does not take that method. */
    public const val METHOD_NOT_ALLOWED: String = "METHOD_NOT_ALLOWED"

    /** The directory can't answer now; try again later. */
    public const val UNAVAILABLE: String = "UNAVAILABLE"

    /**
     * Something failed that should not: a bug, in the directory (its log holds the request id) or
     * in this library.
     */
    public const val INTERNAL: String = "INTERNAL"

    /**
     * Another identity stands behind a known user id; the app must accept the change explicitly.
     */
    public const val IDENTITY_CHANGED: String = "IDENTITY_CHANGED"

    /** The directory gave an identity for a user id without a valid word of the app's backend. */
    public const val ATTESTATION_INVALID: String = "ATTESTATION_INVALID"

    /**
     * The directory shows less of a history than this client has already seen. If it was restored
     * from a backup, wait until those who have the rest have handed it back.
     */
    public const val HISTORY_SHORTENED: String = "HISTORY_SHORTENED"

    /** The directory shows another history than the one this client has already seen. */
    public const val HISTORY_FORKED: String = "HISTORY_FORKED"

    /** The directory shows a history that is not validly linked and signed. */
    public const val HISTORY_INVALID: String = "HISTORY_INVALID"

    /**
     * The directory's signed head is missing, not signed by its key, or not that of the history
     * shown.
     */
    public const val HEAD_INVALID: String = "HEAD_INVALID"

    /** The directory answered with something other than what was asked for. */
    public const val ANSWER_MISMATCH: String = "ANSWER_MISMATCH"

    /** The answer is an old one, or the clocks differ by more than the freshness bound. */
    public const val ANSWER_REPLAYED: String = "ANSWER_REPLAYED"

    /** The data belong to another tenant. */
    public const val WRONG_TENANT: String = "WRONG_TENANT"

    /** The session's history holds an entry whose author had no right to write it. */
    public const val RIGHTS_VIOLATION: String = "RIGHTS_VIOLATION"

    /** The session's history holds a grant that is wider than its grantor's rights. */
    public const val GRANT_EXCEEDS_GRANTOR: String = "GRANT_EXCEEDS_GRANTOR"

    /** A wrapped secret is not the one that the session's history commits to for this recipient. */
    public const val WRAP_INVALID: String = "WRAP_INVALID"

    /**
     * A member of the session has published a wrapped secret that does not open, or is not the
     * epoch's.
     */
    public const val WRAP_FALSE: String = "WRAP_FALSE"

    /** A back-link is not the one that the session's history commits to. */
    public const val BACK_LINK_INVALID: String = "BACK_LINK_INVALID"

    /** A member of the session has published a back-link that does not open the earlier epoch. */
    public const val BACK_LINK_FALSE: String = "BACK_LINK_FALSE"

    /** This identity was not given the epoch that the envelope is encrypted under. */
    public const val EPOCH_UNAVAILABLE: String = "EPOCH_UNAVAILABLE"

    /** The envelope is of a later epoch than the directory shows: history is being withheld. */
    public const val SESSION_BEHIND_ENVELOPE: String = "SESSION_BEHIND_ENVELOPE"

    /** These bytes are not a Plico envelope. */
    public const val NOT_AN_ENVELOPE: String = "NOT_AN_ENVELOPE"

    /** The envelope belongs to another encryption session or names another suite. */
    public const val WRONG_SESSION: String = "WRONG_SESSION"

    /** The envelope was sealed with an app context; give the same one to open it. */
    public const val CONTEXT_REQUIRED: String = "CONTEXT_REQUIRED"

    /** The envelope was sealed without an app context, but one was given. */
    public const val CONTEXT_UNEXPECTED: String = "CONTEXT_UNEXPECTED"

    /**
     * The envelope does not belong to this place: the app context, the key or the header differs
     * from what was sealed.
     */
    public const val CONTEXT_MISMATCH: String = "CONTEXT_MISMATCH"

    /** The envelope was altered or damaged; nothing of the damaged part was released. */
    public const val ENVELOPE_DAMAGED: String = "ENVELOPE_DAMAGED"

    /** The signature is not one over this envelope in this place, by somebody who could read it. */
    public const val ENVELOPE_SIGNATURE_INVALID: String = "ENVELOPE_SIGNATURE_INVALID"

    /** The envelope ends too early. */
    public const val ENVELOPE_TRUNCATED: String = "ENVELOPE_TRUNCATED"

    /** What is in the envelope is no archive that may be unpacked; nothing of it was kept. */
    public const val ARCHIVE_INVALID: String = "ARCHIVE_INVALID"

    /** An argument is not one that this call takes; see the message. */
    public const val INVALID_ARGUMENT: String = "INVALID_ARGUMENT"

    /** Some recipients have no account; see the list. */
    public const val RECIPIENTS_NOT_FOUND: String = "RECIPIENTS_NOT_FOUND"

    /** Register this account first. */
    public const val NOT_REGISTERED: String = "NOT_REGISTERED"

    /** This account is registered under another user id. */
    public const val ALREADY_REGISTERED: String = "ALREADY_REGISTERED"

    /** The passphrase, or the host's secret, is not the one that protects this identity file. */
    public const val WRONG_PASSPHRASE: String = "WRONG_PASSPHRASE"

    /** These bytes are not an identity file, or were altered. */
    public const val IDENTITY_FILE_INVALID: String = "IDENTITY_FILE_INVALID"

    /**
     * These are not the 24 words of a recovery key; look for a word that was misread or left out.
     */
    public const val RECOVERY_WORDS_INVALID: String = "RECOVERY_WORDS_INVALID"

    /** A recovery key is set already; another one needs its consent: give its words, too. */
    public const val RECOVERY_KEY_SET: String = "RECOVERY_KEY_SET"

    /** What the directory gave is not the backup that this passphrase or secret protects. */
    public const val BACKUP_INVALID: String = "BACKUP_INVALID"

    /** The two people do not see the same identities: one of them is shown somebody else. */
    public const val FINGERPRINT_MISMATCH: String = "FINGERPRINT_MISMATCH"

    /** This is not a pairing code; read it again. */
    public const val PAIRING_CODE_INVALID: String = "PAIRING_CODE_INVALID"

    /**
     * Somebody between the two devices has changed what they say; pair them again with a new code.
     */
    public const val PAIRING_INVALID: String = "PAIRING_INVALID"

    /** The other device has not answered within ten minutes; try again. */
    public const val PAIRING_EXPIRED: String = "PAIRING_EXPIRED"

    /** These bytes are not an offline file, or it was not made for this identity. */
    public const val OFFLINE_FILE_INVALID: String = "OFFLINE_FILE_INVALID"

    /** The app's own enrolment call failed; see its error. */
    public const val ENROLMENT_FAILED: String = "ENROLMENT_FAILED"

    /** The directory could not be reached, or its answer was cut off. */
    public const val NETWORK: String = "NETWORK"

    /**
     * This needs the directory, and the call was to do without; go online, or prefetch what is to
     * be opened offline.
     */
    public const val OFFLINE: String = "OFFLINE"

    /** An earlier change of this session has no known outcome; go online first. */
    public const val UNSETTLED: String = "UNSETTLED"

    /** It is known that a new epoch must begin before anything is written; go online first. */
    public const val EPOCH_DUE: String = "EPOCH_DUE"

    /** What answered is not a Plico directory, or speaks another version. */
    public const val PROTOCOL_ERROR: String = "PROTOCOL_ERROR"

    /** The operation was cancelled. */
    public const val CANCELLED: String = "CANCELLED"

    /** A file could not be read or written. */
    public const val IO: String = "IO"

    /** The local store could not be read or written. */
    public const val STORE: String = "STORE"

    /** The local store holds something that Plico did not write. */
    public const val STORE_DAMAGED: String = "STORE_DAMAGED"

    /** The key does not open the local store; give the one that it was made with. */
    public const val STORE_WRONG_KEY: String = "STORE_WRONG_KEY"

    /** The disk is full: nothing was changed; make room and try again. */
    public const val STORE_FULL: String = "STORE_FULL"

    /** The local store can be read but not written; check the disk and the file's permissions. */
    public const val STORE_READ_ONLY: String = "STORE_READ_ONLY"

    /** Another process has held the local store for too long; try again. */
    public const val STORE_BUSY: String = "STORE_BUSY"

    /**
     * The local store is a copy, or was moved to another machine; accept it only if that was meant,
     * and never use both.
     */
    public const val STORE_COPIED: String = "STORE_COPIED"

    /** The object was closed. */
    public const val CLOSED: String = "CLOSED"
}

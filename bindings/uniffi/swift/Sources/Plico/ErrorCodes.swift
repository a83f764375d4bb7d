extension PlicoError {
    /// What went wrong: a stable string, the same in every language and in the
    /// directory's own answers. New ones may come, so a `switch` over codes needs
    /// a `default`.
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The stable string, such as `ACCESS_EXPIRED`.
        public let rawValue: String

        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        public var description: String { rawValue }
    }
}

extension PlicoError.Code: CaseIterable {
    /// The request is not well-formed; see `detail`.
    public static let badRequest = Self(rawValue: "BAD_REQUEST")
    /// Something was written by a newer version of Plico; update this one.
    public static let needsNewerClient = Self(rawValue: "NEEDS_NEWER_CLIENT")
    /// An entry breaks a rule of the protocol and was not accepted.
    public static let entryInvalid = Self(rawValue: "ENTRY_INVALID")
    /// The request is not signed.
    public static let signatureMissing = Self(rawValue: "SIGNATURE_MISSING")
    /// This device was revoked by its owner: it signs and opens nothing any more.
    public static let deviceRevoked = Self(rawValue: "DEVICE_REVOKED")
    /// The request's signature does not verify; check the key and the public URL.
    public static let signatureInvalid = Self(rawValue: "SIGNATURE_INVALID")
    /// The request's time is too far from the directory's; check the clock.
    public static let clockSkewed = Self(rawValue: "CLOCK_SKEWED")
    /// This signed request was already carried out once.
    public static let requestReplayed = Self(rawValue: "REQUEST_REPLAYED")
    /// The enrolment token is not valid for this tenant, user id and identity.
    public static let enrolmentInvalid = Self(rawValue: "ENROLMENT_INVALID")
    /// The enrolment token is not valid now; ask the app's backend for a fresh one.
    public static let enrolmentExpired = Self(rawValue: "ENROLMENT_EXPIRED")
    /// The user id is bound to another identity; the backend must raise the binding's number to
    /// move it.
    public static let userIdTaken = Self(rawValue: "USER_ID_TAKEN")
    /// No identity has this recovery key: it was never set, was replaced, or one of the words
    /// is wrong.
    public static let recoveryKeyUnknown = Self(rawValue: "RECOVERY_KEY_UNKNOWN")
    /// The app's backend has disabled this identity: it can do nothing until it is active
    /// again.
    public static let identityDisabled = Self(rawValue: "IDENTITY_DISABLED")
    /// This identity was deleted by its owner.
    public static let identityDeleted = Self(rawValue: "IDENTITY_DELETED")
    /// Nobody has read this device's code yet, or its ten minutes are over.
    public static let pairingNotFound = Self(rawValue: "PAIRING_NOT_FOUND")
    /// There is no backup under this user id, or its passphrase or secret is another one.
    public static let backupRefused = Self(rawValue: "BACKUP_REFUSED")
    /// Too many wrong tries at this backup; wait half an hour and try again.
    public static let tooManyTries = Self(rawValue: "TOO_MANY_TRIES")
    /// The directory does not know this tenant.
    public static let tenantNotFound = Self(rawValue: "TENANT_NOT_FOUND")
    /// The directory does not know this identity.
    public static let identityNotFound = Self(rawValue: "IDENTITY_NOT_FOUND")
    /// The directory does not know this group.
    public static let groupNotFound = Self(rawValue: "GROUP_NOT_FOUND")
    /// There is no such encryption session, or this identity was never a recipient of it.
    public static let sessionNotFound = Self(rawValue: "SESSION_NOT_FOUND")
    /// This identity's access to the encryption session was revoked.
    public static let accessRevoked = Self(rawValue: "ACCESS_REVOKED")
    /// This identity's access to the encryption session has expired.
    public static let accessExpired = Self(rawValue: "ACCESS_EXPIRED")
    /// The tenant's operator has withdrawn this identity's access to the encryption session; it
    /// can be given back.
    public static let accessWithdrawn = Self(rawValue: "ACCESS_WITHDRAWN")
    /// The encryption session was ended by its owner or the tenant's operator, or its time was
    /// over.
    public static let sessionEnded = Self(rawValue: "SESSION_ENDED")
    /// This identity does not have the right to do that.
    public static let notAllowed = Self(rawValue: "NOT_ALLOWED")
    /// Somebody else wrote first; refresh and try again.
    public static let conflict = Self(rawValue: "CONFLICT")
    /// The entry names an old position of an identity's chain; refresh and try again.
    public static let authorBehind = Self(rawValue: "AUTHOR_BEHIND")
    /// The request is larger than the directory accepts.
    public static let tooLarge = Self(rawValue: "TOO_LARGE")
    /// Send `content-type: application/json`.
    public static let unsupportedMediaType = Self(rawValue: "UNSUPPORTED_MEDIA_TYPE")
    /// There is nothing at this address.
    public static let notFound = Self(rawValue: "NOT_FOUND")
    /// This address does not take that method.
    public static let methodNotAllowed = Self(rawValue: "METHOD_NOT_ALLOWED")
    /// The directory can't answer now; try again later.
    public static let unavailable = Self(rawValue: "UNAVAILABLE")
    /// Something failed that should not: a bug, in the directory (its log holds the request id)
    /// or in this library.
    public static let `internal` = Self(rawValue: "INTERNAL")
    /// Another identity stands behind a known user id; the app must accept the change
    /// explicitly.
    public static let identityChanged = Self(rawValue: "IDENTITY_CHANGED")
    /// The directory gave an identity for a user id without a valid word of the app's backend.
    public static let attestationInvalid = Self(rawValue: "ATTESTATION_INVALID")
    /// The directory shows less of a history than this client has already seen. If it was
    /// restored from a backup, wait until those who have the rest have handed it back.
    public static let historyShortened = Self(rawValue: "HISTORY_SHORTENED")
    /// The directory shows another history than the one this client has already seen.
    public static let historyForked = Self(rawValue: "HISTORY_FORKED")
    /// The directory shows a history that is not validly linked and signed.
    public static let historyInvalid = Self(rawValue: "HISTORY_INVALID")
    /// The directory's signed head is missing, not signed by its key, or not that of the
    /// history shown.
    public static let headInvalid = Self(rawValue: "HEAD_INVALID")
    /// The directory answered with something other than what was asked for.
    public static let answerMismatch = Self(rawValue: "ANSWER_MISMATCH")
    /// The answer is an old one, or the clocks differ by more than the freshness bound.
    public static let answerReplayed = Self(rawValue: "ANSWER_REPLAYED")
    /// The data belong to another tenant.
    public static let wrongTenant = Self(rawValue: "WRONG_TENANT")
    /// The session's history holds an entry whose author had no right to write it.
    public static let rightsViolation = Self(rawValue: "RIGHTS_VIOLATION")
    /// The session's history holds a grant that is wider than its grantor's rights.
    public static let grantExceedsGrantor = Self(rawValue: "GRANT_EXCEEDS_GRANTOR")
    /// A wrapped secret is not the one that the session's history commits to for this
    /// recipient.
    public static let wrapInvalid = Self(rawValue: "WRAP_INVALID")
    /// A member of the session has published a wrapped secret that does not open, or is not the
    /// epoch's.
    public static let wrapFalse = Self(rawValue: "WRAP_FALSE")
    /// A back-link is not the one that the session's history commits to.
    public static let backLinkInvalid = Self(rawValue: "BACK_LINK_INVALID")
    /// A member of the session has published a back-link that does not open the earlier epoch.
    public static let backLinkFalse = Self(rawValue: "BACK_LINK_FALSE")
    /// This identity was not given the epoch that the envelope is encrypted under.
    public static let epochUnavailable = Self(rawValue: "EPOCH_UNAVAILABLE")
    /// The envelope is of a later epoch than the directory shows: history is being withheld.
    public static let sessionBehindEnvelope = Self(rawValue: "SESSION_BEHIND_ENVELOPE")
    /// These bytes are not a Plico envelope.
    public static let notAnEnvelope = Self(rawValue: "NOT_AN_ENVELOPE")
    /// The envelope belongs to another encryption session or names another suite.
    public static let wrongSession = Self(rawValue: "WRONG_SESSION")
    /// The envelope was sealed with an app context; give the same one to open it.
    public static let contextRequired = Self(rawValue: "CONTEXT_REQUIRED")
    /// The envelope was sealed without an app context, but one was given.
    public static let contextUnexpected = Self(rawValue: "CONTEXT_UNEXPECTED")
    /// The envelope does not belong to this place: the app context, the key or the header
    /// differs from what was sealed.
    public static let contextMismatch = Self(rawValue: "CONTEXT_MISMATCH")
    /// The envelope was altered or damaged; nothing of the damaged part was released.
    public static let envelopeDamaged = Self(rawValue: "ENVELOPE_DAMAGED")
    /// The signature is not one over this envelope in this place, by somebody who could read
    /// it.
    public static let envelopeSignatureInvalid = Self(rawValue: "ENVELOPE_SIGNATURE_INVALID")
    /// The envelope ends too early.
    public static let envelopeTruncated = Self(rawValue: "ENVELOPE_TRUNCATED")
    /// What is in the envelope is no archive that may be unpacked; nothing of it was kept.
    public static let archiveInvalid = Self(rawValue: "ARCHIVE_INVALID")
    /// An argument is not one that this call takes; see the message.
    public static let invalidArgument = Self(rawValue: "INVALID_ARGUMENT")
    /// Some recipients have no account; see the list.
    public static let recipientsNotFound = Self(rawValue: "RECIPIENTS_NOT_FOUND")
    /// Register this account first.
    public static let notRegistered = Self(rawValue: "NOT_REGISTERED")
    /// This account is registered under another user id.
    public static let alreadyRegistered = Self(rawValue: "ALREADY_REGISTERED")
    /// The passphrase, or the host's secret, is not the one that protects this identity file.
    public static let wrongPassphrase = Self(rawValue: "WRONG_PASSPHRASE")
    /// These bytes are not an identity file, or were altered.
    public static let identityFileInvalid = Self(rawValue: "IDENTITY_FILE_INVALID")
    /// These are not the 24 words of a recovery key; look for a word that was misread or left
    /// out.
    public static let recoveryWordsInvalid = Self(rawValue: "RECOVERY_WORDS_INVALID")
    /// A recovery key is set already; another one needs its consent: give its words, too.
    public static let recoveryKeySet = Self(rawValue: "RECOVERY_KEY_SET")
    /// What the directory gave is not the backup that this passphrase or secret protects.
    public static let backupInvalid = Self(rawValue: "BACKUP_INVALID")
    /// The two people do not see the same identities: one of them is shown somebody else.
    public static let fingerprintMismatch = Self(rawValue: "FINGERPRINT_MISMATCH")
    /// This is not a pairing code; read it again.
    public static let pairingCodeInvalid = Self(rawValue: "PAIRING_CODE_INVALID")
    /// Somebody between the two devices has changed what they say; pair them again with a new
    /// code.
    public static let pairingInvalid = Self(rawValue: "PAIRING_INVALID")
    /// The other device has not answered within ten minutes; try again.
    public static let pairingExpired = Self(rawValue: "PAIRING_EXPIRED")
    /// These bytes are not an offline file, or it was not made for this identity.
    public static let offlineFileInvalid = Self(rawValue: "OFFLINE_FILE_INVALID")
    /// The app's own enrolment call failed; see its error.
    public static let enrolmentFailed = Self(rawValue: "ENROLMENT_FAILED")
    /// The directory could not be reached, or its answer was cut off.
    public static let network = Self(rawValue: "NETWORK")
    /// This needs the directory, and the call was to do without; go online, or prefetch what is
    /// to be opened offline.
    public static let offline = Self(rawValue: "OFFLINE")
    /// An earlier change of this session has no known outcome; go online first.
    public static let unsettled = Self(rawValue: "UNSETTLED")
    /// It is known that a new epoch must begin before anything is written; go online first.
    public static let epochDue = Self(rawValue: "EPOCH_DUE")
    /// What answered is not a Plico directory, or speaks another version.
    public static let protocolError = Self(rawValue: "PROTOCOL_ERROR")
    /// The operation was cancelled.
    public static let cancelled = Self(rawValue: "CANCELLED")
    /// A file could not be read or written.
    public static let io = Self(rawValue: "IO")
    /// The local store could not be read or written.
    public static let store = Self(rawValue: "STORE")
    /// The local store holds something that Plico did not write.
    public static let storeDamaged = Self(rawValue: "STORE_DAMAGED")
    /// The key does not open the local store; give the one that it was made with.
    public static let storeWrongKey = Self(rawValue: "STORE_WRONG_KEY")
    /// The disk is full: nothing was changed; make room and try again.
    public static let storeFull = Self(rawValue: "STORE_FULL")
    /// The local store can be read but not written; check the disk and the file's permissions.
    public static let storeReadOnly = Self(rawValue: "STORE_READ_ONLY")
    /// Another process has held the local store for too long; try again.
    public static let storeBusy = Self(rawValue: "STORE_BUSY")
    /// The local store is a copy, or was moved to another machine; accept it only if that was
    /// meant, and never use both.
    public static let storeCopied = Self(rawValue: "STORE_COPIED")
    /// The object was closed.
    public static let closed = Self(rawValue: "CLOSED")

    /// Those that this version knows.
    public static let allCases: [Self] = [
        .badRequest, .needsNewerClient, .entryInvalid, .signatureMissing,
        .deviceRevoked, .signatureInvalid, .clockSkewed, .requestReplayed,
        .enrolmentInvalid, .enrolmentExpired, .userIdTaken, .recoveryKeyUnknown,
        .identityDisabled, .identityDeleted, .pairingNotFound, .backupRefused,
        .tooManyTries, .tenantNotFound, .identityNotFound, .groupNotFound,
        .sessionNotFound, .accessRevoked, .accessExpired, .accessWithdrawn,
        .sessionEnded, .notAllowed,
        .conflict, .authorBehind, .tooLarge, .unsupportedMediaType, .notFound,
        .methodNotAllowed, .unavailable, .internal, .identityChanged,
        .attestationInvalid, .historyShortened, .historyForked, .historyInvalid,
        .headInvalid, .answerMismatch, .answerReplayed, .wrongTenant, .rightsViolation,
        .grantExceedsGrantor, .wrapInvalid, .wrapFalse, .backLinkInvalid,
        .backLinkFalse, .epochUnavailable, .sessionBehindEnvelope, .notAnEnvelope,
        .wrongSession, .contextRequired, .contextUnexpected, .contextMismatch,
        .envelopeDamaged, .envelopeSignatureInvalid, .envelopeTruncated,
        .archiveInvalid, .invalidArgument, .recipientsNotFound, .notRegistered,
        .alreadyRegistered,
        .wrongPassphrase, .identityFileInvalid, .recoveryWordsInvalid, .recoveryKeySet,
        .backupInvalid, .fingerprintMismatch, .pairingCodeInvalid, .pairingInvalid,
        .pairingExpired, .offlineFileInvalid, .enrolmentFailed, .network, .offline,
        .unsettled, .epochDue, .protocolError, .cancelled, .io, .store, .storeDamaged,
        .storeWrongKey, .storeFull, .storeReadOnly, .storeBusy, .storeCopied, .closed,
    ]
}

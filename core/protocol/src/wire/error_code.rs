//! Stable error codes: the same strings in every language and in the
//! directory's problem documents (RFC 9457).

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $status:literal, $sentence:literal;)*) => {
        /// What went wrong. The string never changes once released; new ones may come.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(#[doc = $sentence] $(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable string.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The HTTP status of a problem document with this code; 0 for
            /// codes that only a client gives.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status),* }
            }

            /// What happened and what to do, in a sentence without personal data.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence),* }
            }
        }
    };
}

codes! {
    // Given by the directory.
    BadRequest = "BAD_REQUEST", 400, "The request is not well-formed; see `detail`.";
    NeedsNewerClient = "NEEDS_NEWER_CLIENT", 400, "Something was written by a newer version of Plico; update this one.";
    EntryInvalid = "ENTRY_INVALID", 422, "An entry breaks a rule of the protocol and was not accepted.";
    SignatureMissing = "SIGNATURE_MISSING", 401, "The request is not signed.";
    DeviceRevoked = "DEVICE_REVOKED", 403, "This device was revoked by its owner: it signs and opens nothing any more.";
    SignatureInvalid = "SIGNATURE_INVALID", 401, "The request's signature does not verify; check the key and the public URL.";
    ClockSkewed = "CLOCK_SKEWED", 401, "The request's time is too far from the directory's; check the clock.";
    RequestReplayed = "REQUEST_REPLAYED", 409, "This signed request was already carried out once.";
    EnrolmentInvalid = "ENROLMENT_INVALID", 403, "The enrolment token is not valid for this tenant, user id and identity.";
    EnrolmentExpired = "ENROLMENT_EXPIRED", 403, "The enrolment token is not valid now; ask the app's backend for a fresh one.";
    UserIdTaken = "USER_ID_TAKEN", 409, "The user id is bound to another identity; the backend must raise the binding's number to move it.";
    RecoveryKeyUnknown = "RECOVERY_KEY_UNKNOWN", 404, "No identity has this recovery key: it was never set, was replaced, or one of the words is wrong.";
    IdentityDisabled = "IDENTITY_DISABLED", 403, "The app's backend has disabled this identity: it can do nothing until it is active again.";
    IdentityDeleted = "IDENTITY_DELETED", 410, "This identity was deleted by its owner.";
    PairingNotFound = "PAIRING_NOT_FOUND", 404, "Nobody has read this device's code yet, or its ten minutes are over.";
    BackupRefused = "BACKUP_REFUSED", 403, "There is no backup under this user id, or its passphrase or secret is another one.";
    TooManyTries = "TOO_MANY_TRIES", 429, "Too many wrong tries at this backup; wait half an hour and try again.";
    TenantNotFound = "TENANT_NOT_FOUND", 404, "The directory does not know this tenant.";
    IdentityNotFound = "IDENTITY_NOT_FOUND", 404, "The directory does not know this identity.";
    GroupNotFound = "GROUP_NOT_FOUND", 404, "The directory does not know this group.";
    SessionNotFound = "SESSION_NOT_FOUND", 404, "There is no such encryption session, or this identity was never a recipient of it.";
    AccessRevoked = "ACCESS_REVOKED", 403, "This identity's access to the encryption session was revoked.";
    AccessExpired = "ACCESS_EXPIRED", 403, "This identity's access to the encryption session has expired.";
    AccessWithdrawn = "ACCESS_WITHDRAWN", 403, "The tenant's operator has withdrawn this identity's access to the encryption session; it can be given back.";
    SessionEnded = "SESSION_ENDED", 410, "The encryption session was ended by its owner or the tenant's operator, or its time was over.";
    NotAllowed = "NOT_ALLOWED", 403, "This identity does not have the right to do that.";
    Conflict = "CONFLICT", 409, "Somebody else wrote first; refresh and try again.";
    AuthorBehind = "AUTHOR_BEHIND", 409, "The entry names an old position of an identity's chain; refresh and try again.";
    TooLarge = "TOO_LARGE", 413, "The request is larger than the directory accepts.";
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", 415, "Send `content-type: application/json`.";
    NotFound = "NOT_FOUND", 404, "There is nothing at this address.";
    MethodNotAllowed = "METHOD_NOT_ALLOWED", 405, "This address does not take that method.";
    Unavailable = "UNAVAILABLE", 503, "The directory can't answer now; try again later.";
    Internal = "INTERNAL", 500, "Something failed that should not: a bug, in the directory (its log holds the request id) or in this library.";

    // Given by a client that has checked an answer.
    IdentityChanged = "IDENTITY_CHANGED", 0, "Another identity stands behind a known user id; the app must accept the change explicitly.";
    AttestationInvalid = "ATTESTATION_INVALID", 0, "The directory gave an identity for a user id without a valid word of the app's backend.";
    HistoryShortened = "HISTORY_SHORTENED", 0, "The directory shows less of a history than this client has already seen. If it was restored from a backup, wait until those who have the rest have handed it back.";
    HistoryForked = "HISTORY_FORKED", 0, "The directory shows another history than the one this client has already seen.";
    HistoryInvalid = "HISTORY_INVALID", 0, "The directory shows a history that is not validly linked and signed.";
    HeadInvalid = "HEAD_INVALID", 0, "The directory's signed head is missing, not signed by its key, or not that of the history shown.";
    AnswerMismatch = "ANSWER_MISMATCH", 0, "The directory answered with something other than what was asked for.";
    AnswerReplayed = "ANSWER_REPLAYED", 0, "The answer is an old one, or the clocks differ by more than the freshness bound.";
    WrongTenant = "WRONG_TENANT", 0, "The data belong to another tenant.";
    RightsViolation = "RIGHTS_VIOLATION", 0, "The session's history holds an entry whose author had no right to write it.";
    GrantExceedsGrantor = "GRANT_EXCEEDS_GRANTOR", 0, "The session's history holds a grant that is wider than its grantor's rights.";
    WrapInvalid = "WRAP_INVALID", 0, "A wrapped secret is not the one that the session's history commits to for this recipient.";
    WrapFalse = "WRAP_FALSE", 0, "A member of the session has published a wrapped secret that does not open, or is not the epoch's.";
    BackLinkInvalid = "BACK_LINK_INVALID", 0, "A back-link is not the one that the session's history commits to.";
    BackLinkFalse = "BACK_LINK_FALSE", 0, "A member of the session has published a back-link that does not open the earlier epoch.";
    EpochUnavailable = "EPOCH_UNAVAILABLE", 0, "This identity was not given the epoch that the envelope is encrypted under.";
    SessionBehindEnvelope = "SESSION_BEHIND_ENVELOPE", 0, "The envelope is of a later epoch than the directory shows: history is being withheld.";
    NotAnEnvelope = "NOT_AN_ENVELOPE", 0, "These bytes are not a Plico envelope.";
    WrongSession = "WRONG_SESSION", 0, "The envelope belongs to another encryption session or names another suite.";
    ContextRequired = "CONTEXT_REQUIRED", 0, "The envelope was sealed with an app context; give the same one to open it.";
    ContextUnexpected = "CONTEXT_UNEXPECTED", 0, "The envelope was sealed without an app context, but one was given.";
    ContextMismatch = "CONTEXT_MISMATCH", 0, "The envelope does not belong to this place: the app context, the key or the header differs from what was sealed.";
    EnvelopeDamaged = "ENVELOPE_DAMAGED", 0, "The envelope was altered or damaged; nothing of the damaged part was released.";
    EnvelopeSignatureInvalid = "ENVELOPE_SIGNATURE_INVALID", 0, "The signature is not one over this envelope in this place, by somebody who could read it.";
    EnvelopeTruncated = "ENVELOPE_TRUNCATED", 0, "The envelope ends too early.";
    ArchiveInvalid = "ARCHIVE_INVALID", 0, "What is in the envelope is no archive that may be unpacked; nothing of it was kept.";
    InvalidArgument = "INVALID_ARGUMENT", 0, "An argument is not one that this call takes; see the message.";
    RecipientsNotFound = "RECIPIENTS_NOT_FOUND", 0, "Some recipients have no account; see the list.";
    NotRegistered = "NOT_REGISTERED", 0, "Register this account first.";
    AlreadyRegistered = "ALREADY_REGISTERED", 0, "This account is registered under another user id.";
    WrongPassphrase = "WRONG_PASSPHRASE", 0, "The passphrase, or the host's secret, is not the one that protects this identity file.";
    IdentityFileInvalid = "IDENTITY_FILE_INVALID", 0, "These bytes are not an identity file, or were altered.";
    RecoveryWordsInvalid = "RECOVERY_WORDS_INVALID", 0, "These are not the 24 words of a recovery key; look for a word that was misread or left out.";
    RecoveryKeySet = "RECOVERY_KEY_SET", 0, "A recovery key is set already; another one needs its consent: give its words, too.";
    BackupInvalid = "BACKUP_INVALID", 0, "What the directory gave is not the backup that this passphrase or secret protects.";
    FingerprintMismatch = "FINGERPRINT_MISMATCH", 0, "The two people do not see the same identities: one of them is shown somebody else.";
    PairingCodeInvalid = "PAIRING_CODE_INVALID", 0, "This is not a pairing code; read it again.";
    PairingInvalid = "PAIRING_INVALID", 0, "Somebody between the two devices has changed what they say; pair them again with a new code.";
    PairingExpired = "PAIRING_EXPIRED", 0, "The other device has not answered within ten minutes; try again.";
    OfflineFileInvalid = "OFFLINE_FILE_INVALID", 0, "These bytes are not an offline file, or it was not made for this identity.";
    EnrolmentFailed = "ENROLMENT_FAILED", 0, "The app's own enrolment call failed; see its error.";
    Network = "NETWORK", 0, "The directory could not be reached, or its answer was cut off.";
    Offline = "OFFLINE", 0, "This needs the directory, and the call was to do without; go online, or prefetch what is to be opened offline.";
    Unsettled = "UNSETTLED", 0, "An earlier change of this session has no known outcome; go online first.";
    EpochDue = "EPOCH_DUE", 0, "It is known that a new epoch must begin before anything is written; go online first.";
    ProtocolError = "PROTOCOL_ERROR", 0, "What answered is not a Plico directory, or speaks another version.";
    Cancelled = "CANCELLED", 0, "The operation was cancelled.";
    Io = "IO", 0, "A file could not be read or written.";
    Store = "STORE", 0, "The local store could not be read or written.";
    StoreDamaged = "STORE_DAMAGED", 0, "The local store holds something that Plico did not write.";
    StoreWrongKey = "STORE_WRONG_KEY", 0, "The key does not open the local store; give the one that it was made with.";
    StoreFull = "STORE_FULL", 0, "The disk is full: nothing was changed; make room and try again.";
    StoreReadOnly = "STORE_READ_ONLY", 0, "The local store can be read but not written; check the disk and the file's permissions.";
    StoreBusy = "STORE_BUSY", 0, "Another process has held the local store for too long; try again.";
    StoreCopied = "STORE_COPIED", 0, "The local store is a copy, or was moved to another machine; accept it only if that was meant, and never use both.";
    Closed = "CLOSED", 0, "The object was closed.";
}

impl core::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ErrorCode {
    /// The code with this string.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

/// A problem document (RFC 9457), `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Always `about:blank`: the code says what it is.
    pub r#type: String,
    /// What happened and what to do.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: String,
    /// More about this occurrence; without secrets and personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The directory's clock, in milliseconds since 1970-01-01 UTC; given with `CLOCK_SKEWED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
}

impl Problem {
    /// The document for `code`.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        Self {
            r#type: "about:blank".into(),
            title: code.sentence().into(),
            status: code.status(),
            code: code.as_str().into(),
            detail: None,
            time_ms: None,
        }
    }

    /// The same with a detail.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_parse_back() {
        let texts: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
            assert!(code.sentence().ends_with('.'));
        }
    }
}

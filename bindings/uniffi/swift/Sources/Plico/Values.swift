import Foundation

/// What was in an envelope.
public struct Decrypted: Sendable {
    /// The plaintext. Plico keeps no copy.
    public let data: Data
    /// The session that it was encrypted in.
    public let sessionID: String
    /// Whether the writer was offline, and said so: it may not have known of a
    /// revocation.
    public let writtenOffline: Bool
    /// When the directory was last asked about the session, by this device's clock.
    public let knownAt: Date
}

/// How far a file is.
public struct FileProgress: Sendable, Hashable {
    /// Bytes of plaintext that are done.
    public let done: UInt64
    /// Bytes of plaintext in all.
    public let total: UInt64
}

/// What happens with user ids that have no account.
public enum OnMissing: Sendable, Hashable {
    /// The call throws ``PlicoError/Code/recipientsNotFound``, and the error lists them.
    case fail
    /// They are left out, and ``EncryptionSession/missingRecipients`` lists them.
    case skip
}

/// The cipher of everything that a session will hold. Few apps have a reason to
/// name one.
public enum Suite: UInt8, Sendable, Hashable {
    /// The default.
    case chaCha20Poly1305 = 1
    /// For auditors who ask for it.
    case aes256GCM = 2
}

/// How bringing one session up to date went.
public struct Prefetched: Sendable, Hashable {
    /// The session.
    public let sessionID: String
    /// Why it is not up to date; `nil`: it is.
    public let failure: PlicoError.Code?
}

/// What the app's backend is to vouch for.
public struct EnrolmentRequest: Sendable, Hashable {
    /// The new identity, 43 characters of base64url: goes into the token.
    public let identityID: String
}

/// Fetches an enrolment token from the app's backend, over the app's own connection.
/// See ``Account/register(userID:cancel:enrolment:)``.
public typealias Enrolment = @Sendable (EnrolmentRequest) async throws -> String

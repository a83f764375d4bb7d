import Foundation
internal import PlicoFFI

/// An identity's account on this device. Its private keys never leave the device
/// unencrypted.
///
/// Beside the codes that are named, every call may throw `CANCELLED`, `CLOSED`,
/// `NETWORK`, what the store gives, and whatever a lying directory is caught with.
public final class Account: Sendable {
    let handle: AccountHandle
    let errors: HostErrors

    init(_ handle: AccountHandle, _ errors: HostErrors) {
        self.handle = handle
        self.errors = errors
    }

    /// The identity's id, 43 characters of base64url; `nil` before it is registered
    /// and after it was closed.
    public var identityID: String? {
        handle.identityId()
    }

    /// Makes this account's identity, if it has none: keys are made here, the app's
    /// backend vouches for the user id, the directory publishes both.
    ///
    /// Safe to call again: after a lost reply it goes on with the same identity, and
    /// once done it does nothing.
    ///
    /// - Parameters:
    ///   - userID: the app's own name for the person, 1 to 256 bytes of UTF-8.
    ///   - cancel: cancels this call.
    ///   - enrolment: asks the app's backend for an enrolment token.
    /// - Returns: the identity's id.
    /// - Throws: `INVALID_ARGUMENT`, `ALREADY_REGISTERED`, `ENROLMENT_INVALID`,
    ///   `ENROLMENT_EXPIRED`, `USER_ID_TAKEN`; `ENROLMENT_FAILED` with what `enrolment`
    ///   has thrown as `underlying`.
    @discardableResult
    public func register(
        userID: String, cancel: CancelToken? = nil, enrolment: @escaping Enrolment
    ) async throws(PlicoError) -> String {
        let backend = AskBackend(enrolment)
        do {
            return try await errors.call(cancel) { call in
                try await handle.register(
                    userId: try userID.carried(), enrolment: backend, cancel: call)
            }
        } catch {
            var known = error
            if known.code == .enrolmentFailed {
                known.underlying = backend.errors.since(0)
            }
            throw known
        }
    }

    /// Makes a session for this account and `recipients`.
    ///
    /// After `NETWORK` the session may have been made all the same: asking for the same
    /// again finishes it instead of making another one.
    ///
    /// - Parameters:
    ///   - recipients: who gets what, at most 2,047; this account is the owner.
    ///   - onMissing: what happens with user ids that have no account.
    ///   - suite: the cipher; few apps have a reason to name one.
    ///   - cancel: cancels this call.
    /// - Throws: `NOT_REGISTERED`; `RECIPIENTS_NOT_FOUND`, listing all who have no
    ///   account; `IDENTITY_NOT_FOUND`; `INVALID_ARGUMENT` for whoever is named twice;
    ///   `TOO_LARGE` for too many.
    public func createSession(
        recipients: [NewRecipient] = [], onMissing: OnMissing = .fail, suite: Suite? = nil,
        cancel: CancelToken? = nil
    ) async throws(PlicoError) -> EncryptionSession {
        try await errors.call(cancel) { call in
            let options = SessionOptions(
                recipients: recipients, onMissing: onMissing, suite: suite)
            let session = try await handle.createSession(
                options: try options.carried(), cancel: call)
            return EncryptionSession(session, errors)
        }
    }

    /// The session with this id, 43 characters of base64url. Whether it exists, and
    /// whether this account may open it, shows when it is used.
    ///
    /// - Throws: `INVALID_ARGUMENT` for what is not an id.
    public func session(_ id: String) throws(PlicoError) -> EncryptionSession {
        try direct { EncryptionSession(try handle.session(sessionId: try id.carried()), errors) }
    }

    /// The session that an envelope, or its first 26 bytes, belongs to.
    ///
    /// - Throws: `NOT_AN_ENVELOPE`; `SESSION_NOT_FOUND` if this account was never a
    ///   recipient; and as ``EncryptionSession/refresh(cancel:)``.
    public func session(
        of envelope: Data, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> EncryptionSession {
        try await errors.call(cancel) { call in
            // No more of it is looked at.
            let session = try await handle.sessionOf(envelope: envelope.prefix(64), cancel: call)
            return EncryptionSession(session, errors)
        }
    }

    /// Opens an envelope of any session that this account may open.
    ///
    /// - Throws: as ``EncryptionSession/decrypt(_:context:cancel:)``, and
    ///   `SESSION_NOT_FOUND` if this account was never a recipient.
    public func decrypt(
        _ envelope: Data, context: Context? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> Decrypted {
        try await errors.call(cancel) { call in
            let opened = try await handle.decrypt(
                envelope: try envelope.carried(), context: try context?.carried(), cancel: call)
            return Decrypted(opened)
        }
    }

    /// Opens the text form of an envelope of any session that this account may open.
    ///
    /// - Throws: as ``EncryptionSession/decryptText(_:context:cancel:)``.
    public func decryptText(
        _ text: String, context: Context? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> String {
        try await errors.call(cancel) { call in
            try await handle.decryptText(
                text: try text.carried(), context: try context?.carried(), cancel: call)
        }
    }

    /// Decrypts a file of any session that this account may open.
    ///
    /// - Throws: as ``EncryptionSession/decryptFile(at:to:context:onProgress:cancel:)``.
    public func decryptFile(
        at source: URL, to target: URL, context: Context? = nil,
        onProgress: (@Sendable (FileProgress) -> Void)? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.decryptFile(
                call: try FileCall(source, target, context, onProgress, call))
        }
    }

    /// Brings sessions up to date and keeps what is needed to open them without the
    /// network, all in few requests.
    ///
    /// - Returns: how each went, in the order given.
    /// - Throws: `NOT_REGISTERED`; `INVALID_ARGUMENT` for what is not an id.
    @discardableResult
    public func prefetch(
        _ sessionIDs: [String], cancel: CancelToken? = nil
    ) async throws(PlicoError) -> [Prefetched] {
        try await errors.call(cancel) { call in
            try await handle.prefetch(
                sessionIds: try sessionIDs.map { try $0.carried() }, cancel: call
            ).map {
                Prefetched(
                    sessionID: $0.sessionId, failure: $0.code.map(PlicoError.Code.init(rawValue:)))
            }
        }
    }

    /// Settles all writes whose outcome is not known, after a crash or a lost reply.
    /// Worth calling when an app starts and when it comes online again; otherwise each
    /// is settled before the next write to its session.
    ///
    /// - Returns: how many there were.
    /// - Throws: `NETWORK` if the directory can't be reached: then they stay.
    @discardableResult
    public func settle(cancel: CancelToken? = nil) async throws(PlicoError) -> Int {
        try await errors.call(cancel) { call in
            Int(clamping: try await handle.settle(cancel: call))
        }
    }

    /// Accepts that another identity stands behind `userID` from now on, if the app's
    /// backend vouches for it. Call it after `IDENTITY_CHANGED`, and only when the
    /// person has really begun anew.
    ///
    /// - Returns: the identity's id.
    /// - Throws: `RECIPIENTS_NOT_FOUND`, `ATTESTATION_INVALID`.
    @discardableResult
    public func acceptIdentityChange(
        of userID: String, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> String {
        try await errors.call(cancel) { call in
            try await handle.acceptIdentityChange(userId: try userID.carried(), cancel: call)
        }
    }

    /// Deletes this identity for good: at the directory its wrapped secrets, its backups and
    /// the opening of its user id; here, the whole store. What it has written stays with
    /// those who can open it, and what it has signed stays valid; nobody can open anything
    /// in its name any more. There is no way back, also not with the recovery key. The
    /// account is closed.
    ///
    /// Sessions that it owns alone have no owner from then on: hand them over
    /// (``EncryptionSession/transfer(to:keeping:cancel:)``), or end them, before. Safe to
    /// call again after an error.
    ///
    /// - Throws: `NOT_REGISTERED`; after `NETWORK` it may be deleted or not.
    public func deleteIdentity(cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.deleteIdentity(cancel: call)
        }
    }

    /// The same account without the network: calls use what is known, or throw
    /// ``PlicoError/Code/offline``.
    public func offline() -> Account {
        Account(handle.offline(), errors)
    }

    /// The same account with another bound on how old knowledge may be;
    /// `.zero`: the directory is always asked.
    ///
    /// - Throws: `INVALID_ARGUMENT` for a negative duration.
    public func maxStaleness(_ age: Duration) throws(PlicoError) -> Account {
        try direct { Account(handle.maxStaleness(age: try age.carried()), errors) }
    }

    /// Forgets all secrets in memory; the store keeps what it has. What is under way
    /// ends, and from now on every call of this account, its views and its sessions
    /// throws ``PlicoError/Code/closed``. Closing again does nothing.
    public func close() {
        handle.close()
    }
}

extension FileCall {
    init(
        _ source: URL, _ target: URL, _ context: Context?,
        _ onProgress: (@Sendable (FileProgress) -> Void)?, _ cancel: CancelHandle
    ) throws {
        self.init(
            source: try source.filePath(), target: try target.filePath(),
            context: try context?.carried(), progress: onProgress.map(TellProgress.init),
            cancel: cancel)
    }
}

import Foundation
internal import PlicoFFI

/// An encryption session, as one account sees it: who may open what is encrypted in
/// it can be changed afterwards, without touching one byte of what was encrypted.
///
/// Beside the codes that are named, every call may throw `CANCELLED`, `CLOSED`, and
/// those of ``refresh(cancel:)``.
public final class EncryptionSession: Sendable {
    let handle: SessionHandle
    let errors: HostErrors

    init(_ handle: SessionHandle, _ errors: HostErrors) {
        self.handle = handle
        self.errors = errors
    }

    /// The session's id, 43 characters of base64url.
    public var id: String {
        handle.id()
    }

    /// From the call that made the session with ``OnMissing/skip``: the user ids that
    /// have no account and were left out. Empty otherwise.
    public var missingRecipients: [String] {
        handle.missingRecipients()
    }

    // MARK: Content

    /// Encrypts `data`, at most 1 GiB, for the session's recipients; its length is
    /// padded. If a new epoch is due, it is begun first.
    ///
    /// - Parameters:
    ///   - context: the place that the envelope belongs to; must be given again to open.
    /// - Returns: the envelope.
    /// - Throws: `INVALID_ARGUMENT`.
    public func encrypt(
        _ data: Data, context: Context? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> Data {
        try await errors.call(cancel) { call in
            try await handle.encrypt(
                plaintext: try data.carried(), context: try context?.carried(), cancel: call)
        }
    }

    /// The same for text, as text (`plc1.…`, in base64url) that fits into a text column.
    ///
    /// - Throws: as ``encrypt(_:context:cancel:)``.
    public func encryptText(
        _ text: String, context: Context? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> String {
        try await errors.call(cancel) { call in
            try await handle.encryptText(
                text: try text.carried(), context: try context?.carried(), cancel: call)
        }
    }

    /// Encrypts the file `source` into `target`, which appears only when it is whole and
    /// on the disk; an existing one is replaced. Memory does not grow with the file. Its
    /// length is not hidden.
    ///
    /// - Parameters:
    ///   - context: the place that the envelope belongs to; must be given again to open.
    ///   - onProgress: is told how far it is. Called on any thread, often: it must be
    ///     quick.
    /// - Throws: `IO`; `INVALID_ARGUMENT` for what is not a file URL.
    public func encryptFile(
        at source: URL, to target: URL, context: Context? = nil,
        onProgress: (@Sendable (FileProgress) -> Void)? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.encryptFile(
                call: try FileCall(source, target, context, onProgress, call))
        }
    }

    /// Opens an envelope of this session.
    ///
    /// - Parameters:
    ///   - context: what it was encrypted with.
    /// - Throws: `NOT_AN_ENVELOPE`, `WRONG_SESSION`, `CONTEXT_REQUIRED`,
    ///   `CONTEXT_UNEXPECTED`, `CONTEXT_MISMATCH`, `ENVELOPE_DAMAGED`,
    ///   `ENVELOPE_TRUNCATED`, `SESSION_BEHIND_ENVELOPE`, `EPOCH_UNAVAILABLE`.
    public func decrypt(
        _ envelope: Data, context: Context? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> Decrypted {
        try await errors.call(cancel) { call in
            let opened = try await handle.decrypt(
                envelope: try envelope.carried(), context: try context?.carried(), cancel: call)
            return Decrypted(opened)
        }
    }

    /// Opens what ``encryptText(_:context:cancel:)`` made.
    ///
    /// - Throws: as ``decrypt(_:context:cancel:)``; `INVALID_ARGUMENT` if it holds no text.
    public func decryptText(
        _ text: String, context: Context? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> String {
        try await errors.call(cancel) { call in
            try await handle.decryptText(
                text: try text.carried(), context: try context?.carried(), cancel: call)
        }
    }

    /// Decrypts the file `source` of this session into `target`, which appears only when
    /// every byte is authenticated and on the disk.
    ///
    /// - Throws: `IO`; `INVALID_ARGUMENT` for what is not a file URL; and as
    ///   ``decrypt(_:context:cancel:)``.
    public func decryptFile(
        at source: URL, to target: URL, context: Context? = nil,
        onProgress: (@Sendable (FileProgress) -> Void)? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.decryptFile(
                call: try FileCall(source, target, context, onProgress, call))
        }
    }

    // MARK: Rights

    /// Gives `recipient` rights, in place of those that it had. It opens all that this
    /// account can open, also what was encrypted before.
    ///
    /// - Parameters:
    ///   - rights: what it may do.
    ///   - expiresAt: when that ends; not by itself, if not given. The directory stops
    ///     serving and the next writer locks out; what was opened before can't be taken
    ///     back.
    /// - Throws: `NOT_ALLOWED` without the right to forward, or for more than this
    ///   account has; `RECIPIENTS_NOT_FOUND`, `GROUP_NOT_FOUND`; `ENTRY_INVALID` for an end
    ///   in the past; `INVALID_ARGUMENT` for this account itself.
    public func grant(
        _ recipient: Recipient, rights: Rights = .read, expiresAt: Date? = nil,
        cancel: CancelToken? = nil
    ) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.grant(
                recipient: try recipient.carried(), grant: try grantOf(rights, expiresAt),
                cancel: call)
        }
    }

    /// Takes all rights from `recipient` and begins a new epoch, in one step.
    ///
    /// It opens nothing that is written from now on by a writer who has seen this; others
    /// may write under the old key until their knowledge is older than `maxStaleness`.
    /// What it could open before, it may have kept.
    ///
    /// - Parameters:
    ///   - cascade: whether those lose their rights, too, to whom it had granted.
    /// - Throws: `NOT_ALLOWED` without the right to revoke, or for an owner.
    public func revoke(
        _ recipient: Recipient, cascade: Bool = false, cancel: CancelToken? = nil
    ) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.revoke(
                recipient: try recipient.carried(), cascade: cascade, cancel: call)
        }
    }

    /// All people who have rights of their own now; those who have them through a group are
    /// in ``whoMayRead(cancel:)``. Grants whose end has come by this device's clock are
    /// left out.
    public func recipients(
        cancel: CancelToken? = nil
    ) async throws(PlicoError) -> [RecipientInfo] {
        try await errors.call(cancel) { call in
            try await handle.recipients(cancel: call).map(RecipientInfo.init)
        }
    }

    /// Gives up this account's own rights.
    ///
    /// - Throws: `NOT_ALLOWED` for the last owner, who hands over first.
    public func leave(cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { try await handle.leave(cancel: $0) }
    }

    /// Makes `recipient` an owner.
    ///
    /// - Parameters:
    ///   - keeping: what this account still may do; it leaves, if not given.
    /// - Throws: `NOT_ALLOWED` for whoever is not an owner; and as
    ///   ``grant(_:rights:expiresAt:cancel:)``.
    public func transfer(
        to recipient: Recipient, keeping: Rights? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.transfer(
                to: try recipient.carried(), keep: try keeping?.carried(), cancel: call)
        }
    }

    // MARK: The session itself

    /// Begins a new epoch: what is written from now on is under a new key. Writers do
    /// this by themselves whenever it is due.
    ///
    /// - Throws: `CONFLICT` after many lost races.
    public func rotate(cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { try await handle.rotate(cancel: $0) }
    }

    /// Asks the directory for what is new, whatever was known before.
    ///
    /// - Throws: `SESSION_NOT_FOUND`, `ACCESS_REVOKED`, `ACCESS_EXPIRED`,
    ///   `ACCESS_WITHDRAWN`, `SESSION_ENDED`, `NETWORK`; what the store gives; whatever a lying directory is
    ///   caught with.
    public func refresh(cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { try await handle.refresh(cancel: $0) }
    }

    /// Deletes what this device keeps of the session. It can be opened again as long as
    /// the directory gives access.
    public func forget(cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { try await handle.forget(cancel: $0) }
    }

    /// Ends the session for ever: the directory deletes all wrapped keys, and nobody
    /// opens it again through the directory, its owner included.
    ///
    /// - Throws: `NOT_ALLOWED` for whoever is not an owner.
    public func end(cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { try await handle.end(cancel: $0) }
    }

    /// Keeps up to 8 KiB beside the session (a title, the app's own id), encrypted for
    /// its recipients.
    ///
    /// - Throws: `NOT_ALLOWED` without the rights to forward and to revoke; `TOO_LARGE`.
    public func setMetadata(
        _ data: Data, cancel: CancelToken? = nil
    ) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.setMetadata(plaintext: try data.carried(), cancel: call)
        }
    }

    /// What ``setMetadata(_:cancel:)`` has kept; `nil` if nothing.
    public func metadata(cancel: CancelToken? = nil) async throws(PlicoError) -> Data? {
        try await errors.call(cancel) { try await handle.metadata(cancel: $0) }
    }

    /// The same session without the network: calls use what is known, or throw
    /// ``PlicoError/Code/offline``.
    public func offline() -> EncryptionSession {
        EncryptionSession(handle.offline(), errors)
    }

    /// The same session with another bound on how old knowledge may be;
    /// `.zero`: the directory is always asked.
    ///
    /// - Throws: `INVALID_ARGUMENT` for a negative duration.
    public func maxStaleness(_ age: Duration) throws(PlicoError) -> EncryptionSession {
        try direct { EncryptionSession(handle.maxStaleness(age: try age.carried()), errors) }
    }
}

import Foundation
internal import PlicoFFI

/// Until when a session lasts; see ``EncryptionSession/setExpiry(_:cancel:)``. With both,
/// whatever comes first.
public struct Expiry: Sendable, Hashable {
    /// It ends then, to the millisecond; `nil`: at no fixed time.
    public let at: Date?
    /// It ends when nobody has used it for so long, at least a minute; `nil`: however long
    /// that is.
    public let afterIdle: Duration?

    /// - Parameters:
    ///   - at: it ends then.
    ///   - afterIdle: it ends when nobody has used it for so long, at least a minute.
    public init(at: Date? = nil, afterIdle: Duration? = nil) {
        self.at = at
        self.afterIdle = afterIdle
    }

    /// Without end.
    public static let never = Expiry()
}

/// What a session is made with; see ``Account/createSessions(_:cancel:)``.
public struct SessionOptions: Sendable {
    let recipients: [NewRecipient]
    let onMissing: OnMissing
    let suite: Suite?
    let expiry: Expiry
    let tag: String?
    let metadata: Data?

    /// - Parameters:
    ///   - recipients: who gets what, at most 2,047; this account is the owner.
    ///   - onMissing: what happens with user ids that have no account.
    ///   - suite: the cipher; few apps have a reason to name one.
    ///   - expiry: until when it lasts; see ``EncryptionSession/setExpiry(_:cancel:)``.
    ///   - tag: by which it is found, which the directory can read; see
    ///     ``EncryptionSession/setTag(_:cancel:)``.
    ///   - metadata: what is kept beside it, encrypted; see
    ///     ``EncryptionSession/setMetadata(_:cancel:)``.
    public init(
        recipients: [NewRecipient] = [], onMissing: OnMissing = .fail, suite: Suite? = nil,
        expiry: Expiry = .never, tag: String? = nil, metadata: Data? = nil
    ) {
        self.recipients = recipients
        self.onMissing = onMissing
        self.suite = suite
        self.expiry = expiry
        self.tag = tag
        self.metadata = metadata
    }
}

extension SessionOptions: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Names no person, and holds neither tag nor metadata.
    public var description: String { "SessionOptions(recipients: \(recipients.count))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension EncryptionSession {
    /// Says until when the session lasts, in place of what was said before: an end can be
    /// moved, and taken away, until it has come. Then nobody opens the session any more, its
    /// owner included, and the directory deletes everything but the log.
    ///
    /// Changing the session, writing to it and opening it are use, by whoever may; use while
    /// offline is not. Clients tell the directory when a quarter of the time is over.
    ///
    /// - Throws: `NOT_ALLOWED` for whoever is not an owner; `INVALID_ARGUMENT` for less than
    ///   a minute without use; `ENTRY_INVALID` for an end in the past.
    public func setExpiry(_ expiry: Expiry, cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.setExpiry(expiry: try expiry.carried(), cancel: call)
        }
    }

    /// What ``setExpiry(_:cancel:)`` has said.
    public func expiry(cancel: CancelToken? = nil) async throws(PlicoError) -> Expiry {
        try await errors.call(cancel) { Expiry(try await handle.expiry(cancel: $0)) }
    }

    /// When the session ends if nobody uses it; `nil`: never.
    public func endsAt(cancel: CancelToken? = nil) async throws(PlicoError) -> Date? {
        try await errors.call(cancel) { try await handle.endsAt(cancel: $0) }
    }

    /// Gives the session a tag of 1 to 128 bytes of UTF-8, in place of an earlier one; `nil`:
    /// none. By it the session is found (``Account/sessions(tagged:after:cancel:)``), by its
    /// recipients and by the app's backend. **The directory and the backend can read it**;
    /// for what they must not see there is ``setMetadata(_:cancel:)``.
    ///
    /// - Throws: `NOT_ALLOWED` without the rights to forward and to revoke; `TOO_LARGE`;
    ///   `INVALID_ARGUMENT` for an empty one.
    public func setTag(_ tag: String?, cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.setTag(tag: try tag?.carried(), cancel: call)
        }
    }

    /// The session's tag; `nil`: it has none.
    ///
    /// - Throws: `ANSWER_MISMATCH` if the directory withholds it.
    public func tag(cancel: CancelToken? = nil) async throws(PlicoError) -> String? {
        try await errors.call(cancel) { try await handle.tag(cancel: $0) }
    }
}

extension Account {
    /// Makes a session as ``createSession(recipients:onMissing:suite:cancel:)`` does, with an
    /// end, a tag or metadata from the beginning.
    ///
    /// - Throws: as that; and as ``EncryptionSession/setExpiry(_:cancel:)``,
    ///   ``EncryptionSession/setTag(_:cancel:)`` and
    ///   ``EncryptionSession/setMetadata(_:cancel:)``.
    public func createSession(
        _ options: SessionOptions, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> EncryptionSession {
        try await errors.call(cancel) { call in
            let session = try await handle.createSession(
                options: try options.carried(), cancel: call)
            return EncryptionSession(session, errors)
        }
    }

    /// The ids of the sessions with this tag that this account may open by a grant of its
    /// own. The directory says which; each session's own tag is checked when it is opened.
    ///
    /// - Throws: as ``sessions(after:cancel:)``.
    public func sessions(
        tagged tag: String, after: String? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> Page {
        try await errors.call(cancel) { call in
            Page(
                try await handle.sessionsTagged(
                    tag: try tag.carried(), after: try after?.carried(), cancel: call))
        }
    }
}

extension Expiry {
    func carried() throws -> PlicoFFI.PlicoExpiry {
        PlicoFFI.PlicoExpiry(at: try at?.carried(), afterIdle: try afterIdle?.carried())
    }

    init(_ expiry: PlicoFFI.PlicoExpiry) {
        self.init(at: expiry.at, afterIdle: expiry.afterIdle.map { .milliseconds($0 * 1000) })
    }
}

extension NewRecipient {
    func carried() throws -> RecipientGrant {
        RecipientGrant(
            recipient: try recipient.carried(), grant: try grantOf(rights, expiresAt))
    }
}

extension SessionOptions {
    func carried() throws -> NewSession {
        NewSession(
            recipients: try recipients.map { try $0.carried() }, skipMissing: onMissing == .skip,
            suite: suite?.rawValue, expiry: try expiry.carried(), tag: try tag?.carried(),
            metadata: try metadata?.carried())
    }
}

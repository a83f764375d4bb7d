import Foundation

/// The one error that Plico throws.
///
/// ```swift
/// do {
///     let note = try await account.decrypt(sealed, context: place)
/// } catch where error.code == .accessExpired {
///     // …
/// }
/// ```
public struct PlicoError: Error, Sendable {
    /// What went wrong: branch on this.
    public let code: Code

    /// The code, what happened and what to do. It holds no secret, no user id and
    /// nothing of the content, so it may be logged.
    public let message: String

    /// With ``Code/recipientsNotFound``: the user ids that have no account.
    /// Otherwise empty. These are personal data and not part of the message.
    public let recipients: [String]

    /// What the app's own code has thrown, where that made the call fail: its
    /// enrolment, its ``Transport`` (with ``Code/network``: the last of what it
    /// has thrown while the call ran), or its ``Store``.
    public internal(set) var underlying: (any Error)?

    package init(_ code: Code, message: String, recipients: [String] = []) {
        self.code = code
        self.message = message
        self.recipients = recipients
    }
}

extension PlicoError: LocalizedError, CustomStringConvertible {
    public var errorDescription: String? { message }
    public var description: String { message }
}

import Foundation
internal import PlicoFFI

/// What the app's backend must sign for ``Plico/service(cancel:token:)``: a token with
/// `typ` = `plico-service+jwt`, `aud` = the tenant's id, `plico_use` = `read-keys`, `iat`, and
/// `exp` at most 300 seconds later.
public struct ServiceTokenRequest: Sendable, Hashable {
    /// The tenant: the token's `aud`.
    public let tenantID: String
}

/// Signs a token with an enrolment key of the tenant, or asks whoever has it. See
/// ``Plico/service(cancel:token:)``.
public typealias ServiceToken = @Sendable (ServiceTokenRequest) async throws -> String

/// What ``Service/seal(_:for:context:onMissing:suite:cancel:)`` made.
public struct SealedItem: Sendable, Hashable {
    /// To be stored or sent, and opened by ``Account/openSealed(_:context:cancel:)``.
    public let bytes: Data
    /// With ``OnMissing/skip``: the user ids that have no account and were left out.
    /// Otherwise empty; ``description`` leaves them out.
    public let missing: [String]
}

extension SealedItem: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Names no person.
    public var description: String {
        "SealedItem(\(bytes.count) bytes, \(missing.count) user ids missing)"
    }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["bytes": bytes]) }
}

/// What was in a sealed item.
public struct OpenedSealed: Sendable {
    /// The plaintext. Plico keeps no copy.
    public let data: Data
    /// All for whom it was sealed. Nobody can have added or taken away one of them without
    /// being able to open it.
    public let recipients: [MemberID]
    /// As whom this account has opened it: itself, or a group that it is in.
    public let openedAs: MemberID

    /// Who wrote it: ``WrittenBy/unsigned``, always. Everybody who knows the recipients'
    /// public keys can have made it; nothing in it says who did.
    public var writtenBy: WrittenBy { .unsigned }
}

/// A program of the app's backend that seals for others, without an identity and without a
/// session: it has no private key, so it can't read what it has sealed. From
/// ``Plico/service(cancel:token:)``. Keep one for the life of the process: what it has seen
/// of chains and user ids, it holds the directory to.
///
/// Beside the codes that are named, every call may throw `CANCELLED`, `CLOSED`, `NETWORK`,
/// and whatever a lying directory is caught with.
public final class Service: Sendable {
    private let handle: ServiceHandle
    private let errors: HostErrors

    fileprivate init(_ handle: ServiceHandle, _ errors: HostErrors) {
        self.handle = handle
        self.errors = errors
    }

    /// Seals `data` for `recipients`, 1 to 256 user ids, identities and groups, under their
    /// newest keys as the directory shows them now, each verified as an account would. Its
    /// length is padded.
    ///
    /// Who can open it is fixed with this call. It names nobody as its writer: whoever knows
    /// the recipients' public keys, and that is everybody in the tenant, can make one. There
    /// is no grant and no revocation afterwards.
    ///
    /// - Parameters:
    ///   - data: at most 1 GiB.
    ///   - recipients: for whom.
    ///   - context: the place that the item belongs to; must be given again to open.
    ///   - onMissing: what happens with user ids that have no account.
    ///   - suite: the cipher; few apps have a reason to name one.
    ///   - cancel: cancels this call.
    /// - Throws: `RECIPIENTS_NOT_FOUND`, listing all who have no account;
    ///   `IDENTITY_NOT_FOUND`, `GROUP_NOT_FOUND`; `INVALID_ARGUMENT` for no recipient at all,
    ///   or one that is named twice; `TOO_LARGE` for more than 256; `ENROLMENT_FAILED` with
    ///   what the token's function has thrown as `underlying`; `ENROLMENT_INVALID` or
    ///   `ENROLMENT_EXPIRED` for its token; `IDENTITY_CHANGED`, `ATTESTATION_INVALID`.
    public func seal(
        _ data: Data, for recipients: [Recipient], context: Context? = nil,
        onMissing: OnMissing = .fail, suite: Suite? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> SealedItem {
        try await errors.call(cancel) { call in
            let options = SealCall(
                context: try context?.carried(), skipMissing: onMissing == .skip,
                suite: suite?.rawValue)
            let item = try await handle.sealFor(
                recipients: try recipients.map { try $0.carried() },
                plaintext: try data.carried(), options: options, cancel: call)
            return SealedItem(bytes: item.bytes, missing: item.missing)
        }
    }

    /// Accepts that another identity stands behind `userID` from now on, if the app's
    /// backend vouches for it: see ``Account/acceptIdentityChange(of:cancel:)``.
    ///
    /// - Returns: the id of the identity that is trusted from now on.
    @discardableResult
    public func acceptIdentityChange(
        of userID: String, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> String {
        try await errors.call(cancel) { call in
            try await handle.acceptIdentityChange(userId: try userID.carried(), cancel: call)
        }
    }

    /// From now on every call throws ``PlicoError/Code/closed``. Closing again does nothing.
    public func close() {
        handle.close()
    }
}

extension Plico {
    /// For a program of the app's backend that only seals for others. Nothing is asked for
    /// yet.
    ///
    /// - Parameters:
    ///   - cancel: cancels this call.
    ///   - token: is asked for a token when the last one is nearly over, so about every five
    ///     minutes of use.
    /// - Throws: `NETWORK` if nobody knows the tenant yet; `CLOSED`.
    public func service(
        cancel: CancelToken? = nil, token: @escaping ServiceToken
    ) async throws(PlicoError) -> Service {
        var errors = errors
        errors.tokens = LastError()
        let known = errors
        return try await known.call(cancel) { call in
            let tokens = SignTokens(token, known.tokens)
            return Service(try await handle.service(tokens: tokens, cancel: call), known)
        }
    }
}

extension Account {
    /// Opens what ``Service/seal(_:for:context:onMissing:suite:cancel:)`` has sealed for this
    /// account, or for a group that it is in, directly or through groups. What was sealed
    /// under an older key opens, too.
    ///
    /// - Throws: `NOT_ALLOWED` if it was sealed for others; `WRONG_TENANT`;
    ///   `NOT_AN_ENVELOPE`, `ENVELOPE_DAMAGED`, `ENVELOPE_TRUNCATED`; `CONTEXT_REQUIRED`,
    ///   `CONTEXT_UNEXPECTED`, `CONTEXT_MISMATCH`; `NOT_REGISTERED`.
    public func openSealed(
        _ sealed: Data, context: Context? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> OpenedSealed {
        try await errors.call(cancel) { call in
            let opened = try await handle.openSealed(
                sealed: try sealed.carried(), context: try context?.carried(), cancel: call)
            return OpenedSealed(
                data: opened.data, recipients: opened.recipients.map(MemberID.init),
                openedAs: MemberID(opened.openedAs))
        }
    }
}

import Foundation
internal import PlicoFFI

/// One way by which a person may read, or a group that leads to some.
public struct Access: Sendable, Hashable {
    /// A person, or a group.
    public let who: MemberID
    /// The app's own name for a person, if its backend vouches for one; ``description``
    /// leaves it out.
    public let userID: String?
    /// The ids of the groups by which it came, the session's own recipient first; empty: by
    /// a grant of its own.
    public let path: [String]
    /// What the grant allows in the session; in a group, what the group was granted.
    public let rights: Rights
    /// The identity that has signed the grant, or the membership.
    public let grantedBy: String
    /// The app's own name for it; ``description`` leaves it out.
    public let grantedByUserID: String?
    /// Since when, by their clock.
    public let grantedAt: Date
    /// Until when, by the earliest end on the path; `nil`: without end.
    public let expiresAt: Date?
    /// Whether the tenant's operator has suspended it, or a group on the path, as the
    /// directory says. Nobody has signed that; the grant itself stands.
    public let withdrawn: Bool
}

extension Access: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Names no person.
    public var description: String {
        "Access(who: \(who), path: \(path), rights: \(rights.rawValue))"
    }
    public var debugDescription: String { description }
    public var customMirror: Mirror {
        let children: KeyValuePairs<String, Any> = [
            "who": who, "path": path, "rights": rights, "grantedBy": grantedBy,
            "grantedAt": grantedAt, "expiresAt": expiresAt as Any, "withdrawn": withdrawn,
        ]
        return Mirror(self, children: children)
    }
}

/// Why a right has ended.
public enum AccessEnd: Sendable, Hashable {
    /// It was revoked.
    case revoked
    /// Whoever had granted it was revoked, with all below them.
    case cascade
    /// It left, or handed over.
    case left
    /// Its time was over.
    case expired
}

/// Somebody who had rights of their own once, and has none now.
public struct FormerAccess: Sendable, Hashable {
    /// A person, or a group.
    public let who: MemberID
    /// The app's own name for a person; ``description`` leaves it out.
    public let userID: String?
    /// Why.
    public let cause: AccessEnd
    /// The identity that has signed it.
    public let by: String
    /// When, by their clock.
    public let at: Date
}

extension FormerAccess: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Names no person.
    public var description: String { "FormerAccess(who: \(who), cause: \(cause))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror {
        let children: KeyValuePairs<String, Any> = [
            "who": who, "cause": cause, "by": by, "at": at,
        ]
        return Mirror(self, children: children)
    }
}

/// Who may read a session; see ``EncryptionSession/whoMayRead(cancel:)``.
public struct AccessList: Sendable, Hashable {
    /// Everybody, and the groups in between, in the order of a tree.
    public let mayRead: [Access]
    /// Those who no longer may by a grant of their own, in the order in which they left.
    public let former: [FormerAccess]
    /// When the directory was asked, by this device's clock.
    public let asOf: Date
    let text: String

    /// All of it as text for people, a line each, indented by the path. It has names in it:
    /// not for logs.
    public func tree() -> String { text }
}

extension AccessList: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Names no person: see ``tree()``.
    public var description: String {
        "AccessList(mayRead: \(mayRead.count), former: \(former.count), asOf: \(asOf))"
    }
    public var debugDescription: String { description }
    public var customMirror: Mirror {
        let children: KeyValuePairs<String, Any> = [
            "mayRead": mayRead, "former": former, "asOf": asOf,
        ]
        return Mirror(self, children: children)
    }
}

extension EncryptionSession {
    /// Who may read this session, through groups, too: by which path, from whom, since when,
    /// until when; and who no longer may. From the signed logs as the directory shows them
    /// now.
    public func whoMayRead(cancel: CancelToken? = nil) async throws(PlicoError) -> AccessList {
        try await errors.call(cancel) { call in
            AccessList(try await handle.whoMayRead(cancel: call))
        }
    }
}

extension Access {
    init(_ it: PlicoFFI.PlicoAccess) {
        self.init(
            who: MemberID(it.who), userID: it.userId, path: it.path, rights: Rights(it.rights),
            grantedBy: it.grantedBy, grantedByUserID: it.grantedByUserId,
            grantedAt: it.grantedAt, expiresAt: it.expiresAt, withdrawn: it.withdrawn)
    }
}

extension FormerAccess {
    init(_ it: PlicoFFI.PlicoFormerAccess) {
        let cause: AccessEnd =
            switch it.cause {
            case .revoked: .revoked
            case .cascade: .cascade
            case .left: .left
            case .expired: .expired
            }
        self.init(
            who: MemberID(it.who), userID: it.userId, cause: cause, by: it.by, at: it.at)
    }
}

extension AccessList {
    init(_ it: PlicoFFI.PlicoAccessList) {
        self.init(
            mayRead: it.mayRead.map(Access.init), former: it.former.map(FormerAccess.init),
            asOf: it.asOf, text: it.tree)
    }
}

import Foundation

/// What a recipient may do. Reading always belongs to it.
public struct Rights: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Open what is encrypted in the session.
    public static let read = Rights(rawValue: 1)
    /// Grant what it has itself.
    public static let forward = Rights(rawValue: 2)
    /// Take rights away from anybody but owners.
    public static let revoke = Rights(rawValue: 4)
    /// Everything.
    public static let owner = Rights(rawValue: 8)

    static let all: Rights = [.read, .forward, .revoke, .owner]
}

/// Who is meant.
public struct Recipient: Sendable, Hashable {
    enum Name: Sendable, Hashable {
        case user(String)
        case identity(String)
        case group(String)
    }

    let name: Name

    /// Whoever the app's backend vouches for under this user id, of 1 to 256 bytes.
    public static func user(_ id: String) -> Recipient {
        Recipient(name: .user(id))
    }

    /// The identity with this id: 43 characters of base64url.
    public static func identity(_ id: String) -> Recipient {
        Recipient(name: .identity(id))
    }

    /// All who are in the group with this id, now and later: 43 characters of base64url.
    public static func group(_ id: String) -> Recipient {
        Recipient(name: .group(id))
    }
}

/// A person or a service, or a group, by its id: 43 characters of base64url.
public enum MemberID: Sendable, Hashable {
    /// A person, or a service.
    case identity(String)
    /// All who are in this group.
    case group(String)

    /// The same, to be given to a call.
    public var recipient: Recipient {
        switch self {
        case .identity(let id): .identity(id)
        case .group(let id): .group(id)
        }
    }
}

/// Who gets what when a session is made.
public struct NewRecipient: Sendable, Hashable {
    let recipient: Recipient
    let rights: Rights
    let expiresAt: Date?

    /// Whoever the app's backend vouches for under this user id, of 1 to 256 bytes.
    ///
    /// - Parameters:
    ///   - rights: what it may do; reading, if not given.
    ///   - expiresAt: when that ends; not by itself, if not given.
    public static func user(
        _ id: String, rights: Rights = .read, expiresAt: Date? = nil
    ) -> NewRecipient {
        NewRecipient(recipient: .user(id), rights: rights, expiresAt: expiresAt)
    }

    /// The identity with this id: 43 characters of base64url.
    ///
    /// - Parameters:
    ///   - rights: what it may do; reading, if not given.
    ///   - expiresAt: when that ends; not by itself, if not given.
    public static func identity(
        _ id: String, rights: Rights = .read, expiresAt: Date? = nil
    ) -> NewRecipient {
        NewRecipient(recipient: .identity(id), rights: rights, expiresAt: expiresAt)
    }

    /// All who are in the group with this id, now and later: 43 characters of base64url.
    ///
    /// - Parameters:
    ///   - rights: what it may do; reading, if not given.
    ///   - expiresAt: when that ends; not by itself, if not given.
    public static func group(
        _ id: String, rights: Rights = .read, expiresAt: Date? = nil
    ) -> NewRecipient {
        NewRecipient(recipient: .group(id), rights: rights, expiresAt: expiresAt)
    }
}

/// One recipient of a session.
public struct RecipientInfo: Sendable, Hashable {
    /// Who: 43 characters of base64url.
    public let identityID: String
    /// The app's own name for it, if its backend vouches for one.
    public let userID: String?
    /// What it may do.
    public let rights: Rights
    /// The identity that has granted this.
    public let grantedBy: String
    /// Since when, by the grantor's clock.
    public let grantedAt: Date
    /// Until when; `nil`: without end.
    public let expiresAt: Date?
}

extension RecipientInfo: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Names no person: the user id is left out.
    public var description: String {
        "RecipientInfo(identityID: \(identityID), rights: \(rights.rawValue))"
    }
    public var debugDescription: String { description }
    public var customMirror: Mirror {
        let children: KeyValuePairs<String, Any> = [
            "identityID": identityID, "rights": rights, "grantedBy": grantedBy,
            "grantedAt": grantedAt, "expiresAt": expiresAt as Any,
        ]
        return Mirror(self, children: children)
    }
}

import Foundation
internal import PlicoFFI

/// What somebody may do in a group. What the group may do in a session, each of its
/// members may do there, whatever their role.
public enum GroupRole: Sendable, Hashable {
    /// Belongs to it.
    case member
    /// Adds and removes members, too, and renames the group.
    case manager
    /// Everything; owners alone act on owners.
    case owner
}

/// Who is in a group when it is made.
public struct NewMember: Sendable, Hashable {
    let recipient: Recipient
    let role: GroupRole

    /// Whoever the app's backend vouches for under this user id, of 1 to 256 bytes.
    public static func user(_ id: String, role: GroupRole = .member) -> NewMember {
        NewMember(recipient: .user(id), role: role)
    }

    /// The identity with this id: 43 characters of base64url.
    public static func identity(_ id: String, role: GroupRole = .member) -> NewMember {
        NewMember(recipient: .identity(id), role: role)
    }

    /// All who are in the group with this id: 43 characters of base64url.
    public static func group(_ id: String, role: GroupRole = .member) -> NewMember {
        NewMember(recipient: .group(id), role: role)
    }
}

/// Somebody who belongs to a group, as its signed log says.
public struct GroupMember: Sendable, Hashable {
    /// A person, or another group.
    public let who: MemberID
    /// The app's own name for a person, if its backend vouches for one; ``description``
    /// leaves it out.
    public let userID: String?
    /// What they may do in the group.
    public let role: GroupRole
    /// The identity that has added them, or changed their role last.
    public let addedBy: String
    /// Since when, by the clock of whoever added them.
    public let addedAt: Date
    /// Until when; `nil`: without end.
    public let expiresAt: Date?
}

extension GroupMember: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Names no person.
    public var description: String { "GroupMember(who: \(who), role: \(role))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror {
        let children: KeyValuePairs<String, Any> = [
            "who": who, "role": role, "addedBy": addedBy, "addedAt": addedAt,
            "expiresAt": expiresAt as Any,
        ]
        return Mirror(self, children: children)
    }
}

/// A group, as one account sees it: the ward, the practice. It is a recipient like a
/// person (``Recipient/group(_:)``); who belongs to it changes without touching a session.
///
/// Beside the codes that are named, every call may throw `CANCELLED`, `CLOSED`, and those
/// of ``refresh(cancel:)``.
public final class Group: Sendable {
    let handle: GroupHandle
    let errors: HostErrors

    init(_ handle: GroupHandle, _ errors: HostErrors) {
        self.handle = handle
        self.errors = errors
    }

    /// The group's id, 43 characters of base64url.
    public var id: String {
        handle.id()
    }

    /// Asks the directory for what is new.
    ///
    /// - Throws: `GROUP_NOT_FOUND`, `NETWORK`; what the store gives; whatever a lying
    ///   directory is caught with.
    public func refresh(cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { try await handle.refresh(cancel: $0) }
    }

    /// Its name; `nil` if it has none.
    ///
    /// - Throws: `EPOCH_UNAVAILABLE` for whoever does not belong to it.
    public func name(cancel: CancelToken? = nil) async throws(PlicoError) -> String? {
        try await errors.call(cancel) { try await handle.name(cancel: $0) }
    }

    /// Gives it another name, of at most 4,096 bytes of UTF-8.
    ///
    /// - Throws: `NOT_ALLOWED` for plain members; `TOO_LARGE`.
    public func rename(_ name: String, cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.rename(name: try name.carried(), cancel: call)
        }
    }

    /// Who belongs to it: people and groups, as its signed log says.
    public func members(cancel: CancelToken? = nil) async throws(PlicoError) -> [GroupMember] {
        try await errors.call(cancel) { call in
            try await handle.members(cancel: call).map(GroupMember.init)
        }
    }

    /// Adds somebody, or all of another group, or changes their role. All that the group may
    /// open they may open from now on, and no session is touched for it; unless the group
    /// was made "from now on".
    ///
    /// - Parameters:
    ///   - role: what they may do in the group.
    ///   - expiresAt: until when they belong to it; without end, if not given.
    /// - Throws: `NOT_ALLOWED` for plain members, for a role above one's own, and for an
    ///   owner with an end; `ENTRY_INVALID` for a group that contains this one, too deep
    ///   nesting, or an end in the past; `RECIPIENTS_NOT_FOUND`; `INVALID_ARGUMENT` for this
    ///   account itself.
    public func add(
        _ recipient: Recipient, role: GroupRole = .member, expiresAt: Date? = nil,
        cancel: CancelToken? = nil
    ) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.add(
                recipient: try recipient.carried(), role: role.carried(),
                expiresAt: try expiresAt?.carried(), cancel: call)
        }
    }

    /// Removes somebody and gives the group a new key, in one step. They open nothing that
    /// is wrapped to the group from now on; sessions are due, and their next writer begins an
    /// epoch without them. What they could open before, they may have kept.
    ///
    /// - Parameters:
    ///   - cascade: whether those fall with them whom they had added.
    /// - Throws: `NOT_ALLOWED` for plain members, and for an owner unless by an owner;
    ///   `INVALID_ARGUMENT` for whoever does not belong to it.
    public func remove(
        _ recipient: Recipient, cascade: Bool = false, cancel: CancelToken? = nil
    ) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.remove(
                recipient: try recipient.carried(), cascade: cascade, cancel: call)
        }
    }

    /// Leaves the group.
    ///
    /// - Throws: `NOT_ALLOWED` for the last owner, who hands over first.
    public func leave(cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { try await handle.leave(cancel: $0) }
    }

    /// Makes `recipient` an owner.
    ///
    /// - Parameters:
    ///   - keeping: what this account stays; it leaves, if not given.
    /// - Throws: `NOT_ALLOWED` for whoever is not an owner; and as
    ///   ``add(_:role:expiresAt:cancel:)``.
    public func transfer(
        to recipient: Recipient, keeping: GroupRole? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.transfer(
                to: try recipient.carried(), keep: keeping?.carried(), cancel: call)
        }
    }

    /// Gives the group a new key. Removing somebody does it by itself.
    ///
    /// - Throws: `CONFLICT` after many lost races.
    public func rotate(cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { try await handle.rotate(cancel: $0) }
    }

    /// Deletes the group: all others leave, and nobody opens anything through it any more.
    /// Sessions that it was in go on without it; their next writer begins an epoch.
    ///
    /// - Throws: `NOT_ALLOWED` for whoever is not an owner.
    public func delete(cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { try await handle.delete(cancel: $0) }
    }
}

extension Account {
    /// Makes a group that this account owns. A session, or another group, takes it as
    /// `.group(id)`: for one wrapped key, however many belong to it.
    ///
    /// - Parameters:
    ///   - name: what members see as its name, at most 4,096 bytes of UTF-8; the directory
    ///     can't read it.
    ///   - members: who belongs to it from the beginning.
    ///   - fromNowOn: whether whoever is added later opens only what comes from then on;
    ///     otherwise, all that the group may open. Fixed for ever.
    ///   - cancel: cancels this call.
    /// - Throws: as ``createSession(recipients:onMissing:suite:cancel:)``; `GROUP_NOT_FOUND`;
    ///   `ENTRY_INVALID` if groups would be nested more than four deep; `TOO_LARGE` for a
    ///   longer name.
    public func createGroup(
        name: String? = nil, members: [NewMember] = [], fromNowOn: Bool = false,
        cancel: CancelToken? = nil
    ) async throws(PlicoError) -> Group {
        try await errors.call(cancel) { call in
            let members = try members.map {
                RecipientRole(recipient: try $0.recipient.carried(), role: $0.role.carried())
            }
            let options = NewGroup(
                name: try name?.carried(), members: members, fromNowOn: fromNowOn)
            return Group(try await handle.createGroup(options: options, cancel: call), errors)
        }
    }

    /// The group with this id, 43 characters of base64url. Nobody is asked yet.
    ///
    /// - Throws: `INVALID_ARGUMENT` for what is not an id.
    public func group(_ id: String) throws(PlicoError) -> Group {
        try direct { Group(try handle.group(groupId: try id.carried()), errors) }
    }
}

internal import PlicoFFI

/// A part of a list of ids.
public struct Page: Sendable, Hashable {
    /// In the order of the ids, at most 1,024.
    public let items: [String]
    /// Whether there are more: ask again with the last of ``items`` as `after`.
    public let more: Bool
}

extension Account {
    /// The ids of the sessions that this account may open by a grant of its own. Those that
    /// it may open through a group: ``sessions(ofGroup:after:cancel:)``.
    ///
    /// - Parameters:
    ///   - after: the last id of the page before; `nil`: the first page.
    ///   - cancel: cancels this call.
    /// - Throws: `NOT_REGISTERED`; `INVALID_ARGUMENT` for what is not an id.
    public func sessions(
        after: String? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> Page {
        try await errors.call(cancel) { call in
            Page(try await handle.sessions(after: try after?.carried(), cancel: call))
        }
    }

    /// The ids of the sessions that were granted to a group that this account is in.
    ///
    /// - Throws: `GROUP_NOT_FOUND` for one that it is not in; as ``sessions(after:cancel:)``.
    public func sessions(
        ofGroup groupID: String, after: String? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> Page {
        try await errors.call(cancel) { call in
            Page(
                try await handle.sessionsOfGroup(
                    groupId: try groupID.carried(), after: try after?.carried(), cancel: call))
        }
    }

    /// The ids of the groups that this account belongs to itself, not through another group.
    ///
    /// - Throws: as ``sessions(after:cancel:)``.
    public func groups(
        after: String? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> Page {
        try await errors.call(cancel) { call in
            Page(try await handle.groups(after: try after?.carried(), cancel: call))
        }
    }
}

extension Page {
    init(_ page: PlicoFFI.PlicoPage) {
        self.init(items: page.items, more: page.more)
    }
}

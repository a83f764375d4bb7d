internal import PlicoFFI

/// How far a walk through everything has come; see
/// ``Account/revokeEverywhere(_:sessionsOnly:throughGroups:cascade:after:onProgress:cancel:)``.
public struct EverywhereProgress: Sendable, Hashable {
    /// Groups and sessions that were looked at.
    public let done: UInt64
    /// Those of them that were changed.
    public let changed: UInt64
    /// Those of them where what was wanted could not be done.
    public let failed: UInt64
    /// Where to go on from here, as `after`.
    public let cursor: String
}

/// What is to be said of one session or group.
public enum EverywhereProblem: Sendable {
    /// It could not be done there: nothing was changed.
    case failed(PlicoError)
    /// Whoever was revoked has no rights of their own there, but still reads through this
    /// group, which this account could not, or was not to, take them out of.
    case stillThrough(groupID: String)
    /// Less was given than the other one has there: this account may not grant more.
    case reduced
}

/// A session or a group, and what is to be said of it.
public struct EverywhereIssue: Sendable {
    /// The session; `nil` if it is a group.
    public let sessionID: String?
    /// The group; `nil` if it is a session.
    public let groupID: String?
    /// What is to be said.
    public let problem: EverywhereProblem
}

/// What has come of a walk through everything.
public struct EverywhereSummary: Sendable {
    /// Groups and sessions that were looked at.
    public let done: UInt64
    /// Those of them that were changed.
    public let changed: UInt64
    /// Those of them where what was wanted could not be done.
    public let failed: UInt64
    /// Those of them that whoever was revoked still reads through a group.
    public let stillThrough: UInt64
    /// Those of them where less was given than the other one has.
    public let reduced: UInt64
    /// The first 1,000 of these, with what is to be said of each.
    public let issues: [EverywhereIssue]
    /// Where to go on; `nil`: it has come to the end.
    public let cursor: String?
    /// Why it has not come to the end: the directory could not be reached, say.
    public let interrupted: PlicoError?
}

extension Account {
    /// Takes `recipient` out of everything that this account may change: the groups that it
    /// manages, then the sessions; page by page, in few requests. Doing it again changes
    /// nothing more. Cancelling stops at once; the cursor of the last progress says where to
    /// go on.
    ///
    /// **Read the summary.** It lists the sessions where this account has no right to do so
    /// (``EverywhereProblem/failed(_:)``), and those that the person still reads through a
    /// group (``EverywhereProblem/stillThrough(groupID:)``). Sessions that this account can't
    /// open are not in it at all, and what could be opened before may have been kept.
    ///
    /// - Parameters:
    ///   - recipient: who is taken out.
    ///   - sessionsOnly: whether memberships in groups are left as they are.
    ///   - throughGroups: whether it goes through the sessions, too, that this account may
    ///     open through its groups. One that is found in several ways is looked at several
    ///     times.
    ///   - cascade: whether those to whom it had granted fall with it.
    ///   - after: goes on where another walk for the same was: the cursor of its last
    ///     progress, or of its summary. It is no secret, and may be stored.
    ///   - onProgress: is told how far it is, after each step of up to 64 groups or sessions.
    ///     Called on any thread: it must be quick.
    ///   - cancel: cancels this call.
    /// - Throws: `NOT_REGISTERED`, `OFFLINE`; `INVALID_ARGUMENT` for this account itself and
    ///   for a cursor that is none; `RECIPIENTS_NOT_FOUND`. What goes wrong on the way is in
    ///   the summary.
    public func revokeEverywhere(
        _ recipient: Recipient, sessionsOnly: Bool = false, throughGroups: Bool = false,
        cascade: Bool = false, after: String? = nil,
        onProgress: (@Sendable (EverywhereProgress) -> Void)? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> EverywhereSummary {
        let mark = errors.mark()
        return try await errors.call(cancel) { call in
            let options = try EverywhereCall(
                sessionsOnly, throughGroups, cascade, after, onProgress)
            let walk = try await handle.revokeEverywhere(
                recipient: try recipient.carried(), options: options, cancel: call)
            return EverywhereSummary(walk, errors, mark)
        }
    }

    /// Gives `other` all that `recipient` has: in each group and session where `recipient`
    /// has rights of its own, the same rights until the same end, but no more than this
    /// account may grant there. What `other` has already is never made less. Through a
    /// group, `other` gets what `recipient` has by becoming a member.
    ///
    /// The summary lists where it was less (``EverywhereProblem/reduced``), and where this
    /// account may not grant at all (``EverywhereProblem/failed(_:)``). Doing it again changes
    /// nothing more. The other parameters are those of
    /// ``revokeEverywhere(_:sessionsOnly:throughGroups:cascade:after:onProgress:cancel:)``.
    ///
    /// - Throws: as that, for `other`.
    public func giveAll(
        of recipient: Recipient, to other: Recipient, sessionsOnly: Bool = false,
        throughGroups: Bool = false, after: String? = nil,
        onProgress: (@Sendable (EverywhereProgress) -> Void)? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> EverywhereSummary {
        let mark = errors.mark()
        return try await errors.call(cancel) { call in
            let options = try EverywhereCall(
                sessionsOnly, throughGroups, false, after, onProgress)
            let walk = try await handle.giveAllOf(
                from: try recipient.carried(), to: try other.carried(), options: options,
                cancel: call)
            return EverywhereSummary(walk, errors, mark)
        }
    }
}

extension EverywhereCall {
    fileprivate init(
        _ sessionsOnly: Bool, _ throughGroups: Bool, _ cascade: Bool, _ after: String?,
        _ onProgress: (@Sendable (EverywhereProgress) -> Void)?
    ) throws {
        self.init(
            sessionsOnly: sessionsOnly, throughGroups: throughGroups, cascade: cascade,
            after: try after?.carried(), progress: onProgress.map(TellWalk.init))
    }
}

extension EverywhereSummary {
    fileprivate init(
        _ it: PlicoFFI.PlicoEverywhereSummary, _ errors: HostErrors, _ mark: HostErrors.Mark
    ) {
        self.init(
            done: it.done, changed: it.changed, failed: it.failed, stillThrough: it.stillThrough,
            reduced: it.reduced,
            issues: it.issues.map { issue in
                let problem: EverywhereProblem =
                    if let failure = issue.failure {
                        .failed(errors.error(failure, since: mark))
                    } else if let group = issue.stillThrough {
                        .stillThrough(groupID: group)
                    } else {
                        .reduced
                    }
                return EverywhereIssue(
                    sessionID: issue.sessionId, groupID: issue.groupId, problem: problem)
            },
            cursor: it.cursor, interrupted: it.interrupted.map { errors.error($0, since: mark) })
    }
}

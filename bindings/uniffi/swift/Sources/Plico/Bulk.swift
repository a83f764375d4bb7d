internal import PlicoFFI

// Many sessions, or many recipients, in one call and few requests.

extension Account {
    /// Makes many sessions, in few requests. Those with the same recipients are made all the
    /// same.
    ///
    /// - Returns: one result for each, in this order; the failures are those of
    ///   ``createSession(_:cancel:)``.
    /// - Throws: `NOT_REGISTERED`, `OFFLINE`, `INVALID_ARGUMENT`.
    public func createSessions(
        _ sessions: [SessionOptions], cancel: CancelToken? = nil
    ) async throws(PlicoError) -> [Result<EncryptionSession, PlicoError>] {
        let mark = errors.mark()
        return try await errors.call(cancel) { call in
            let made = try await handle.createSessions(
                sessions: try sessions.map { try $0.carried() }, cancel: call)
            return made.map { made in
                if let session = made.session {
                    return .success(EncryptionSession(session, errors))
                }
                return .failure(errors.error(made.failure, since: mark))
            }
        }
    }

    /// Gives recipients rights in each of the sessions, with one write for each session, in
    /// few requests.
    ///
    /// - Parameters:
    ///   - recipients: who gets what in each of them.
    ///   - sessionIDs: the sessions.
    ///   - cancel: cancels this call.
    /// - Returns: the results by session and recipient, in these orders; the failures are
    ///   those of ``EncryptionSession/grant(_:rights:expiresAt:cancel:)``.
    /// - Throws: `NOT_REGISTERED`, `OFFLINE`; `INVALID_ARGUMENT` for what is not an id;
    ///   `NETWORK` if nobody can be looked up.
    @discardableResult
    public func grant(
        _ recipients: [NewRecipient], in sessionIDs: [String], cancel: CancelToken? = nil
    ) async throws(PlicoError) -> [[Result<Void, PlicoError>]] {
        let mark = errors.mark()
        return try await errors.call(cancel) { call in
            let results = try await handle.grantMany(
                sessionIds: try sessionIDs.map { try $0.carried() },
                to: try recipients.map { try $0.carried() }, cancel: call)
            return results.map { errors.told($0, since: mark) }
        }
    }

    /// Takes all rights from recipients in each of the sessions, with one write and one new
    /// epoch for each session, in few requests. Whoever is not a recipient of a session
    /// counts as done there.
    ///
    /// - Parameters:
    ///   - recipients: who loses them in each of the sessions.
    ///   - sessionIDs: the sessions.
    ///   - cascade: whether those to whom they had granted fall with them.
    ///   - cancel: cancels this call.
    /// - Returns: the results by session and recipient, in these orders; the failures are
    ///   those of ``EncryptionSession/revoke(_:cascade:cancel:)``.
    /// - Throws: as ``grant(_:in:cancel:)``.
    @discardableResult
    public func revoke(
        _ recipients: [Recipient], in sessionIDs: [String], cascade: Bool = false,
        cancel: CancelToken? = nil
    ) async throws(PlicoError) -> [[Result<Void, PlicoError>]] {
        let mark = errors.mark()
        return try await errors.call(cancel) { call in
            let results = try await handle.revokeMany(
                sessionIds: try sessionIDs.map { try $0.carried() },
                from: try recipients.map { try $0.carried() }, cascade: cascade, cancel: call)
            return results.map { errors.told($0, since: mark) }
        }
    }
}

extension EncryptionSession {
    /// Gives many recipients rights, with one write for up to 1,024 of them.
    ///
    /// - Returns: one result for each, in this order; the failures are those of
    ///   ``grant(_:rights:expiresAt:cancel:)``.
    /// - Throws: `NOT_REGISTERED`, `OFFLINE`; `INVALID_ARGUMENT` for what is not an id;
    ///   `NETWORK` if nobody can be looked up.
    @discardableResult
    public func grantAll(
        _ recipients: [NewRecipient], cancel: CancelToken? = nil
    ) async throws(PlicoError) -> [Result<Void, PlicoError>] {
        let mark = errors.mark()
        return try await errors.call(cancel) { call in
            let results = try await handle.grantAll(
                to: try recipients.map { try $0.carried() }, cancel: call)
            return errors.told(results, since: mark)
        }
    }

    /// Takes all rights from many recipients and begins one new epoch, in one step. Whoever
    /// is not a recipient counts as done.
    ///
    /// - Parameters:
    ///   - recipients: who loses them.
    ///   - cascade: whether those to whom they had granted fall with them.
    ///   - cancel: cancels this call.
    /// - Returns: one result for each, in this order; the failures are those of
    ///   ``revoke(_:cascade:cancel:)``.
    /// - Throws: as ``grantAll(_:cancel:)``.
    @discardableResult
    public func revokeAll(
        _ recipients: [Recipient], cascade: Bool = false, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> [Result<Void, PlicoError>] {
        let mark = errors.mark()
        return try await errors.call(cancel) { call in
            let results = try await handle.revokeAll(
                from: try recipients.map { try $0.carried() }, cascade: cascade, cancel: call)
            return errors.told(results, since: mark)
        }
    }
}

extension Group {
    /// Adds many, or changes their roles, in one write for up to 1,024 of them.
    ///
    /// - Returns: one result for each, in this order; the failures are those of
    ///   ``add(_:role:expiresAt:cancel:)``.
    /// - Throws: as ``EncryptionSession/grantAll(_:cancel:)``.
    @discardableResult
    public func addMembers(
        _ members: [NewMember], cancel: CancelToken? = nil
    ) async throws(PlicoError) -> [Result<Void, PlicoError>] {
        let mark = errors.mark()
        return try await errors.call(cancel) { call in
            let members = try members.map {
                RecipientRole(recipient: try $0.recipient.carried(), role: $0.role.carried())
            }
            let results = try await handle.addMembers(members: members, cancel: call)
            return errors.told(results, since: mark)
        }
    }

    /// Removes many and gives the group one new key, in one step. Whoever does not belong to
    /// it counts as done.
    ///
    /// - Parameters:
    ///   - members: who is removed.
    ///   - cascade: whether those fall with them whom they had added.
    ///   - cancel: cancels this call.
    /// - Returns: one result for each, in this order; the failures are those of
    ///   ``remove(_:cascade:cancel:)``.
    /// - Throws: as ``EncryptionSession/revokeAll(_:cascade:cancel:)``.
    @discardableResult
    public func removeMembers(
        _ members: [Recipient], cascade: Bool = false, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> [Result<Void, PlicoError>] {
        let mark = errors.mark()
        return try await errors.call(cancel) { call in
            let results = try await handle.removeMembers(
                members: try members.map { try $0.carried() }, cascade: cascade, cancel: call)
            return errors.told(results, since: mark)
        }
    }
}

extension HostErrors {
    func error(_ failure: ItemFailure?, since mark: Mark) -> PlicoError {
        guard let failure else {
            return PlicoError(
                .internal, message: "INTERNAL: A call inside Plico failed unexpectedly.")
        }
        var error = PlicoError(
            PlicoError.Code(rawValue: failure.code), message: failure.reason,
            recipients: failure.recipients)
        error.underlying = cause(of: error.code, since: mark)
        return error
    }

    fileprivate func told(
        _ results: [ItemResult], since mark: Mark
    ) -> [Result<Void, PlicoError>] {
        results.map { $0.failure == nil ? .success(()) : .failure(error($0.failure, since: mark)) }
    }
}

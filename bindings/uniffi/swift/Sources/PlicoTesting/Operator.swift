import Plico
internal import PlicoTestingFFI

// What the tenant's operator, and a program of the app's backend, do.

extension TestDirectory {
    /// The operator withdraws somebody from a session: they are given nothing and may do
    /// nothing in it, until that is lifted.
    ///
    /// - Throws: `CONFLICT` for a second change within one second of the clock;
    ///   `SESSION_NOT_FOUND`.
    public func withdraw(
        _ who: MemberID, from session: EncryptionSession
    ) async throws(PlicoError) {
        try await failing { try await kit.withdraw(of: .session(id: session.id), who: who.kit) }
    }

    /// The same for a group.
    public func withdraw(_ who: MemberID, from group: Group) async throws(PlicoError) {
        try await failing { try await kit.withdraw(of: .group(id: group.id), who: who.kit) }
    }

    /// And takes it back.
    ///
    /// - Throws: as ``withdraw(_:from:)-(_,EncryptionSession)``.
    public func lift(_ who: MemberID, from session: EncryptionSession) async throws(PlicoError) {
        try await failing { try await kit.lift(of: .session(id: session.id), who: who.kit) }
    }

    /// The same for a group.
    public func lift(_ who: MemberID, from group: Group) async throws(PlicoError) {
        try await failing { try await kit.lift(of: .group(id: group.id), who: who.kit) }
    }

    /// The operator destroys a session: the directory deletes all but its log.
    ///
    /// - Throws: `SESSION_NOT_FOUND`.
    public func destroy(_ session: EncryptionSession) async throws(PlicoError) {
        try await failing { try await kit.destroy(of: .session(id: session.id)) }
    }

    /// The same for a group.
    public func destroy(_ group: Group) async throws(PlicoError) {
        try await failing { try await kit.destroy(of: .group(id: group.id)) }
    }

    /// What the app's backend finds by a tag: the ids of at most 1,024 sessions after `after`.
    ///
    /// - Throws: `INVALID_ARGUMENT` for what is not an id.
    public func findSessions(
        tagged tag: String, after: String? = nil
    ) async throws(PlicoError) -> [String] {
        try await failing { try await kit.findSessions(tag: tag, after: after) }
    }

    /// A token as the app's backend signs it for a program of its own, valid for five
    /// minutes.
    public func serviceToken() -> String {
        kit.serviceToken()
    }

    /// A program of the app's backend that seals for others, with a connection of its own.
    ///
    /// - Throws: as `Plico.service`.
    public func service() async throws(PlicoError) -> TestService {
        let connection = connection()
        let plico = try await plico(connection: connection)
        let service = try await plico.service { _ in self.serviceToken() }
        return TestService(plico: plico, service: service, connection: connection)
    }
}

/// A program of the app's backend that seals for others.
public struct TestService: Sendable {
    /// The program's connection to the directory.
    public let plico: Plico
    /// What seals.
    public let service: Service
    /// What the program's requests go over, with its switches.
    public let connection: TestConnection
}

extension MemberID {
    fileprivate var kit: KitWho {
        switch self {
        case .identity(let id): .identity(id: id)
        case .group(let id): .group(id: id)
        }
    }
}

import Foundation
import Plico
internal import PlicoTestingFFI

/// A real key directory inside the test's own process, with one tenant, a clock that
/// the test moves, and lies that it tells on demand. It ends with the last object that
/// came from it.
///
/// ```swift
/// let directory = try await TestDirectory.start()
/// let doctor = try await directory.person("dr.a")
/// let session = try await doctor.account.createSession()
/// ```
public final class TestDirectory: Sendable {
    let kit: KitDirectory

    private init(_ kit: KitDirectory) {
        self.kit = kit
    }

    /// Starts an empty directory whose clock stands at the system's time.
    ///
    /// - Throws: `INTERNAL` if the system gives no temporary folder or no thread.
    public static func start() async throws(PlicoError) -> TestDirectory {
        try await failing { TestDirectory(try await startDirectory()) }
    }

    /// The URL that clients are configured with. Nothing listens there: a client needs a
    /// ``connection()``, too.
    public var url: URL {
        URL(string: kit.url()) ?? URL(fileURLWithPath: "/")
    }

    /// The tenant's id.
    public var tenantID: String {
        kit.tenant()
    }

    /// The clock of the directory and of all who are on it.
    public var clock: TestClock {
        TestClock(kit.clock())
    }

    /// A new connection: the transport of one program.
    public func connection() -> TestConnection {
        TestConnection(kit.connection())
    }

    /// A client of this directory, under its clock.
    ///
    /// - Parameters:
    ///   - connection: how its requests travel; a new connection, if not given.
    ///   - clock: the device's own clock, see ``TestClock/ahead(by:)``; the directory's,
    ///     if not given.
    /// - Throws: as `Plico.open`.
    public func plico(
        connection: (any Transport)? = nil,
        clock: TestClock? = nil,
        maxStaleness: Duration? = nil,
        attempts: Int? = nil,
        onEvent: (@Sendable (Plico.Event) -> Void)? = nil,
        onLog: (@Sendable (Plico.LogRecord) -> Void)? = nil
    ) async throws(PlicoError) -> Plico {
        try await Plico.open(
            directory: kit.url(), tenant: tenantID, transport: connection ?? self.connection(),
            clock: clock ?? self.clock, maxStaleness: maxStaleness, attempts: attempts,
            onEvent: onEvent, onLog: onLog)
    }

    /// Somebody registered under `userID`, with a store in memory and a connection of
    /// their own.
    ///
    /// - Throws: as `Account.register`.
    public func person(_ userID: String) async throws(PlicoError) -> TestPerson {
        let connection = connection()
        let plico = try await plico(connection: connection)
        let account = try await plico.account(store: .memory)
        try await account.register(userID: userID) { try self.enrol(userID, $0.identityID) }
        return TestPerson(userID: userID, plico: plico, account: account, connection: connection)
    }

    /// What an app's backend does once a person has signed in: a token that vouches for
    /// the identity under `userID`, valid for five minutes.
    ///
    /// - Parameters:
    ///   - number: the binding's; a person who begins anew under a user id that was in
    ///     use needs a higher one than before.
    /// - Throws: `INVALID_ARGUMENT` for what is not an identity's id.
    public func enrol(
        _ userID: String, _ identityID: String, number: UInt64 = 1
    ) throws(PlicoError) -> String {
        do {
            return try kit.enrol(userId: userID, identityId: identityID, number: number)
        } catch {
            throw PlicoError(kit: error)
        }
    }

    /// What an app's backend does to disable an identity (`IDENTITY_DISABLED`), or to let it
    /// be active again.
    ///
    /// - Throws: `CONFLICT` for a second change within one second of the clock;
    ///   `IDENTITY_NOT_FOUND`; `IDENTITY_DELETED`; `INVALID_ARGUMENT`.
    public func setStanding(of identityID: String, active: Bool) async throws(PlicoError) {
        try await failing { try await kit.setStanding(identityId: identityID, active: active) }
    }

    /// The operator says after how many days user keys are renewed; 0: not by themselves.
    ///
    /// - Throws: `INTERNAL` if the system refuses.
    public func setUserKeyDays(_ days: UInt32) async throws(PlicoError) {
        try await failing { try await kit.setUserKeyDays(days: days) }
    }

    /// Whether the directory can't be reached, by anybody.
    public func down(_ down: Bool) {
        kit.down(down: down)
    }

    /// Stops the directory's program and starts it again on the same data.
    ///
    /// - Throws: `INTERNAL` if the system refuses.
    public func restart() async throws(PlicoError) {
        try await failing { try await kit.restart() }
    }

    /// The directory's whole content now.
    ///
    /// - Throws: `INTERNAL` if the system refuses.
    public func backup() async throws(PlicoError) -> TestBackup {
        try await failing { TestBackup(kit: try await kit.backup()) }
    }

    /// The directory loses everything that was written after `backup` was made. The
    /// clock does not move.
    ///
    /// - Throws: `INTERNAL` if the system refuses.
    public func restore(_ backup: TestBackup) async throws(PlicoError) {
        try await failing { try await kit.restore(backup: backup.kit) }
    }

    /// From now on the directory tells this lie to everybody, in every answer to which
    /// it applies.
    ///
    /// - Throws: `INVALID_ARGUMENT` for one that is not in ``Lie/allCases``.
    public func tell(_ lie: Lie) throws(PlicoError) {
        do {
            try kit.tell(name: lie.rawValue)
        } catch {
            throw PlicoError(kit: error)
        }
    }

    /// From now on the directory lies no more.
    public func honest() {
        kit.honest()
    }

    /// In how many answers the last lie was told. A lie that found nothing to apply to
    /// proves nothing: let a test look at this.
    public var told: Int {
        Int(clamping: kit.told())
    }
}

/// A directory's whole content at one moment.
public struct TestBackup: Sendable {
    let kit: KitBackup
}

/// Somebody with an account, on one device.
public struct TestPerson: Sendable {
    /// The app's own name for the person.
    public let userID: String
    /// The person's own program.
    public let plico: Plico
    /// Registered.
    public let account: Account
    /// The program's own connection, with its switches.
    public let connection: TestConnection
}

/// Something false that a directory may say.
public struct Lie: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral, CaseIterable {
    /// Its name, such as `UserIdMoved`.
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public init(stringLiteral name: String) {
        rawValue = name
    }

    /// All that the kit knows.
    public static var allCases: [Lie] {
        lies().map(Lie.init(rawValue:))
    }
}

func failing<T: Sendable>(_ work: () async throws -> T) async throws(PlicoError) -> T {
    do {
        return try await work()
    } catch {
        throw PlicoError(kit: error)
    }
}

extension PlicoError {
    init(kit error: any Error) {
        guard case KitFailure.Kit(let code, let reason) = error else {
            self.init(.internal, message: "INTERNAL: The testing kit failed unexpectedly.")
            return
        }
        self.init(Code(rawValue: code), message: reason)
    }
}

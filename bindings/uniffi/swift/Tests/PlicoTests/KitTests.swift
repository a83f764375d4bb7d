import Foundation
import Plico
import PlicoTesting
import XCTest

final class KitTests: XCTestCase {
    func testTimePasses() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let clock = ward.directory.clock
        let end = clock.now.addingTimeInterval(30 * 24 * 3600)
        let patient = ward.patient.account
        try await ward.session.grant(.user(ward.patient.userID), expiresAt: end)
        _ = try await patient.decrypt(ward.sealed, context: Ward.place)
        clock.advance(by: .seconds(31 * 24 * 3600))
        XCTAssertGreaterThan(clock.now, end)
        await assertThrows(.accessExpired) {
            try await patient.decrypt(ward.sealed, context: Ward.place)
        }
        let ahead = clock.ahead(by: .seconds(60))
        XCTAssertEqual(ahead.now.timeIntervalSince(clock.now), 60, accuracy: 1)
    }

    func testALieIsCaught() async throws {
        XCTAssertGreaterThan(Lie.allCases.count, 50)
        let ward = try await Ward.open()
        defer { ward.remove() }
        let fresh = try ward.account.maxStaleness(.zero)
        try ward.directory.tell("UserIdMoved")
        await assertThrows(.identityChanged) {
            try await fresh.createSession(recipients: [.user(ward.patient.userID)])
        }
        XCTAssertGreaterThan(ward.directory.told, 0)
        ward.directory.honest()
        _ = try await fresh.createSession(recipients: [.user(ward.patient.userID)])
        await assertThrows(.invalidArgument) { try ward.directory.tell("no such lie") }
        await assertThrows(.invalidArgument) { try ward.doctor.connection.tell("") }
    }

    func testABackupIsRestored() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let backup = try await ward.directory.backup()
        try await ward.session.rotate()
        try await ward.session.rotate()
        try await ward.directory.restore(backup)
        // Whoever knows more hands it back.
        try await ward.session.refresh()
        try await ward.directory.restart()
        try await ward.assertWorks()
    }

    func testSomebodyBeginsAnew() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let (directory, name) = (ward.directory, ward.patient.userID)
        let anew = try await directory.plico().account(store: .memory)
        await assertThrows(.userIdTaken) {
            try await anew.register(userID: name) { try directory.enrol(name, $0.identityID) }
        }
        try await anew.register(userID: name) {
            try directory.enrol(name, $0.identityID, number: 2)
        }
        let fresh = try ward.account.maxStaleness(.zero)
        await assertThrows(.identityChanged) {
            try await fresh.createSession(recipients: [.user(name)])
        }
        let accepted = try await ward.account.acceptIdentityChange(of: name)
        XCTAssertEqual(accepted, anew.identityID)
        _ = try await fresh.createSession(recipients: [.user(name)])
    }

    func testEventsAndTheLog() async throws {
        let directory = try await TestDirectory.start()
        let (events, log) = (Seen<Plico.Event>(), Seen<Plico.LogRecord>())
        let connection = directory.connection()
        let plico = try await directory.plico(
            connection: connection, maxStaleness: .zero, attempts: 1, onEvent: events.add,
            onLog: log.add)
        let account = try await plico.account(store: .memory)
        try await account.register(userID: "dr.secret") { try directory.enrol("dr.secret", $0.identityID) }
        let session = try await account.createSession()
        connection.down(true)
        await assertThrows(.network) { try await session.refresh() }
        connection.down(false)
        try await session.refresh()
        XCTAssertEqual(events.all, [.offline, .online])
        XCTAssertGreaterThan(log.all.count, 3)
        XCTAssertTrue(log.all.contains { $0.level == .debug })
        XCTAssertFalse(log.all.contains { $0.message.contains("secret") })
        XCTAssertLessThan(Plico.LogLevel.debug, .warning)
    }
}

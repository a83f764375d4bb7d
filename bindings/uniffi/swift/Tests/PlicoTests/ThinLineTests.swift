import Foundation
import Plico
import PlicoTesting
import XCTest

/// From an empty directory to a revocation.
final class ThinLineTests: XCTestCase {
    func testTheThinLine() async throws {
        let directory = try await TestDirectory.start()
        let doctor = try await directory.person("dr.a")
        let patient = try await directory.person("patient.7")
        let insurer = try await directory.person("insurer.3")

        let session = try await doctor.account.createSession(recipients: [.user("patient.7")])
        let note = Data("Hypertension".utf8)
        let place: Context = ["table": "notes", "row": 42]
        let sealed = try await session.encrypt(note, context: place)

        let opened = try await patient.account.decrypt(sealed, context: place)
        XCTAssertEqual(opened.data, note)
        XCTAssertEqual(opened.sessionID, session.id)
        XCTAssertFalse(opened.writtenOffline)

        await assertThrows(.sessionNotFound) { try await insurer.account.decrypt(sealed, context: place) }
        try await session.grant(.user("insurer.3"), expiresAt: directory.clock.now + 3600)
        let there = try await insurer.account.decrypt(sealed, context: place)
        XCTAssertEqual(there.data, note)

        try await session.revoke(.user("insurer.3"))
        try await insurer.account.session(session.id).forget()
        await assertThrows(.accessRevoked) { try await insurer.account.decrypt(sealed, context: place) }
    }
}

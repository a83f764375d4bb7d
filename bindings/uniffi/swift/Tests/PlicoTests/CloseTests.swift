import Foundation
import Plico
import PlicoTesting
import XCTest

final class CloseTests: XCTestCase {
    func testEverythingOfAClosedAccountSaysSo() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let (account, session) = (ward.account, ward.session)
        let views = (account.offline(), session.offline())
        account.close()
        account.close()
        for call in Call.all {
            await assertThrows(.closed) { try await call.make(ward, account, session, nil) }
            await assertThrows(.closed) { try await call.make(ward, views.0, views.1, nil) }
        }
        XCTAssertNil(account.identityID)
        XCTAssertNil(account.deviceID)
        XCTAssertEqual(session.id, try account.session(session.id).id)
        XCTAssertEqual(session.missingRecipients, [])
        let late = try account.maxStaleness(.seconds(1))
        await assertThrows(.closed) { try await late.settle() }
        // The others go on.
        let opened = try await ward.patient.account.decrypt(ward.sealed, context: Ward.place)
        XCTAssertEqual(opened.data, Ward.note)
    }

    func testEverythingOfAClosedConnectionSaysSo() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let plico = ward.doctor.plico
        plico.close()
        plico.close()
        for call in Call.all {
            await assertThrows(.closed) {
                try await call.make(ward, ward.account, ward.session, nil)
            }
        }
        await assertThrows(.closed) { try await plico.account(store: .memory) }
        XCTAssertEqual(plico.tenantID, ward.directory.tenantID)
    }

    func testCallsUnderWayEnd() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let session = try ward.session.maxStaleness(.zero)
        ward.doctor.connection.slow(.seconds(2))
        let tasks = (0..<50).map { number in
            Task {
                if number.isMultiple(of: 2) {
                    _ = try await session.encrypt(Ward.note)
                } else {
                    try await session.rotate()
                }
            }
        }
        try await Task.sleep(for: .milliseconds(100))
        ward.account.close()
        for task in tasks {
            await assertThrows(.closed) { try await task.value }
        }
    }

    /// Whoever forgets to close loses nothing and leaks nothing.
    func testWhatIsDroppedIsGone() async throws {
        final class Way: Transport {
            let way: TestConnection
            init(_ way: TestConnection) { self.way = way }
            func send(_ request: TransportRequest) async throws -> TransportResponse {
                try await way.send(request)
            }
        }
        let directory = try await TestDirectory.start()
        weak var dropped: Way?
        var session: EncryptionSession?
        do {
            let way = Way(directory.connection())
            dropped = way
            let plico = try await directory.plico(connection: way)
            let account = try await plico.account(store: .memory)
            try await account.register(userID: "dr.a") { try directory.enrol("dr.a", $0.identityID) }
            session = try await account.createSession()
        }
        // The session alone keeps what it needs.
        let sealed = try await session?.encrypt(Ward.note)
        XCTAssertNotNil(sealed)
        XCTAssertNotNil(dropped)
        session = nil
        for _ in 0..<200 where dropped != nil {
            try await Task.sleep(for: .milliseconds(10))
        }
        XCTAssertNil(dropped)
    }
}

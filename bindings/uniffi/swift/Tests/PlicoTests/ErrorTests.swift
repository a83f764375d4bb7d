import Foundation
import Plico
import PlicoFFI
import PlicoTesting
import XCTest

final class ErrorTests: XCTestCase {
    func testTheCodesAreThoseOfTheLibrary() {
        let library = PlicoFFI.errorCodes().map(\.code)
        XCTAssertGreaterThan(library.count, 50)
        XCTAssertEqual(PlicoError.Code.allCases.map(\.rawValue).sorted(), library.sorted())
    }

    func testAnErrorSaysWhatHappened() async throws {
        let directory = try await TestDirectory.start()
        let plico = try await directory.plico()
        let account = try await plico.account(store: .memory)
        let error = await assertThrows(.notRegistered) { try await account.createSession() }
        XCTAssertEqual(error?.message, "NOT_REGISTERED: Register this account first.")
        XCTAssertEqual(error?.localizedDescription, error?.message)
        XCTAssertEqual(error?.recipients, [])
        XCTAssertNil(error?.underlying)
    }

    func testWhoIsMissingIsListedAndNotInTheMessage() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let recipients: [NewRecipient] = [
            .user("nobody.1"), .user(ward.patient.userID), .user("nobody.2"),
        ]
        let error = await assertThrows(.recipientsNotFound) {
            try await ward.account.createSession(recipients: recipients)
        }
        XCTAssertEqual(error?.recipients, ["nobody.1", "nobody.2"])
        XCTAssertEqual(error?.message.contains("nobody"), false)
        let session = try await ward.account.createSession(recipients: recipients, onMissing: .skip)
        XCTAssertEqual(session.missingRecipients, ["nobody.1", "nobody.2"])
    }

    func testTheAppsOwnErrorIsKept() async throws {
        struct Down: Error {}
        let directory = try await TestDirectory.start()
        let account = try await directory.plico().account(store: .memory)
        let error = await assertThrows(.enrolmentFailed) {
            try await account.register(userID: "dr.a") { _ in throw Down() }
        }
        XCTAssertTrue(error?.underlying is Down)
        XCTAssertEqual(error?.message.contains("Down"), false)
        // And it works once the backend does.
        let id = try await account.register(userID: "dr.a") {
            try directory.enrol("dr.a", $0.identityID)
        }
        XCTAssertEqual(account.identityID, id)
    }
}

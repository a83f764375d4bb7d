import Foundation
import Plico
import PlicoTesting
import XCTest

/// Sealing by a program without an identity.
final class SealedTests: XCTestCase {
    private let data = Data("result".utf8)

    func testSealedForAPersonAndAGroup() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let group = try await ward.account.createGroup()
        let service = try await ward.directory.service().service
        let item = try await service.seal(
            data, for: [.user(ward.patient.userID), .group(group.id)], context: Ward.place)
        XCTAssertEqual(item.missing, [])
        let opened = try await ward.patient.account.openSealed(item.bytes, context: Ward.place)
        XCTAssertEqual(opened.data, data)
        let patient = MemberID.identity(try XCTUnwrap(ward.patient.account.identityID))
        XCTAssertEqual(opened.openedAs, patient)
        XCTAssertEqual(Set(opened.recipients), [patient, .group(group.id)])
        XCTAssertEqual(opened.writtenBy, .unsigned)
        let asGroup = try await ward.account.openSealed(item.bytes, context: Ward.place)
        XCTAssertEqual(asGroup.openedAs, .group(group.id))

        let other = try await ward.directory.person("nurse.b")
        await assertThrows(.notAllowed) {
            try await other.account.openSealed(item.bytes, context: Ward.place)
        }
        await assertThrows(.contextRequired) {
            try await ward.patient.account.openSealed(item.bytes)
        }
        await assertThrows(.notAnEnvelope) { try await ward.patient.account.openSealed(data) }
        var damaged = item.bytes
        damaged[damaged.endIndex - 1] ^= 1
        let bytes = damaged
        await assertThrows(.envelopeDamaged) {
            try await ward.patient.account.openSealed(bytes, context: Ward.place)
        }
    }

    func testRecipientsWithoutAnAccount() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let service = try await ward.directory.service().service
        let patient = Recipient.user(ward.patient.userID)
        let error = await assertThrows(.recipientsNotFound) {
            try await service.seal(data, for: [patient, .user("nobody")])
        }
        XCTAssertEqual(error?.recipients, ["nobody"])
        let item = try await service.seal(
            data, for: [patient, .user("nobody")], onMissing: .skip, suite: .aes256GCM)
        XCTAssertEqual(item.missing, ["nobody"])
        XCTAssertFalse("\(item)".contains("nobody"))
        await assertThrows(.invalidArgument) { try await service.seal(data, for: []) }
        await assertThrows(.invalidArgument) {
            try await service.seal(data, for: [patient, patient])
        }
    }

    func testTheTokenIsTheApps() async throws {
        struct NoKey: Error {}
        let ward = try await Ward.open()
        defer { ward.remove() }
        let patient = Recipient.user(ward.patient.userID)
        let directory = ward.directory
        let plico = try await directory.plico()
        let asked = Seen<String>()
        let service = try await plico.service { request in
            asked.add(request.tenantID)
            return directory.serviceToken()
        }
        XCTAssertEqual(asked.all, [])
        for _ in 0..<3 { _ = try await service.seal(data, for: [patient]) }
        XCTAssertEqual(asked.all, [directory.tenantID])
        directory.clock.advance(by: .seconds(360))
        _ = try await service.seal(data, for: [patient])
        XCTAssertEqual(asked.all.count, 2)

        let failing = try await plico.service { _ in throw NoKey() }
        let error = await assertThrows(.enrolmentFailed) {
            try await failing.seal(data, for: [patient])
        }
        XCTAssertTrue(error?.underlying is NoKey)
        let wrong = try await plico.service { _ in "no token" }
        await assertThrows(.enrolmentInvalid) { try await wrong.seal(data, for: [patient]) }
        let cancel = CancelToken()
        cancel.cancel()
        await assertThrows(.cancelled) {
            try await service.seal(data, for: [patient], cancel: cancel)
        }
        service.close()
        service.close()
        await assertThrows(.closed) { try await service.seal(data, for: [patient]) }
        plico.close()
        await assertThrows(.closed) { try await plico.service { _ in "" } }
    }

    func testAChangedIdentityIsRefusedUntilItIsAccepted() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let userID = ward.patient.userID
        let directory = ward.directory
        let program = try await directory.service()
        _ = try await program.service.seal(data, for: [.user(userID)])
        XCTAssertGreaterThan(program.connection.requests, 0)
        let anew = try await ward.device()
        let id = try await anew.register(userID: userID) {
            try directory.enrol(userID, $0.identityID, number: 2)
        }
        await assertThrows(.identityChanged) {
            try await program.service.seal(data, for: [.user(userID)])
        }
        let accepted = try await program.service.acceptIdentityChange(of: userID)
        XCTAssertEqual(accepted, id)
        let item = try await program.service.seal(data, for: [.user(userID)])
        let opened = try await anew.openSealed(item.bytes)
        XCTAssertEqual(opened.data, data)
    }
}

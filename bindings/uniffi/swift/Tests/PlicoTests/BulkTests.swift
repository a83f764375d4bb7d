import Foundation
import Plico
import PlicoTesting
import XCTest

/// Many at once, each with its own result.
final class BulkTests: XCTestCase {
    private func codes<T>(_ results: [Result<T, PlicoError>]) -> [PlicoError.Code?] {
        results.map { result in
            if case .failure(let error) = result { error.code } else { nil }
        }
    }

    private func names(_ session: EncryptionSession) async throws -> Set<String?> {
        Set(try await session.recipients().map(\.userID))
    }

    func testManySessions() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let before = ward.doctor.connection.requests
        let good = (0..<20).map {
            SessionOptions(recipients: [.user(ward.patient.userID)], tag: "case \($0)")
        }
        let bad = SessionOptions(recipients: [.user("nobody")])
        let made = try await ward.account.createSessions(good + [bad])
        let none = [PlicoError.Code?](repeating: nil, count: 20)
        XCTAssertEqual(codes(made), none + [.recipientsNotFound])
        XCTAssertThrowsError(try XCTUnwrap(made.last).get()) {
            XCTAssertEqual(($0 as? PlicoError)?.recipients, ["nobody"])
        }
        XCTAssertLessThan(ward.doctor.connection.requests - before, 15)
        let ids = try made.dropLast().map { try $0.get().id }
        XCTAssertEqual(Set(ids).count, 20)
        let tag = try await ward.patient.account.session(ids[19]).tag()
        XCTAssertEqual(tag, "case 19")
    }

    func testRightsForManyInOneSession() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        _ = try await ward.directory.person("nurse.b")
        let granted = try await ward.session.grantAll(
            [.user("nurse.b", rights: [.read, .forward]), .user("nobody")])
        XCTAssertEqual(codes(granted), [nil, .recipientsNotFound])
        let all = try await names(ward.session)
        XCTAssertTrue(all.contains("nurse.b"))
        let revoked = try await ward.session.revokeAll(
            [.user("nurse.b"), .user(ward.patient.userID)])
        XCTAssertEqual(codes(revoked), [nil, nil])
        let left = try await names(ward.session)
        XCTAssertEqual(left, ["dr.a"])
        await assertThrows(.offline) {
            try await ward.session.offline().grantAll([.user("nurse.b")])
        }
    }

    func testRightsInManySessions() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        _ = try await ward.directory.person("nurse.b")
        // A session of the patient's, where the doctor has no say.
        let foreign = try await ward.patient.account.createSession(recipients: [.user("dr.a")])
        let ids = [ward.session.id, foreign.id]
        let granted = try await ward.account.grant([.user("nurse.b"), .user("nobody")], in: ids)
        XCTAssertEqual(
            granted.map(codes), [[nil, .recipientsNotFound], [.notAllowed, .recipientsNotFound]])
        let revoked = try await ward.account.revoke(
            [.user("nurse.b")], in: [ward.session.id], cascade: true)
        XCTAssertEqual(revoked.map(codes), [[nil]])
        let left = try await names(ward.session)
        XCTAssertFalse(left.contains("nurse.b"))
        await assertThrows(.invalidArgument) { try await ward.account.grant([], in: ["no id"]) }
    }

    func testManyMembers() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        _ = try await ward.directory.person("nurse.b")
        let group = try ward.account.group(ward.groupID)
        let added = try await group.addMembers([.user("nurse.b", role: .manager), .user("nobody")])
        XCTAssertEqual(codes(added), [nil, .recipientsNotFound])
        let members = try await group.members()
        XCTAssertEqual(members.first { $0.userID == "nurse.b" }?.role, .manager)
        let removed = try await group.removeMembers(
            [.user("nurse.b"), .user(ward.patient.userID)])
        XCTAssertEqual(codes(removed), [nil, nil])
        let left = try await group.members().map(\.userID)
        XCTAssertEqual(left, ["dr.a"])
    }

    func testSomebodyTakesOverAndSomebodyLeaves() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        _ = try await ward.directory.person("nurse.b")
        let (patient, nurse) = (Recipient.user(ward.patient.userID), Recipient.user("nurse.b"))
        let foreign = try await ward.patient.account.createSession(recipients: [.user("dr.a")])

        let given = try await ward.account.giveAll(of: patient, to: nurse)
        XCTAssertEqual([given.done, given.changed, given.failed], [3, 2, 1])
        XCTAssertNil(given.cursor)
        XCTAssertNil(given.interrupted)
        let issue = try XCTUnwrap(given.issues.first)
        XCTAssertEqual(issue.sessionID, foreign.id)
        XCTAssertNil(issue.groupID)
        guard case .failed(let error) = issue.problem else { return XCTFail("\(issue.problem)") }
        XCTAssertEqual(error.code, .notAllowed)
        let there = try await names(ward.session)
        XCTAssertTrue(there.contains("nurse.b"))

        try await ward.session.grant(.group(ward.groupID))
        let seen = Seen<EverywhereProgress>()
        let gone = try await ward.account.revokeEverywhere(
            patient, sessionsOnly: true, onProgress: { seen.add($0) })
        XCTAssertEqual([gone.done, gone.changed, gone.failed, gone.stillThrough], [2, 1, 1, 1])
        let through = gone.issues.contains { issue in
            guard case .stillThrough(let group) = issue.problem else { return false }
            return group == ward.groupID && issue.sessionID == ward.session.id
        }
        XCTAssertTrue(through)
        let last = try XCTUnwrap(seen.all.last)
        XCTAssertEqual(last.done, gone.done)
        let again = try await ward.account.revokeEverywhere(
            patient, sessionsOnly: true, after: last.cursor)
        XCTAssertEqual(again.changed, 0)
        await assertThrows(.invalidArgument) {
            try await ward.account.revokeEverywhere(patient, after: "no cursor")
        }
        await assertThrows(.invalidArgument) {
            try await ward.account.revokeEverywhere(.user("dr.a"))
        }
    }
}

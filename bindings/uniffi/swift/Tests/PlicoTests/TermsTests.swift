import Foundation
import Plico
import PlicoTesting
import XCTest

/// Ends, tags, and what the operator takes away.
final class TermsTests: XCTestCase {
    private func member(_ person: TestPerson) throws -> MemberID {
        .identity(try XCTUnwrap(person.account.identityID))
    }

    func testASessionEndsAtItsTimeAndAnEndCanBeMoved() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let never = try await ward.session.expiry()
        XCTAssertEqual(never, .never)
        let end = ward.directory.clock.now + 3600
        try await ward.session.setExpiry(Expiry(at: end, afterIdle: .seconds(1200)))
        let said = try await ward.session.expiry()
        XCTAssertEqual(said.afterIdle, .seconds(1200))
        XCTAssertEqual(try XCTUnwrap(said.at).timeIntervalSince(end), 0, accuracy: 0.002)
        let idle = try await ward.session.endsAt()
        XCTAssertLessThan(try XCTUnwrap(idle), end)
        try await ward.session.setExpiry(.never)
        let none = try await ward.session.endsAt()
        XCTAssertNil(none)
        try await ward.session.setExpiry(Expiry(at: end))
        ward.directory.clock.advance(by: .seconds(3700))
        for account in [ward.account, ward.patient.account] {
            await assertThrows(.sessionEnded) {
                try await account.maxStaleness(.zero).decrypt(ward.sealed, context: Ward.place)
            }
        }
    }

    func testEndsThatAreNone() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        for idle in [Duration.seconds(59), .seconds(-1)] {
            await assertThrows(.invalidArgument) {
                try await ward.session.setExpiry(Expiry(afterIdle: idle))
            }
        }
        await assertThrows(.entryInvalid) {
            try await ward.session.setExpiry(Expiry(at: Date(timeIntervalSince1970: 0)))
        }
    }

    func testTagsAreFoundByRecipientsAndByTheBackend() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let options = SessionOptions(
            recipients: [.user(ward.patient.userID)],
            expiry: Expiry(at: ward.directory.clock.now + 86_400), tag: "case 12",
            metadata: Data("title".utf8))
        XCTAssertFalse("\(options)".contains("case"))
        let session = try await ward.account.createSession(options)
        let there = try ward.patient.account.session(session.id)
        let (tag, metadata) = (try await there.tag(), try await there.metadata())
        XCTAssertEqual(tag, "case 12")
        XCTAssertEqual(metadata, Data("title".utf8))
        let end = try await there.endsAt()
        XCTAssertNotNil(end)
        let found = try await ward.patient.account.sessions(tagged: "case 12")
        XCTAssertEqual(found.items, [session.id])
        XCTAssertFalse(found.more)
        let rest = try await ward.account.sessions(tagged: "case 12", after: session.id)
        XCTAssertEqual(rest.items, [])
        let byBackend = try await ward.directory.findSessions(tagged: "case 12")
        XCTAssertEqual(byBackend, [session.id])

        await assertThrows(.notAllowed) { try await there.setTag("mine") }
        await assertThrows(.invalidArgument) { try await session.setTag("") }
        let long = String(repeating: "x", count: 129)
        await assertThrows(.tooLarge) { try await session.setTag(long) }
        try await session.setTag(nil)
        let none = try await session.tag()
        XCTAssertNil(none)
    }

    func testTheOperatorWithdrawsAndLifts() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let (device, told) = try await ward.listener(ward.account)
        let there = try device.session(ward.session.id)
        try await there.refresh()
        let patient = try member(ward.patient)
        let account = try ward.patient.account.maxStaleness(.zero)
        try await ward.directory.withdraw(patient, from: ward.session)
        await assertThrows(.accessWithdrawn) {
            try await account.decrypt(ward.sealed, context: Ward.place)
        }
        try await there.refresh()
        XCTAssertTrue(told.all.contains(.recipientWithdrawn(sessionID: ward.session.id)))
        let access = try await ward.session.whoMayRead()
        XCTAssertEqual(access.mayRead.filter(\.withdrawn).map(\.who), [patient])

        ward.directory.clock.advance(by: .seconds(2))
        try await ward.directory.lift(patient, from: ward.session)
        try await there.refresh()
        XCTAssertTrue(told.all.contains(.withdrawalLifted(sessionID: ward.session.id)))
        let opened = try await account.decrypt(ward.sealed, context: Ward.place)
        XCTAssertEqual(opened.data, Ward.note)
    }

    func testTheOperatorActsOnGroupsAndDestroys() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let group = try ward.account.group(ward.groupID)
        let patient = try member(ward.patient)
        try await ward.directory.withdraw(patient, from: group)
        ward.directory.clock.advance(by: .seconds(2))
        try await ward.directory.lift(patient, from: group)
        try await ward.directory.destroy(group)
        try await ward.directory.destroy(ward.session)
        await assertThrows(.sessionEnded) { try await ward.session.refresh() }
        let unknown = try ward.account.session(try XCTUnwrap(ward.account.identityID))
        await assertThrows(.sessionNotFound) { try await ward.directory.destroy(unknown) }
    }
}

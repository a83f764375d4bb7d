import Foundation
import Plico
import PlicoTesting
import XCTest

/// Groups: the practice, the ward, and who comes and goes.
final class GroupTests: XCTestCase {
    private let locum = Recipient.user("locum.c")

    func testALocumJoinsAndLeavesAndNoSessionIsTouched() async throws {
        let practice = try await Practice.open()
        let group = practice.group
        XCTAssertEqual(group.id.utf8.count, 43)
        let record = try await practice.record()
        let sealed = try await record.seal("finding")
        try await practice.doctor.assertOpens(sealed, "finding")
        try await practice.nurse.assertOpens(sealed, "finding")
        try await practice.locum.assertRefused(sealed)
        var name = try await practice.nurse.account.group(group.id).name()
        XCTAssertEqual(name, "the practice")
        name = try await practice.doctor.account.createGroup().name()
        XCTAssertNil(name)

        // The locum opens what was there before, and the patient's program does nothing for it.
        let before = practice.patient.connection.requests
        try await group.add(locum)
        try await practice.locum.assertOpens(sealed, "finding")
        XCTAssertEqual(practice.patient.connection.requests, before)
        let members = try await group.members()
        XCTAssertEqual(Set(members.map(\.userID)), ["dr.a", "nurse.b", "locum.c"])
        let added = try XCTUnwrap(members.first { $0.userID == "locum.c" })
        XCTAssertEqual(added.role, .member)
        XCTAssertEqual(added.who, practice.locum.account.identityID.map(MemberID.identity))
        XCTAssertEqual(added.addedBy, practice.doctor.account.identityID)
        XCTAssertNil(added.expiresAt)

        // Gone: what is written afterwards, by whoever has seen it, is closed.
        try await group.remove(added.who.recipient)
        try await record.refresh()
        let after = try await record.seal("later")
        XCTAssertNotEqual(epoch(after), epoch(sealed))
        try await practice.nurse.assertOpens(after, "later")
        try await practice.doctor.assertOpens(sealed, "finding")
        try await practice.locum.assertRefused(after)
    }

    func testMembersActForTheirGroup() async throws {
        let practice = try await Practice.open()
        let group = practice.group
        let record = try await practice.record([.read, .forward])
        let sealed = try await record.seal("finding")
        // A plain member grants what the practice may, and no more than it may.
        let nurses = try practice.nurse.account.session(record.id)
        try await nurses.grant(locum)
        try await practice.locum.assertOpens(sealed, "finding")
        await assertThrows(.notAllowed) { try await nurses.revoke(self.locum) }
        await assertThrows(.notAllowed) { try await nurses.grant(self.locum, rights: .owner) }
        try await group.rotate()
        let written = try await nurses.maxStaleness(.zero).seal("by the nurse")
        try await practice.patient.assertOpens(written, "by the nurse")
        try await practice.doctor.assertOpens(written, "by the nurse")

        // Only managers change the group; owners alone act on owners, and the last one stays.
        let members = try practice.nurse.account.group(group.id)
        await assertThrows(.notAllowed) { try await members.add(.user("patient.7")) }
        await assertThrows(.notAllowed) { try await members.rename("x") }
        try await group.add(.user("nurse.b"), role: .manager)
        try await members.add(.user("patient.7"))
        try await members.rename("the wards")
        try await group.refresh()
        let name = try await group.name()
        XCTAssertEqual(name, "the wards")
        await assertThrows(.notAllowed) { try await members.remove(.user("dr.a")) }
        await assertThrows(.notAllowed) { try await group.leave() }
        await assertThrows(.tooLarge) {
            try await group.rename(String(repeating: "x", count: 4_097))
        }
        try await group.transfer(to: .user("nurse.b"))
        try await members.refresh()
        var roles = Set(try await members.members().map(\.role))
        XCTAssertEqual(roles, [.member, .owner])
        try await practice.nurse.assertOpens(written, "by the nurse")

        // Whoever leaves needs no right; whoever hands over may stay something.
        try await practice.patient.account.group(group.id).leave()
        try await members.add(.user("dr.a"))
        try await members.transfer(to: .user("dr.a"), keeping: .manager)
        roles = Set(try await members.members().map(\.role))
        XCTAssertEqual(roles, [.manager, .owner])
    }

    func testGroupsInGroups() async throws {
        let practice = try await Practice.open()
        let doctor = practice.doctor.account
        let clinic = try await doctor.createGroup(members: [.group(practice.group.id)])
        let network = try await doctor.createGroup(members: [.group(clinic.id)])
        let session = try await practice.patient.account.createSession(
            recipients: [.group(network.id)])
        let sealed = try await session.seal("finding")
        try await practice.nurse.assertOpens(sealed, "finding")
        try await practice.locum.assertRefused(sealed)
        let inner = try await clinic.members().map(\.who)
        XCTAssertTrue(inner.contains(.group(practice.group.id)))
        try await practice.group.add(locum)
        try await practice.locum.assertOpens(sealed, "finding")
        try await practice.group.remove(locum)
        try await clinic.refresh()
        try await network.refresh()
        try await session.refresh()
        let after = try await session.seal("later")
        try await practice.nurse.assertOpens(after, "later")
        try await practice.locum.assertRefused(after)

        // No circle, and no fifth level.
        await assertThrows(.entryInvalid) { try await practice.group.add(.group(network.id)) }
        let fourth = try await doctor.createGroup(members: [.group(network.id)])
        await assertThrows(.entryInvalid) {
            try await doctor.createGroup(members: [.group(fourth.id)])
        }
    }

    func testFromNowOnMeansSo() async throws {
        let practice = try await Practice.open(fromNowOn: true)
        let record = try await practice.record()
        let sealed = try await record.seal("before")
        try await practice.nurse.assertOpens(sealed, "before")
        try await practice.group.add(locum)
        try await record.refresh()
        let after = try await record.seal("after")
        try await practice.locum.assertOpens(after, "after")
        try await practice.nurse.assertOpens(sealed, "before")
        await assertThrows(.epochUnavailable) {
            try await practice.locum.account.decrypt(sealed)
        }
    }

    func testADeletedGroupOpensNothingMore() async throws {
        let practice = try await Practice.open()
        let record = try await practice.record()
        let sealed = try await record.seal("finding")
        try await practice.nurse.assertOpens(sealed, "finding")
        let id = practice.group.id
        await assertThrows(.notAllowed) { try await practice.nurse.account.group(id).delete() }
        try await practice.group.delete()
        try await practice.nurse.assertRefused(sealed)
        try await record.refresh()
        let after = try await record.seal("later")
        XCTAssertNotEqual(epoch(after), epoch(sealed))
        try await practice.patient.assertOpens(after, "later")
        let doctor = practice.doctor.account
        let session = try await doctor.createSession()
        await assertThrows(.groupNotFound) { try await session.grant(.group(id)) }
        await assertThrows(.groupNotFound) {
            try await doctor.createGroup(members: [.group(id)])
        }
    }

    func testMembershipForATime() async throws {
        let practice = try await Practice.open()
        let group = practice.group
        let record = try await practice.record()
        let sealed = try await record.seal("finding")
        let end = practice.directory.clock.now + 30 * 86_400
        await assertThrows(.notAllowed) {
            try await group.add(self.locum, role: .owner, expiresAt: end)
        }
        await assertThrows(.entryInvalid) {
            try await group.add(self.locum, expiresAt: Date(timeIntervalSince1970: 0))
        }
        try await group.add(locum, expiresAt: end)
        var members = try await group.members()
        let added = try XCTUnwrap(members.first { $0.userID == "locum.c" }?.expiresAt)
        XCTAssertEqual(added.timeIntervalSince(end), 0, accuracy: 0.001)
        try await practice.locum.assertOpens(sealed, "finding")
        practice.directory.clock.advance(by: .seconds(31 * 86_400))
        do {
            _ = try await practice.locum.account.maxStaleness(.zero).decrypt(sealed)
            XCTFail("its time is over")
        } catch {
            XCTAssertTrue([.sessionNotFound, .accessExpired].contains(error.code), error.message)
        }
        try await group.refresh()
        members = try await group.members()
        XCTAssertEqual(members.count, 2)
        try await record.refresh()
        let after = try await record.seal("later")
        try await practice.nurse.assertOpens(after, "later")
        try await practice.locum.assertRefused(after)
    }

    func testWhatOneIsInIsListed() async throws {
        let practice = try await Practice.open()
        let record = try await practice.record()
        let (nurse, id) = (practice.nurse.account, practice.group.id)
        let own = [try await nurse.createSession().id, try await nurse.createSession().id]
        var page = try await nurse.sessions()
        XCTAssertEqual(Set(page.items), Set(own))
        XCTAssertFalse(page.more)
        let (first, last) = (page.items[0], page.items[1])
        page = try await nurse.sessions(after: first)
        XCTAssertEqual(page.items, [last])
        page = try await nurse.groups()
        XCTAssertEqual(page.items, [id])
        page = try await nurse.groups(after: id)
        XCTAssertEqual(page.items, [])
        page = try await nurse.sessions(ofGroup: id)
        XCTAssertEqual(page.items, [record.id])
        page = try await nurse.sessions(ofGroup: id, after: record.id)
        XCTAssertEqual(page.items, [])
        await assertThrows(.groupNotFound) {
            try await practice.locum.account.sessions(ofGroup: id)
        }
    }

    func testWithoutTheNetworkWhatWasOpenedThroughAGroupOpens() async throws {
        let practice = try await Practice.open()
        let sealed = try await practice.record().seal("finding")
        try await practice.nurse.assertOpens(sealed, "finding")
        practice.directory.down(true)
        let offline = practice.nurse.account.offline()
        let opened = try await offline.decrypt(sealed)
        XCTAssertEqual(opened.data, Data("finding".utf8))
        await assertThrows(.offline) { try await offline.createGroup() }
    }

    func testWhoMayReadThroughWhichPathAndNoNameGetsIntoALog() async throws {
        let practice = try await Practice.open()
        let (doctor, id) = (practice.doctor.account, practice.group.id)
        let clinic = try await doctor.createGroup(members: [.group(id)])
        let end = practice.directory.clock.now + 30 * 86_400
        let session = try await practice.patient.account.createSession(
            recipients: [.group(clinic.id, expiresAt: end), .user("locum.c")])
        try await session.revoke(locum)
        practice.directory.clock.advance(by: .seconds(3 * 86_400))
        let list = try await session.whoMayRead()
        XCTAssertEqual(
            list.asOf.timeIntervalSince(practice.directory.clock.now), 0, accuracy: 1)
        let nurse = try XCTUnwrap(list.mayRead.first { $0.userID == "nurse.b" })
        XCTAssertEqual(nurse.path, [clinic.id, id])
        XCTAssertEqual(nurse.rights, .read)
        XCTAssertEqual(nurse.grantedBy, doctor.identityID)
        XCTAssertEqual(nurse.grantedByUserID, "dr.a")
        let until = try XCTUnwrap(nurse.expiresAt)
        XCTAssertEqual(until.timeIntervalSince(end), 0, accuracy: 0.001)
        XCTAssertEqual(list.former.count, 1)
        let former = try XCTUnwrap(list.former.first)
        XCTAssertEqual(former.userID, "locum.c")
        XCTAssertEqual(former.who, practice.locum.account.identityID.map(MemberID.identity))
        XCTAssertEqual(former.cause, .revoked)
        XCTAssertEqual(former.by, practice.patient.account.identityID)

        let lines = list.tree().split(separator: "\n").map(String.init)
        XCTAssertTrue(lines.contains("patient.7: owns, by patient.7, 3 days ago"), list.tree())
        let ofNurse = "    nurse.b: reads, by dr.a, 3 days ago, for 27 more days"
        XCTAssertTrue(lines.contains(ofNurse), list.tree())
        XCTAssertTrue(lines.contains("no more: locum.c, revoked, 3 days ago"), list.tree())

        let members = try await practice.group.members()
        let recipients = try await session.recipients()
        var logged = "\(list) \(list.mayRead) \(list.former) \(members) \(recipients)"
        dump([list], to: &logged)
        dump(members, to: &logged)
        dump(recipients, to: &logged)
        logged += String(reflecting: list) + String(reflecting: list.mayRead)
        for name in ["nurse.b", "dr.a", "locum.c", "patient.7"] {
            XCTAssertFalse(logged.contains(name), name)
        }
        XCTAssertTrue(logged.contains(id))
    }
}

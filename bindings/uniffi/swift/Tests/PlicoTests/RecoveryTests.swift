import Foundation
import Plico
import PlicoTesting
import XCTest

/// The recovery key: everything comes back, and nobody else gets it.
final class RecoveryTests: XCTestCase {
    func testTheWordsBringEverythingBackAndLockTheThiefOut() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let thief = ward.account
        let none = try await thief.recoveryKeySetAt()
        XCTAssertNil(none)
        let key = RecoveryKey.generate()
        XCTAssertNotNil(key.words.wholeMatch(of: /([a-z]+ ){23}[a-z]+/))
        try await thief.setRecoveryKey(key)
        try await thief.setRecoveryKey(key)  // It is so.
        let since = try await thief.recoveryKeySetAt()
        XCTAssertNotNil(since)
        try await thief.rotateUserKey()

        let owner = try await ward.device()
        let typed = key.words.uppercased().split(separator: " ").joined(separator: "\n ")
        let id = try await owner.recover(with: RecoveryKey(words: typed))
        XCTAssertEqual(id, thief.identityID)
        XCTAssertEqual(id, owner.identityID)
        let before = try await owner.decrypt(ward.sealed, context: Ward.place)
        XCTAssertEqual(before.data, Ward.note)
        let devices = try await owner.devices()
        XCTAssertEqual(devices.map(\.revoked), [true, false])
        XCTAssertEqual(devices.map(\.byRecovery), [false, true])
        XCTAssertEqual(devices.map(\.isThis), [false, true])

        let fresh = try owner.maxStaleness(.zero)
        let after = try await fresh.session(ward.session.id).encrypt(Ward.note)
        let opened = try await ward.patient.account.decrypt(after)
        XCTAssertEqual(opened.data, Ward.note)
        await assertThrows(.deviceRevoked) { try await thief.decrypt(after) }
        await assertThrows(.deviceRevoked) {
            try await thief.setRecoveryKey(.generate(), old: key)
        }
        await assertThrows(.deviceRevoked) { try await thief.recoveryKeySetAt() }
        let own = try XCTUnwrap(owner.deviceID)
        await assertThrows(.deviceRevoked) { try await thief.revokeDevice(own) }
    }

    func testOnlyTheOldWordsAllowNewOnes() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let account = ward.account
        let (first, second, third) = (
            RecoveryKey.generate(), RecoveryKey.generate(), RecoveryKey.generate()
        )
        try await account.setRecoveryKey(first)
        await assertThrows(.recoveryKeySet) { try await account.setRecoveryKey(second) }
        await assertThrows(.recoveryKeyUnknown) {
            try await account.setRecoveryKey(second, old: third)
        }
        try await account.setRecoveryKey(second, old: first)
        await assertThrows(.invalidArgument) {
            try await account.setRecoveryKey(first, old: second)
        }
        let visitor = try await ward.device()
        for unknown in [first, third] {
            await assertThrows(.recoveryKeyUnknown) { try await visitor.recover(with: unknown) }
            XCTAssertNil(visitor.identityID)
        }
        try await visitor.recover(with: second)
        await assertThrows(.alreadyRegistered) { try await visitor.recover(with: second) }
    }

    func testTheOtherDevicesStayIfTheyAreToAndAreTold() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let key = RecoveryKey.generate()
        try await ward.account.setRecoveryKey(key)
        let (device, told) = try await ward.listener(ward.account)
        let other = try await ward.device()
        try await other.recover(with: key, keepingDevices: true)
        let devices = try await device.devices()
        XCTAssertEqual(devices.map(\.revoked), [false, false, false, false])
        XCTAssertEqual(devices.map(\.byRecovery), [false, false, false, true])
        let id = try XCTUnwrap(ward.account.identityID)
        XCTAssertEqual(told.all.filter { $0 == .recoveryUsed(identityID: id) }.count, 1)
        // Its own coming, and the other's.
        XCTAssertEqual(told.all.filter { $0 == .newDevice(identityID: id) }.count, 2)
        try await ward.assertWorks()
    }

    func testADirectoryThatAnswersWithAnotherIdentityIsCaught() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let key = RecoveryKey.generate()
        try await ward.account.setRecoveryKey(key)
        let visitor = try await ward.device()
        try ward.directory.tell("RecoveryMisdirected")
        await assertThrows(.answerMismatch) { try await visitor.recover(with: key) }
        XCTAssertGreaterThan(ward.directory.told, 0)
        XCTAssertNil(visitor.identityID)
        ward.directory.honest()
        try await visitor.recover(with: key)
    }

    func testWordsThatAreNoneSayWhy() async throws {
        let words = RecoveryKey.generate().words.split(separator: " ").map(String.init)
        let short = words.map { $0.prefix(4) }.joined(separator: "\t")
        XCTAssertEqual(try RecoveryKey(words: short).words, words.joined(separator: " "))
        for wrong in [
            "", "secret", "a\0b", words.dropFirst().joined(separator: " "),
            (words + ["zoo"]).joined(separator: " "),
            (words.dropFirst() + ["plico"]).joined(separator: " "),
            Array(repeating: "zoo", count: 24).joined(separator: " "),
            String(repeating: "abandon ", count: 100_000),
        ] {
            await assertThrows(.recoveryWordsInvalid) { try RecoveryKey(words: wrong) }
        }
    }

    func testARecoveryKeyIsNotPrinted() {
        let key = RecoveryKey.generate()
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped] {
            XCTAssertTrue(text.hasSuffix("RecoveryKey") || text == "- RecoveryKey\n", text)
        }
    }
}

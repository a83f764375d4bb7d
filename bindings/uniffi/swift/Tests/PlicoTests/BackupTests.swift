import Foundation
import Plico
import PlicoTesting
import XCTest

/// Backups at the directory: who gets them back, who does not, what is deleted.
final class BackupTests: XCTestCase {
    private func host(_ byte: UInt8) -> FileKey {
        .hostSecret(Data(repeating: byte, count: 32))
    }

    func testAPassphraseBringsEverythingBackAndAnotherDoesNot() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let name = ward.doctor.userID
        let before = try await ward.account.backups()
        XCTAssertEqual(before, [])
        let passphrase = FileKey.passphrase(FileKey.generatePassphrase())
        try await ward.account.storeBackup(key: passphrase)
        try await ward.account.storeBackup(key: host(1))  // Neither opens the other.
        let now = ward.directory.clock.now
        let backups = try await ward.account.backups()
        XCTAssertEqual(backups.map(\.passphrase), [true, false])
        for backup in backups {
            XCTAssertEqual(backup.stored.timeIntervalSince(now), 0, accuracy: 1)
        }
        let phone = try await ward.device()
        for (userID, wrong) in [
            (name, FileKey.passphrase("another passphrase")), (name, host(2)),
            (ward.patient.userID, host(1)), ("nobody", host(1)),
        ] {
            await assertThrows(.backupRefused) {
                try await phone.restoreBackup(of: userID, key: wrong)
            }
            XCTAssertNil(phone.identityID)
        }
        let tablet = try await ward.device()
        for (device, key) in [(phone, passphrase), (tablet, host(1))] {
            let id = try await device.restoreBackup(of: name, key: key)
            XCTAssertEqual(id, ward.account.identityID)
            let opened = try await device.decrypt(ward.sealed, context: Ward.place)
            XCTAssertEqual(opened.data, Ward.note)
        }
        await assertThrows(.alreadyRegistered) {
            try await phone.restoreBackup(of: name, key: self.host(1))
        }
    }

    func testWhatWasReplacedOrDeletedIsGone() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let (account, name) = (ward.account, ward.doctor.userID)
        let visitor = try await ward.device()
        try await account.storeBackup(key: host(1))
        try await account.storeBackup(key: host(2))
        await assertThrows(.backupRefused) {
            try await visitor.restoreBackup(of: name, key: self.host(1))
        }
        try await account.deleteBackups()
        try await account.deleteBackups()  // It is so.
        let none = try await account.backups()
        XCTAssertEqual(none, [])
        await assertThrows(.backupRefused) {
            try await visitor.restoreBackup(of: name, key: self.host(2))
        }
        let active = try await account.devices().filter { !$0.revoked }
        XCTAssertEqual(active.map(\.id), [account.deviceID])
        try await account.storeBackup(key: host(1))
        try await visitor.restoreBackup(of: name, key: host(1))
    }

    func testADirectoryThatHandsOutSomethingElseIsCaught() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let name = ward.doctor.userID
        try await ward.account.storeBackup(key: host(1))
        let visitor = try await ward.device()
        for lie: Lie in ["BackupOfAnother", "BackupWeaker", "BackupAltered"] {
            try ward.directory.tell(lie)
            await assertThrows(.backupInvalid) {
                try await visitor.restoreBackup(of: name, key: self.host(1))
            }
            XCTAssertGreaterThan(ward.directory.told, 0, lie.rawValue)
            XCTAssertNil(visitor.identityID)
        }
        ward.directory.honest()
        try await visitor.restoreBackup(of: name, key: host(1))
    }

    func testGuessingIsSlow() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let name = ward.doctor.userID
        try await ward.account.storeBackup(key: host(0))
        let visitor = try await ward.device()
        for byte in UInt8(1)...5 {
            await assertThrows(.backupRefused) {
                try await visitor.restoreBackup(of: name, key: self.host(byte))
            }
        }
        await assertThrows(.tooManyTries) {
            try await visitor.restoreBackup(of: name, key: self.host(0))
        }
        ward.directory.clock.advance(by: .seconds(30 * 60))
        try await visitor.restoreBackup(of: name, key: host(0))
    }

    func testWhatWillNotDo() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let phone = try await ward.device()
        for length in [0, 31, 33, 1 << 20] {
            let bad = FileKey.hostSecret(Data(count: length))
            await assertThrows(.invalidArgument) { try await ward.account.storeBackup(key: bad) }
            await assertThrows(.invalidArgument) {
                try await phone.restoreBackup(of: "dr.a", key: bad)
            }
        }
        for bad in ["", "11 letters."] {
            await assertThrows(.invalidArgument) {
                try await ward.account.storeBackup(key: .passphrase(bad))
            }
        }
        await assertThrows(.notRegistered) { try await phone.backups() }
        try await ward.account.storeBackup(key: host(1))
        try await phone.restoreBackup(of: ward.doctor.userID, key: host(1))
        try await ward.account.revokeDevice(try XCTUnwrap(phone.deviceID))
        await assertThrows(.deviceRevoked) { try await phone.storeBackup(key: self.host(1)) }
        await assertThrows(.deviceRevoked) { try await phone.backups() }
        await assertThrows(.deviceRevoked) { try await phone.deleteBackups() }
    }
}

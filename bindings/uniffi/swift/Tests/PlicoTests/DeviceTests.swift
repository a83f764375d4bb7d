import Foundation
import Plico
import PlicoTesting
import XCTest

/// One identity on several devices: files, names, revoking, rotating.
final class DeviceTests: XCTestCase {
    /// Argon2id takes its time: where the kind of key does not matter, this.
    private let key = Ward.fileKey

    func testAFileMakesAnotherDevice() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let passphrase = FileKey.generatePassphrase()
        XCTAssertNotNil(
            passphrase.wholeMatch(of: /([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}/))
        XCTAssertNotEqual(passphrase, FileKey.generatePassphrase())

        let file = try await ward.account.exportIdentity(key: .passphrase(passphrase))
        let phone = try await ward.directory.plico().account(store: .memory)
        XCTAssertNil(phone.deviceID)
        await assertThrows(.wrongPassphrase) {
            try await phone.importIdentity(file, key: .passphrase("not the passphrase"))
        }
        await assertThrows(.invalidArgument) { try await phone.importIdentity(file, key: self.key) }
        XCTAssertNil(phone.identityID)
        let id = try await phone.importIdentity(file, key: .passphrase(passphrase))
        XCTAssertEqual(id, ward.account.identityID)
        XCTAssertEqual(id, phone.identityID)
        let opened = try await phone.decrypt(ward.sealed, context: Ward.place)
        XCTAssertEqual(opened.data, Ward.note)

        // The doctor's first, the file's and the phone's own.
        let devices = try await phone.devices()
        XCTAssertEqual(devices.map(\.isThis), [false, false, true])
        XCTAssertEqual(devices.map(\.revoked), [false, false, false])
        XCTAssertEqual(devices.first?.id, ward.account.deviceID)
        XCTAssertEqual(devices.last?.id, phone.deviceID)
        for device in devices {
            XCTAssertEqual(
                device.added.timeIntervalSince(ward.directory.clock.now), 0, accuracy: 1)
        }
    }

    func testARevokedDeviceSaysSo() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let phone = try await ward.directory.plico().account(store: .memory)
        let file = try await ward.account.exportIdentity(key: key)
        try await phone.importIdentity(file, key: key)
        _ = try await phone.decrypt(ward.sealed, context: Ward.place)

        let stolen = try XCTUnwrap(phone.deviceID)
        try await ward.account.revokeDevice(stolen)
        try await ward.account.revokeDevice(stolen)  // It is so.
        let devices = try await ward.account.devices()
        XCTAssertEqual(devices.map(\.revoked), [false, false, true])
        let after = try await ward.session.maxStaleness(.zero).encrypt(Ward.note)
        let opened = try await ward.patient.account.decrypt(after)
        XCTAssertEqual(opened.data, Ward.note)
        await assertThrows(.deviceRevoked) { try await phone.decrypt(after) }
        await assertThrows(.deviceRevoked) { try await phone.devices() }
        await assertThrows(.deviceRevoked) { try await phone.exportIdentity(key: self.key) }
        await assertThrows(.deviceRevoked) { try await phone.rotateUserKey() }
        let own = try XCTUnwrap(ward.account.deviceID)
        await assertThrows(.deviceRevoked) { try await phone.revokeDevice(own) }
        try await ward.assertWorks()
    }

    func testAFileThatWasWithdrawn() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let file = try await ward.account.exportIdentity(key: key)
        let devices = try await ward.account.devices()
        try await ward.account.revokeDevice(try XCTUnwrap(devices.last?.id))
        let thief = try await ward.directory.plico().account(store: .memory)
        await assertThrows(.deviceRevoked) { try await thief.importIdentity(file, key: self.key) }
        await assertThrows(.notRegistered) { try await thief.devices() }
    }

    func testANewUserKeyChangesNothing() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        try await ward.patient.account.rotateUserKey()
        let after = try await ward.session.maxStaleness(.zero).encrypt(Ward.note)
        let old = try await ward.patient.account.decrypt(ward.sealed, context: Ward.place)
        let new = try await ward.patient.account.decrypt(after)
        XCTAssertEqual([old.data, new.data], [Ward.note, Ward.note])
    }

    func testADeviceHasANameAndWasSeen() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let account = ward.account
        let phone = try await ward.device()
        let file = try await account.exportIdentity(key: key)
        try await phone.importIdentity(file, key: key)
        let id = try XCTUnwrap(account.deviceID)
        try await account.nameDevice(id, as: "Läptop")
        try await account.rotateUserKey()
        ward.directory.clock.advance(by: .seconds(2 * 3_600))
        let devices = try await phone.devices()
        XCTAssertEqual(devices.map(\.name), ["Läptop", nil, nil])
        let first = try XCTUnwrap(devices.first?.lastSeen)
        let last = try XCTUnwrap(devices.last?.lastSeen)
        XCTAssertLessThan(first, last)
        XCTAssertEqual(devices.map(\.byRecovery), [false, false, false])
        var dumped = ""
        dump(devices, to: &dumped)
        for text in ["\(devices)", String(reflecting: devices), dumped] {
            XCTAssertFalse(text.contains("Läptop"), text)
        }

        try await phone.nameDevice(id, as: "")
        let unnamed = try await account.devices()
        XCTAssertNil(unnamed.first?.name)
        try await account.nameDevice(id, as: String(repeating: "x", count: 128))
        await assertThrows(.invalidArgument) {
            try await account.nameDevice(id, as: String(repeating: "ä", count: 65))
        }
        for bad in ["", "x", "\0"] {
            await assertThrows(.invalidArgument) { try await account.nameDevice(bad, as: "phone") }
        }
        await assertThrows(.badRequest) {
            try await account.nameDevice(ward.directory.tenantID, as: "phone")
        }
        let stolen = try XCTUnwrap(phone.deviceID)
        try await account.revokeDevice(stolen)
        await assertThrows(.deviceRevoked) { try await phone.nameDevice(stolen, as: "phone") }
        await assertThrows(.badRequest) { try await account.nameDevice(stolen, as: "phone") }
    }

    func testAUserKeyIsRenewedAndTheAppIsToldBefore() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let directory = ward.directory
        try await directory.setUserKeyDays(90)
        let (device, told) = try await ward.listener(ward.patient.account)
        func after(days: Int) async throws -> [Date] {
            directory.clock.advance(by: .seconds(days * 86_400))
            _ = try await device.devices()
            return told.all.compactMap { event in
                guard case .keyRenewalNear(let id, let at) = event else { return nil }
                XCTAssertEqual(id, device.identityID)
                return at
            }
        }
        var near = try await after(days: 70)
        XCTAssertEqual(near, [])
        near = try await after(days: 10)
        XCTAssertEqual(near.count, 1)
        let left = try XCTUnwrap(near.first).timeIntervalSince(directory.clock.now)
        XCTAssertEqual(left, 10 * 86_400, accuracy: 86_400)
        let session = try ward.session.maxStaleness(.zero)
        let before = try await session.encrypt(Ward.note)
        near = try await after(days: 11)
        XCTAssertEqual(near.count, 1)
        let renewed = try await session.encrypt(Ward.note)
        XCTAssertNotEqual(before[22..<26], renewed[22..<26], "another epoch")
        let opened = try await device.decrypt(renewed)
        XCTAssertEqual(opened.data, Ward.note)
    }

    func testWhatWillNotDo() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let account = ward.account
        let visitor = try await ward.directory.plico().account(store: .memory)
        let file = try await account.exportIdentity(key: key)
        for length in [0, 31, 33, 1 << 20] {
            let bad = FileKey.hostSecret(Data(count: length))
            await assertThrows(.invalidArgument) { try await account.exportIdentity(key: bad) }
            await assertThrows(.invalidArgument) { try await visitor.importIdentity(file, key: bad) }
        }
        for bad in ["", "11 letters."] {
            await assertThrows(.invalidArgument) {
                try await account.exportIdentity(key: .passphrase(bad))
            }
        }
        await assertThrows(.wrongPassphrase) {
            try await visitor.importIdentity(file, key: .hostSecret(Data(count: 32)))
        }
        for bad in [Data(), Data("PLC1".utf8), file.dropLast()] {
            await assertThrows(.identityFileInvalid) {
                try await visitor.importIdentity(bad, key: self.key)
            }
        }
        await assertThrows(.alreadyRegistered) { try await account.importIdentity(file, key: self.key) }
        let elsewhere = try await TestDirectory.start().plico().account(store: .memory)
        await assertThrows(.wrongTenant) { try await elsewhere.importIdentity(file, key: self.key) }
        let own = try XCTUnwrap(account.deviceID)
        for bad in ["", "x", "\0", own, ward.directory.tenantID] {
            await assertThrows(.invalidArgument) { try await account.revokeDevice(bad) }
        }
    }

    func testAKeyIsNotPrinted() {
        for key in [FileKey.passphrase("secret words"), .hostSecret(Data("secret words".utf8))] {
            var dumped = ""
            dump(key, to: &dumped)
            for text in ["\(key)", String(reflecting: key), dumped] {
                XCTAssertFalse(text.contains("secret words"), text)
                XCTAssertFalse(text.contains("12 bytes"), text)
            }
        }
    }
}

import Foundation
import Plico
import PlicoTesting
import XCTest

/// Who is who, and who is no more: fingerprints, disabled and deleted identities.
final class PeopleTests: XCTestCase {
    func testTwoPeopleCompareWhatTheySee() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let (doctor, patient) = (ward.account, ward.patient.account)
        let (a, b) = (ward.doctor.userID, ward.patient.userID)
        _ = try await ward.directory.person("insurer.3")
        let here = try await doctor.fingerprint(of: b)
        let there = try await patient.fingerprint(of: a)
        XCTAssertNotNil(here.digits.wholeMatch(of: /([0-9]{5} ){7}[0-9]{5}/))
        XCTAssertEqual(here.digits, there.digits)
        XCTAssertEqual(here.toScan.utf8.count, 138)
        var verified = try await doctor.isVerified(b)
        XCTAssertFalse(verified)
        try await doctor.verifyFingerprint(of: b, shown: there.toScan)
        let digits = here.digits.filter { $0 != " " }
        try await patient.verifyFingerprint(of: a, shown: digits)
        verified = try await doctor.isVerified(b)
        XCTAssertTrue(verified)
        verified = try await patient.isVerified(a)
        XCTAssertTrue(verified)

        let other = try await doctor.fingerprint(of: "insurer.3")
        for wrong in [other.digits, other.toScan, here.toScan, "12345", "", "\0"] {
            await assertThrows(.fingerprintMismatch) {
                try await doctor.verifyFingerprint(of: b, shown: wrong)
            }
            verified = try await doctor.isVerified(b)
            XCTAssertFalse(verified)
        }
        let missing = await assertThrows(.recipientsNotFound) {
            try await doctor.fingerprint(of: "nobody")
        }
        XCTAssertEqual(missing?.recipients, ["nobody"])
    }

    func testSomebodyWhoBeginsAnewWasNotVerified() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let (doctor, b) = (ward.account, ward.patient.userID)
        let digits = try await ward.patient.account.fingerprint(of: ward.doctor.userID).digits
        try await doctor.verifyFingerprint(of: b, shown: digits)
        let directory = ward.directory
        let successor = try await ward.device()
        try await successor.register(userID: b) { try directory.enrol(b, $0.identityID, number: 2) }
        await assertThrows(.identityChanged) { try await doctor.isVerified(b) }
        await assertThrows(.identityChanged) { try await doctor.fingerprint(of: b) }
        await assertThrows(.identityChanged) {
            try await doctor.verifyFingerprint(of: b, shown: digits)
        }
        let accepted = try await doctor.acceptIdentityChange(of: b)
        XCTAssertEqual(accepted, successor.identityID)
        let verified = try await doctor.isVerified(b)
        XCTAssertFalse(verified)
        await assertThrows(.fingerprintMismatch) {
            try await doctor.verifyFingerprint(of: b, shown: digits)
        }
    }

    func testAnIdentityDeletesItselfForGood() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let (directory, name) = (ward.directory, ward.patient.userID)
        let patient = ward.patient.account
        let words = RecoveryKey.generate()
        try await patient.setRecoveryKey(words)
        try await patient.storeBackup(key: Ward.fileKey)
        let id = try XCTUnwrap(patient.identityID)
        try await patient.deleteIdentity()
        await assertThrows(.closed) { try await patient.devices() }
        await assertThrows(.closed) { try await patient.deleteIdentity() }
        XCTAssertNil(patient.identityID)
        let fresh = try await ward.device()
        await assertThrows(.recoveryKeyUnknown) { try await fresh.recover(with: words) }
        await assertThrows(.backupRefused) {
            try await fresh.restoreBackup(of: name, key: Ward.fileKey)
        }
        directory.clock.advance(by: .seconds(2))
        await assertThrows(.identityDeleted) {
            try await directory.setStanding(of: id, active: true)
        }
        // The others go on, and whoever takes the user id is seen to be another one.
        let more = try await ward.session.maxStaleness(.zero).encrypt(Ward.note)
        let opened = try await ward.account.decrypt(more)
        XCTAssertEqual(opened.data, Ward.note)
        try await fresh.register(userID: name) { try directory.enrol(name, $0.identityID) }
        await assertThrows(.identityChanged) {
            try await ward.account.createSession(recipients: [.user(name)])
        }
    }

    func testADisabledIdentityCanDoNothingUntilItIsActiveAgain() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let patient = ward.patient.account
        let words = RecoveryKey.generate()
        try await patient.setRecoveryKey(words)
        let id = try XCTUnwrap(patient.identityID)
        try await ward.directory.setStanding(of: id, active: false)
        let fresh = try await ward.device()
        await assertThrows(.identityDisabled) { try await patient.devices() }
        await assertThrows(.identityDisabled) { try await patient.rotateUserKey() }
        await assertThrows(.identityDisabled) {
            try await patient.setRecoveryKey(.generate(), old: words)
        }
        await assertThrows(.identityDisabled) { try await fresh.recover(with: words) }
        await assertThrows(.conflict) {
            try await ward.directory.setStanding(of: id, active: true)
        }
        ward.directory.clock.advance(by: .seconds(2))
        try await ward.directory.setStanding(of: id, active: true)
        let devices = try await patient.devices()
        XCTAssertEqual(devices.count, 1)
        await assertThrows(.invalidArgument) {
            try await ward.directory.setStanding(of: "x", active: true)
        }
    }
}

import Foundation
import Plico
import PlicoTesting
import XCTest

/// A new device shows a code, an old one reads it.
final class PairingTests: XCTestCase {
    /// Both ends at the same time: the identity's and the new device's id.
    private func pair(
        _ old: Account, _ new: Account, _ code: String
    ) async throws -> (id: String, device: String) {
        async let joined = new.joinByPairing()
        let device = try await old.approvePairing(code: code)
        return (try await joined, device)
    }

    func testACodeMakesADeviceThatKnowsWhatItsOwnerHasSeen() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let patient = ward.patient.userID
        let there = try await ward.patient.account.fingerprint(of: ward.doctor.userID)
        try await ward.account.verifyFingerprint(of: patient, shown: there.digits)

        let phone = try await ward.device()
        let shown = try await phone.pairingCode()
        XCTAssertNotNil(shown.wholeMatch(of: /([0-9A-Z]{5}-){5}[0-9A-Z]/))
        let again = try await phone.pairingCode()
        XCTAssertEqual(again, shown)
        let typed = shown.lowercased().split(separator: "-").joined(separator: " ")
        let (id, device) = try await pair(ward.account, phone, typed)
        XCTAssertEqual(id, ward.account.identityID)
        XCTAssertEqual(device, phone.deviceID)
        let opened = try await phone.decrypt(ward.sealed, context: Ward.place)
        XCTAssertEqual(opened.data, Ward.note)
        let verified = try await phone.isVerified(patient)
        XCTAssertTrue(verified)
        await assertThrows(.alreadyRegistered) { try await phone.pairingCode() }
        await assertThrows(.alreadyRegistered) { try await phone.joinByPairing() }
    }

    func testCodesThatAreNoneAndADeviceThatMayNot() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let bad = [
            "", "12345", "UUUUU-UUUUU-UUUUU-UUUUU-UUUUU-U", String(repeating: "Z", count: 26), "\0",
            String(repeating: "Z", count: 1 << 20),
        ]
        for code in bad {
            await assertThrows(.pairingCodeInvalid) {
                try await ward.account.approvePairing(code: code)
            }
        }
        let phone = try await ward.device()
        let shown = try await phone.pairingCode()
        await assertThrows(.notRegistered) { try await phone.approvePairing(code: shown) }
        let (_, device) = try await pair(ward.account, phone, shown)
        try await ward.account.revokeDevice(device)
        let next = try await ward.device().pairingCode()
        await assertThrows(.deviceRevoked) { try await phone.approvePairing(code: next) }
    }

    func testADirectoryInBetweenIsCaughtOnTheSideThatItDeceives() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let (account, phone) = (ward.account, try await ward.device())
        for lie: Lie in ["PairingOfferReplaced", "PairingAnswerReplaced"] {
            let shown = try await phone.pairingCode()
            try ward.directory.tell(lie)
            let join = Task { _ = try await phone.joinByPairing() }
            let approve = Task { _ = try await account.approvePairing(code: shown) }
            let (deceived, other) = lie == "PairingOfferReplaced" ? (join, approve) : (approve, join)
            await assertThrows(.pairingInvalid) { try await deceived.value }
            other.cancel()
            // What it was told meanwhile depends on the moment.
            guard case .failure(let error as PlicoError) = await other.result else {
                return XCTFail("\(lie.rawValue): it went through")
            }
            XCTAssertTrue([.cancelled, .pairingInvalid].contains(error.code), "\(error)")
            XCTAssertGreaterThan(ward.directory.told, 0, lie.rawValue)
            ward.directory.honest()
            XCTAssertNil(phone.identityID)
            let devices = try await account.devices()
            XCTAssertEqual(devices.count, 1)
            // Whoever deceived the new device knew its code.
            let next = try await phone.pairingCode()
            XCTAssertEqual(next == shown, lie == "PairingAnswerReplaced")
        }
        _ = try await pair(account, phone, try await phone.pairingCode())
        let opened = try await phone.decrypt(ward.sealed, context: Ward.place)
        XCTAssertEqual(opened.data, Ward.note)
    }

    func testNobodyWaitsForEverNorLongerThanTheApp() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let (account, phone) = (ward.account, try await ward.device())
        let shown = try await phone.pairingCode()
        let waits: [@Sendable (CancelToken?) async throws -> Void] = [
            { try await phone.joinByPairing(cancel: $0) },
            { try await account.approvePairing(code: shown, cancel: $0) },
        ]
        for wait in waits {
            // One after the other: of two that answer the same code one is refused.
            let cancel = CancelToken()
            let byToken = Task { try await wait(cancel) }
            try await Task.sleep(for: .milliseconds(100))
            cancel.cancel()
            await assertThrows(.cancelled) { try await byToken.value }
            let byTask = Task { try await wait(nil) }
            try await Task.sleep(for: .milliseconds(100))
            byTask.cancel()
            await assertThrows(.cancelled) { try await byTask.value }
            let expired = Task { try await wait(nil) }
            // It counts from when it has begun, which may be later than now.
            let passing = Task {
                while !Task.isCancelled {
                    try await Task.sleep(for: .milliseconds(100))
                    ward.directory.clock.advance(by: .seconds(601))
                }
            }
            await assertThrows(.pairingExpired) { try await expired.value }
            passing.cancel()
            _ = await passing.result
            XCTAssertNil(phone.identityID)
        }
        // The same code as before, and it works.
        _ = try await pair(account, phone, shown)
        let opened = try await phone.decrypt(ward.sealed, context: Ward.place)
        XCTAssertEqual(opened.data, Ward.note)
    }

    func testClosingEndsTheWaiting() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let (account, phone) = (ward.account, try await ward.device())
        let shown = try await phone.pairingCode()
        let join = Task { _ = try await phone.joinByPairing() }
        let approve = Task { _ = try await account.approvePairing(code: shown) }
        try await Task.sleep(for: .milliseconds(20))
        phone.close()
        account.close()
        await assertThrows(.closed) { try await join.value }
        await assertThrows(.closed) { try await approve.value }
    }
}

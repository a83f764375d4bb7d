import Foundation
import Plico
import PlicoTesting
import XCTest

/// An envelope and an identity as two files, on a machine without a network.
final class OfflineFileTests: XCTestCase {
    private let key = Ward.fileKey

    func testTwoFilesOpenWhatWasSealed() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let patient = ward.patient.account
        let passphrase = FileKey.passphrase(FileKey.generatePassphrase())
        let identity = try await patient.exportIdentity(key: passphrase)
        try await patient.rotateUserKey()
        let file = try await patient.offlineFile(ward.sealed)
        let made = ward.directory.clock.now
        ward.directory.down(true)
        ward.directory.clock.advance(by: .seconds(400 * 86_400))
        let opened = try await Plico.openOfflineFile(
            file, identity: identity, key: passphrase, context: Ward.place)
        XCTAssertEqual(opened.content.data, Ward.note)
        XCTAssertEqual(opened.content.sessionID, ward.session.id)
        XCTAssertFalse(opened.content.writtenOffline)
        XCTAssertEqual(opened.asOf.timeIntervalSince(made), 0, accuracy: 60)
    }

    func testFilesThatDoNotBelongTogether() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let patient = ward.patient.account
        let identity = try await patient.exportIdentity(key: key)
        let others = try await ward.account.exportIdentity(key: key)
        let file = try await patient.offlineFile(ward.sealed)
        var flipped = file
        flipped[flipped.count - 1] ^= 1
        func refused(
            _ code: PlicoError.Code, _ file: Data, _ identity: Data, _ key: FileKey = Ward.fileKey,
            _ context: Context? = Ward.place, line: UInt = #line
        ) async {
            await assertThrows(code, line: line) {
                try await Plico.openOfflineFile(
                    file, identity: identity, key: key, context: context)
            }
        }
        await refused(.wrongPassphrase, file, identity, .hostSecret(Data(count: 32)))
        await refused(.invalidArgument, file, identity, .hostSecret(Data(count: 31)))
        await refused(.invalidArgument, file, identity, .passphrase("a passphrase"))
        await refused(.contextRequired, file, identity, key, nil)
        await refused(.contextMismatch, file, identity, key, ["row": 43])
        await refused(.offlineFileInvalid, file, others)
        await refused(.identityFileInvalid, file, file)
        for bad in [ward.sealed, file.dropLast(), Data(), Data(count: 1 << 20)] {
            await refused(.offlineFileInvalid, bad, identity)
        }
        await refused(.envelopeDamaged, flipped, identity)
        let cancel = CancelToken()
        cancel.cancel()
        await assertThrows(.cancelled) {
            try await Plico.openOfflineFile(
                file, identity: identity, key: self.key, context: Ward.place, cancel: cancel)
        }
        let opened = try await Plico.openOfflineFile(
            file, identity: identity, key: key, context: Ward.place)
        XCTAssertEqual(opened.content.data, Ward.note)
    }

    func testAWithdrawnIdentityAndAStranger() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let patient = ward.patient.account
        let identity = try await patient.exportIdentity(key: key)
        let early = try await patient.offlineFile(ward.sealed)
        let devices = try await patient.devices()
        try await patient.revokeDevice(try XCTUnwrap(devices.last?.id))
        let late = try await patient.offlineFile(ward.sealed)
        await assertThrows(.deviceRevoked) {
            try await Plico.openOfflineFile(
                late, identity: identity, key: self.key, context: Ward.place)
        }
        let opened = try await Plico.openOfflineFile(
            early, identity: identity, key: key, context: Ward.place)
        XCTAssertEqual(opened.content.data, Ward.note)
        let stranger = try await ward.directory.person("insurer.3").account
        await assertThrows(.sessionNotFound) { try await stranger.offlineFile(ward.sealed) }
        await assertThrows(.notAnEnvelope) { try await patient.offlineFile(Data("PLC".utf8)) }
        try await ward.session.revoke(.user(ward.patient.userID))
        await assertThrows(.accessRevoked) { try await patient.offlineFile(ward.sealed) }
    }
}

import Foundation
import Plico
import PlicoTesting
import XCTest

/// Signed envelopes: who wrote it.
final class SignedTests: XCTestCase {
    private typealias Open =
        @Sendable (Data, Data?, Context?) async throws -> DecryptedSigned

    private func readers(_ account: Account, _ session: EncryptionSession) -> [Open] {
        [
            { try await account.decryptSigned($0, signature: $1, context: $2) },
            { try await session.decryptSigned($0, signature: $1, context: $2) },
        ]
    }

    func testASignedEnvelopeSaysWhoWroteIt() async throws {
        let practice = try await Practice.open()
        let record = try await practice.record()
        let nurse = practice.nurse.account
        let note = Data("by the nurse".utf8)
        let written = try await nurse.session(record.id).encryptSigned(note, context: Ward.place)
        XCTAssertEqual(written.signature.count, 183)
        for open in readers(practice.patient.account, record) {
            let opened = try await open(written.envelope, written.signature, Ward.place)
            XCTAssertEqual(opened.content.data, note)
            guard case .signed(let writer) = opened.writtenBy else {
                return XCTFail("\(opened.writtenBy)")
            }
            XCTAssertEqual(writer.userID, "nurse.b")
            XCTAssertEqual(writer.identityID, nurse.identityID)
            XCTAssertEqual(writer.deviceID, nurse.deviceID)
            XCTAssertEqual(writer.at.timeIntervalSinceNow, 0, accuracy: 600)
            var logged = "\(opened) \(writer) \(opened.writtenBy)"
            dump(opened, to: &logged)
            XCTAssertFalse(logged.contains("nurse.b"), logged)
            // Without one, it says so.
            let unsigned = try await open(written.envelope, nil, Ward.place)
            XCTAssertEqual(unsigned.content.data, note)
            XCTAssertEqual(unsigned.writtenBy, .unsigned)
        }
        // It is an envelope as any other; and another person may sign what they have not written.
        let opened = try await record.decrypt(written.envelope, context: Ward.place)
        XCTAssertEqual(opened.data, note)
        let signature = try await record.sign(written.envelope, context: Ward.place)
        let by = try await record.decryptSigned(
            written.envelope, signature: signature, context: Ward.place)
        guard case .signed(let witness) = by.writtenBy else { return XCTFail("unsigned") }
        XCTAssertEqual(witness.userID, "patient.7")
    }

    func testWhatIsNotItsSignatureIsRefused() async throws {
        let practice = try await Practice.open()
        let record = try await practice.record()
        let session = try practice.nurse.account.session(record.id)
        let written = try await session.encryptSigned(Ward.note, context: Ward.place)
        let (envelope, signature) = (written.envelope, written.signature)
        var altered = signature
        altered[altered.endIndex - 1] ^= 1
        let another = try await session.encryptSigned(Ward.note, context: Ward.place).signature
        let elsewhere = try await session.sign(envelope, context: ["row": 43])
        // Somebody who never could read can't have written it.
        let stranger = practice.locum.account
        let forged = try await stranger.session(record.id).sign(envelope, context: Ward.place)
        for wrong in [altered, another, elsewhere, forged, signature.prefix(100), Data()] {
            for open in readers(practice.patient.account, record) {
                await assertThrows(.envelopeSignatureInvalid) {
                    try await open(envelope, wrong, Ward.place)
                }
            }
        }
        await assertThrows(.contextRequired) {
            try await record.decryptSigned(envelope, signature: signature)
        }
        let own = try await stranger.createSession()
        await assertThrows(.wrongSession) { try await own.sign(envelope, context: Ward.place) }
        await assertThrows(.notAnEnvelope) { try await record.sign(Data("none".utf8)) }
    }
}

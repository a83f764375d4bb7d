import Foundation
import Plico
import PlicoTesting
import XCTest

/// A practice: its owner, a nurse who is in it, a locum who is not yet; and a patient.
struct Practice: Sendable {
    let directory: TestDirectory
    let doctor: TestPerson
    let nurse: TestPerson
    let locum: TestPerson
    let patient: TestPerson
    let group: Group

    static func open(fromNowOn: Bool = false) async throws -> Practice {
        let directory = try await TestDirectory.start()
        let doctor = try await directory.person("dr.a")
        let nurse = try await directory.person("nurse.b")
        let group = try await doctor.account.createGroup(
            name: "the practice", members: [.user("nurse.b")], fromNowOn: fromNowOn)
        return Practice(
            directory: directory, doctor: doctor, nurse: nurse,
            locum: try await directory.person("locum.c"),
            patient: try await directory.person("patient.7"), group: group)
    }

    /// The patient's record, which the practice has rights in.
    func record(_ rights: Rights = .read) async throws -> EncryptionSession {
        try await patient.account.createSession(recipients: [.group(group.id, rights: rights)])
    }
}

extension EncryptionSession {
    func seal(_ text: String) async throws -> Data {
        try await encrypt(Data(text.utf8))
    }
}

extension TestPerson {
    func assertOpens(
        _ sealed: Data, _ text: String, file: StaticString = #filePath, line: UInt = #line
    ) async throws {
        let opened = try await account.decrypt(sealed)
        XCTAssertEqual(opened.data, Data(text.utf8), file: file, line: line)
    }

    /// What it knew may be older than the freshness bound.
    func assertRefused(
        _ sealed: Data, _ code: PlicoError.Code = .sessionNotFound,
        file: StaticString = #filePath, line: UInt = #line
    ) async throws {
        let fresh = try account.maxStaleness(.zero)
        await assertThrows(code, file: file, line: line) { try await fresh.decrypt(sealed) }
    }
}

/// The four bytes that say in which epoch it was encrypted.
func epoch(_ sealed: Data) -> Data {
    Data(sealed.dropFirst(22).prefix(4))
}

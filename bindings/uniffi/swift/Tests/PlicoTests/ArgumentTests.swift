import Foundation
import Plico
import PlicoTesting
import XCTest

/// Whatever an app may pass in: a typed error, and never the end of the process.
final class ArgumentTests: XCTestCase {
    func testOpening() async throws {
        let directory = try await TestDirectory.start()
        let tenant = directory.tenantID
        let way = directory.connection()
        let url = directory.url
        for bad in ["", "x", "not an id", "\0", tenant + "A", String(repeating: "A", count: 100_000)] {
            await assertThrows(.invalidArgument) {
                try await Plico.open(directory: url, tenant: bad, transport: way)
            }
        }
        for bad in ["ftp://example.org", "keys.example.org", "https://", "file:///etc"] {
            let url = try XCTUnwrap(URL(string: bad))
            let error = await assertThrows(.invalidArgument) {
                try await Plico.open(directory: url, tenant: tenant, transport: way)
            }
            XCTAssertNotNil(error, bad)
        }
        for age in [Duration.seconds(-1), .nanoseconds(-1), .seconds(Int64.min)] {
            await assertThrows(.invalidArgument) {
                try await Plico.open(
                    directory: url, tenant: tenant, transport: way, maxStaleness: age)
            }
            await assertThrows(.invalidArgument) {
                try await Plico.open(
                    directory: url, tenant: tenant, transport: way, requestTimeout: age)
            }
        }
        for number in [-1, Int.min, Int.max] {
            await assertThrows(.invalidArgument) {
                try await Plico.open(directory: url, tenant: tenant, transport: way, attempts: number)
            }
            await assertThrows(.invalidArgument) {
                try await Plico.open(
                    directory: url, tenant: tenant, transport: way, parallelRequests: number)
            }
        }
        let long = try await Plico.open(
            directory: url, tenant: tenant, transport: way,
            maxStaleness: .seconds(Int64.max), requestTimeout: .seconds(Int64.max),
            attempts: Int(UInt32.max), parallelRequests: Int(UInt32.max))
        XCTAssertEqual(long.tenantID, tenant)
    }

    func testStores() async throws {
        let directory = try await TestDirectory.start()
        let plico = try await directory.plico()
        let folder = FileManager.default.temporaryDirectory
        let file = folder.appendingPathComponent("plico-\(UUID().uuidString).plicostore")
        defer { try? FileManager.default.removeItem(at: file) }
        for length in [0, 31, 33, 1 << 20] {
            await assertThrows(.invalidArgument) {
                try await plico.account(store: .file(file, key: Data(count: length)))
            }
        }
        let web = try XCTUnwrap(URL(string: "https://example.org/a.plicostore"))
        await assertThrows(.invalidArgument) {
            try await plico.account(store: .file(web, key: Data(count: 32)))
        }
        for path in [folder.path, "/no/such/folder/a", "/proc/a"] {
            await assertThrows(.store) {
                try await plico.account(
                    store: .file(URL(fileURLWithPath: path), key: Data(count: 32)))
            }
        }
        _ = try await plico.account(store: .file(file, key: Data(count: 32)))
        await assertThrows(.storeWrongKey) {
            try await plico.account(store: .file(file, key: Data(repeating: 1, count: 32)))
        }
    }

    func testNames() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let (account, session) = (ward.account, ward.session)
        let fresh = try await ward.directory.plico().account(store: .memory)
        let group = try await account.createGroup()
        for bad in ["", String(repeating: "u", count: 257), String(repeating: "u", count: 1 << 20)] {
            await assertThrows(.invalidArgument) {
                try await fresh.register(userID: bad) { _ in "" }
            }
            await assertThrows(.invalidArgument) { try await session.grant(.user(bad)) }
            await assertThrows(.invalidArgument) { try await group.add(.user(bad)) }
            await assertThrows(.invalidArgument) { try await group.remove(.user(bad)) }
            await assertThrows(.invalidArgument) {
                try await account.createGroup(members: [.user(bad)])
            }
            await assertThrows(.invalidArgument) { try await account.fingerprint(of: bad) }
            await assertThrows(.invalidArgument) { try await account.isVerified(bad) }
            await assertThrows(.invalidArgument) {
                try await account.createSession(recipients: [.user(bad)])
            }
        }
        // A NUL is a character like any other.
        await assertThrows(.recipientsNotFound) { try await session.grant(.user("a\0b")) }
        for bad in ["", "x", "\0", session.id + "A", session.id.uppercased() + "é"] {
            await assertThrows(.invalidArgument) { try account.session(bad) }
            await assertThrows(.invalidArgument) { try await account.prefetch([session.id, bad]) }
            await assertThrows(.invalidArgument) { try await session.grant(.identity(bad)) }
            await assertThrows(.invalidArgument) { try await session.revoke(.identity(bad)) }
            await assertThrows(.invalidArgument) { try await session.transfer(to: .identity(bad)) }
            await assertThrows(.invalidArgument) { try await session.grant(.group(bad)) }
            await assertThrows(.invalidArgument) { try account.group(bad) }
            await assertThrows(.invalidArgument) { try await group.add(.group(bad)) }
            await assertThrows(.invalidArgument) { try await group.transfer(to: .group(bad)) }
            await assertThrows(.invalidArgument) { try await account.sessions(after: bad) }
            await assertThrows(.invalidArgument) { try await account.sessions(ofGroup: bad) }
            await assertThrows(.invalidArgument) { try await account.groups(after: bad) }
        }
        await assertThrows(.invalidArgument) { try await group.add(.user("dr.a")) }
        await assertThrows(.invalidArgument) {
            try await group.remove(.user(ward.patient.userID))
        }
        await assertThrows(.invalidArgument) {
            try await group.add(.user(ward.patient.userID), expiresAt: .init(timeIntervalSince1970: 1e15))
        }
        let unknown = String(repeating: "A", count: 43)
        await assertThrows(.identityNotFound) { try await session.grant(.identity(unknown)) }
        await assertThrows(.sessionNotFound) { try await account.session(unknown).refresh() }
        await assertThrows(.groupNotFound) { try await session.grant(.group(unknown)) }
    }

    func testRightsAndTimes() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let (session, patient) = (ward.session, Recipient.user(ward.patient.userID))
        for bad in [Rights(), Rights(rawValue: 16), Rights(rawValue: 255)] {
            await assertThrows(.invalidArgument) { try await session.grant(patient, rights: bad) }
            await assertThrows(.invalidArgument) { try await session.transfer(to: patient, keeping: bad) }
        }
        let past = [Date.distantPast, Date(timeIntervalSince1970: -1.5), Date(timeIntervalSince1970: 0)]
        for end in past {
            await assertThrows(.entryInvalid) { try await session.grant(patient, expiresAt: end) }
        }
        let never = [Double.infinity, -.infinity, .nan, 1e300, -1e300].map(Date.init(timeIntervalSince1970:))
        for end in never {
            await assertThrows(.invalidArgument) { try await session.grant(patient, expiresAt: end) }
        }
        let end = Date(timeIntervalSince1970: 253_402_300_799)
        try await session.grant(patient, rights: [.forward], expiresAt: end)
        let all = try await session.recipients()
        let granted = all.first { $0.userID == ward.patient.userID }
        XCTAssertEqual(granted?.rights, [.read, .forward])
        XCTAssertEqual(granted?.expiresAt, end)
        XCTAssertEqual(granted?.grantedBy, ward.account.identityID)
        for age in [Duration.seconds(-1), .nanoseconds(-1)] {
            await assertThrows(.invalidArgument) { try session.maxStaleness(age) }
            await assertThrows(.invalidArgument) { try ward.account.maxStaleness(age) }
        }
        try await session.maxStaleness(.seconds(Int64.max)).rotate()
    }

    func testContexts() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let session = ward.session
        let many = (0...64).map { ("f\($0)", Context.Value.integer(1)) }
        let bad: [Context] = [
            ["": 1], Context(fields: [(String(repeating: "n", count: 65), .integer(1))]),
            ["a": 1, "a": 2], Context(fields: many),
            ["a": .bytes(Data(count: 1 << 16))], Context(raw: Data(count: 1 << 16)),
        ]
        for context in bad {
            await assertThrows(.invalidArgument) { try await session.encrypt(Data(), context: context) }
        }
        let good: Context = [
            "text": "é\0", "none": "", "integer": 42, "least": .integer(.min), "yes": true,
            "bytes": .bytes(Data([0, 255])),
        ]
        let sealed = try await session.encrypt(Ward.note, context: good)
        let opened = try await session.decrypt(sealed, context: good)
        XCTAssertEqual(opened.data, Ward.note)
        await assertThrows(.contextRequired) { try await session.decrypt(sealed) }
        await assertThrows(.contextMismatch) { try await session.decrypt(sealed, context: ["integer": 42]) }
        // Forms of a text that look alike are not the same place.
        let accent = try await session.encrypt(Ward.note, context: ["a": "e\u{301}"])
        await assertThrows(.contextMismatch) { try await session.decrypt(accent, context: ["a": "\u{e9}"]) }
        let plain = try await session.encrypt(Ward.note)
        await assertThrows(.contextUnexpected) { try await session.decrypt(plain, context: good) }
    }

    func testEnvelopes() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let (session, account) = (ward.session, ward.account)
        for bad in [Data(), Data("plc1.".utf8), Data(count: 26), Data(count: 1 << 16)] {
            await assertThrows(.notAnEnvelope) { try await session.decrypt(bad) }
            await assertThrows(.notAnEnvelope) { try await account.decrypt(bad) }
            await assertThrows(.notAnEnvelope) { try await account.session(of: bad) }
        }
        for bad in ["", "plc1.", "plc2.AAAA", "plc1.\0", "plc1.ÄÖÜ", ward.text + "="] {
            await assertThrows(.notAnEnvelope) { try await account.decryptText(bad) }
        }
        var flipped = ward.sealed
        flipped[flipped.count - 1] ^= 1
        await assertThrows(.envelopeDamaged) { try await session.decrypt(flipped, context: Ward.place) }
        await assertThrows(.envelopeTruncated) {
            try await session.decrypt(ward.sealed.prefix(40), context: Ward.place)
        }
        // A slice does not begin at 0.
        let slice = (Data(count: 9) + ward.sealed).dropFirst(9)
        let opened = try await account.decrypt(slice, context: Ward.place)
        XCTAssertEqual(opened.data, Ward.note)
        let found = try await account.session(of: slice)
        XCTAssertEqual(found.id, session.id)
    }

    func testTexts() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        for text in ["", "a\0b", "e\u{301}", "🧬", String(repeating: "ä", count: 100_000)] {
            let sealed = try await ward.session.encryptText(text)
            XCTAssertTrue(sealed.hasPrefix("plc1."))
            let opened = try await ward.patient.account.decryptText(sealed)
            XCTAssertTrue(opened.utf8.elementsEqual(text.utf8))
        }
    }

    func testMetadata() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let none = try await ward.session.metadata()
        XCTAssertNil(none)
        try await ward.session.setMetadata(Data("title".utf8))
        let some = try await ward.patient.account.session(ward.session.id).metadata()
        XCTAssertEqual(some, Data("title".utf8))
        await assertThrows(.tooLarge) { try await ward.session.setMetadata(Data(count: 8193)) }
    }
}

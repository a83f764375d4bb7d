import Foundation
import Plico
import PlicoTesting
import XCTest

/// A store as an app may write one, which fails when a test wants it to.
private actor Shelf: Store {
    private var pairs: [String: Data] = [:]
    private var failure: (any Error)?
    private var callsUntilFailure: Int?
    private(set) var calls = 0

    /// The next call but `calls` fails, and only that one; `nil`: each.
    func fail(_ error: (any Error)?, after calls: Int? = nil) {
        failure = error
        callsUntilFailure = calls
    }

    private func step() throws {
        calls += 1
        guard let failure else { return }
        guard let left = callsUntilFailure else { throw failure }
        callsUntilFailure = left - 1
        if left == 0 {
            self.failure = nil
            throw failure
        }
    }

    func get(_ key: String) throws -> Data? {
        try step()
        return pairs[key]
    }

    func scan(prefix: String) throws -> [(key: String, value: Data)] {
        try step()
        return pairs.filter { $0.key.hasPrefix(prefix) }
            .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            .map { ($0.key, $0.value) }
    }

    func commit(_ changes: [StoreEntry], expecting: [StoreEntry]) throws {
        try step()
        guard expecting.allSatisfy({ pairs[$0.key] == $0.value }) else {
            throw StoreError.conflict
        }
        for change in changes {
            pairs[change.key] = change.value
        }
    }
}

final class StoreTests: XCTestCase {
    private struct Broken: Error {}

    func testAnAppsOwnStoreHoldsTheWholeAccount() async throws {
        let directory = try await TestDirectory.start()
        let patient = try await directory.person("patient.7")
        let shelf = Shelf()
        let first = try await directory.plico().account(store: .custom(shelf))
        try await first.register(userID: "dr.a") { try directory.enrol("dr.a", $0.identityID) }
        let session = try await first.createSession(recipients: [.user("patient.7")])
        let sealed = try await session.encrypt(Ward.note)
        try await session.revoke(.user("patient.7"))
        first.close()

        // Another program, which knows what the store knows.
        let connection = directory.connection()
        let second = try await directory.plico(connection: connection).account(store: .custom(shelf))
        XCTAssertNotNil(second.identityID)
        connection.down(true)
        let opened = try await second.offline().decrypt(sealed)
        XCTAssertEqual(opened.data, Ward.note)
        await assertThrows(.accessRevoked) { try await patient.account.decrypt(sealed) }
    }

    func testEachFailureHasItsCode() async throws {
        let directory = try await TestDirectory.start()
        let shelf = Shelf()
        let account = try await directory.plico().account(store: .custom(shelf))
        try await account.register(userID: "dr.a") { try directory.enrol("dr.a", $0.identityID) }
        let session = try await account.createSession()
        let codes: [(any Error, PlicoError.Code)] = [
            (StoreError.full, .storeFull), (StoreError.readOnly, .storeReadOnly),
            (StoreError.busy, .storeBusy), (StoreError.damaged, .storeDamaged),
            (StoreError.unreadable, .store), (Broken(), .store),
        ]
        for (error, code) in codes {
            await shelf.fail(error)
            let thrown = await assertThrows(code) { try await session.rotate() }
            XCTAssertEqual(thrown.map { "\(type(of: $0.underlying))" }?.contains("nil"), false)
            XCTAssertEqual(thrown?.underlying.map { type(of: $0) == type(of: error) }, true)
            XCTAssertEqual(thrown?.message.contains("Broken"), false)
            await shelf.fail(nil)
            try await account.settle()
            try await session.rotate()
        }
    }

    /// It fails once, each time at another call; then the same account goes on.
    func testItFailsAnywhereAndRecovers() async throws {
        let directory = try await TestDirectory.start()
        _ = try await directory.person("patient.7")
        var (place, failed) = (0, 0)
        while true {
            let shelf = Shelf()
            await shelf.fail(Broken(), after: place)
            let userID = "dr.\(place)"
            var attempts = 0
            // Each step again until it succeeds: at most one of them fails, once.
            @discardableResult
            func again<T: Sendable>(_ work: () async throws -> T) async throws -> T {
                do {
                    return try await work()
                } catch let error as PlicoError {
                    XCTAssertEqual(error.code, .store, "at \(place)")
                    attempts += 1
                    return try await work()
                }
            }
            let plico = try await directory.plico()
            let account = try await again { try await plico.account(store: .custom(shelf)) }
            try await again {
                try await account.register(userID: userID) { try directory.enrol(userID, $0.identityID) }
            }
            let session = try await again {
                try await account.createSession(recipients: [.user("patient.7")])
            }
            let sealed = try await again { try await session.encrypt(Ward.note) }
            try await again { try await session.grant(.user("patient.7"), rights: .forward) }
            try await again { try await session.rotate() }
            let opened = try await again { try await account.decrypt(sealed) }
            XCTAssertEqual(opened.data, Ward.note)
            XCTAssertLessThanOrEqual(attempts, 1)
            let all = try await session.recipients()
            XCTAssertEqual(all.count, 2)
            plico.close()
            failed += attempts
            place += 1
            if await shelf.calls < place { break }
        }
        XCTAssertGreaterThan(failed, 8, "of \(place) places")
    }
}

import Foundation
import Plico
import PlicoTesting
import XCTest

final class CancelTests: XCTestCase {
    func testBeforeItBegins() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let requests = ward.doctor.connection.requests
        let cancel = CancelToken()
        cancel.cancel()
        XCTAssertTrue(cancel.isCancelled)
        for call in Call.all {
            await assertThrows(.cancelled) {
                try await call.make(ward, ward.account, ward.session, cancel)
            }
        }
        await assertThrows(.cancelled) {
            try await ward.doctor.plico.account(store: .memory, cancel: cancel)
        }
        await assertThrows(.cancelled) {
            try await Plico.open(
                directory: ward.directory.url, tenant: ward.directory.tenantID,
                transport: ward.doctor.connection, cancel: cancel)
        }
        XCTAssertEqual(ward.doctor.connection.requests, requests)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try await ward.session.encrypt(Data())
        }
        await assertThrows(.cancelled) { try await task.value }
        try await ward.assertWorks()
    }

    func testHalfWayByToken() async throws {
        try await halfWay { work in
            let cancel = CancelToken()
            let task = Task { try await work(cancel) }
            return (task, { cancel.cancel() })
        }
    }

    func testHalfWayByTask() async throws {
        try await halfWay { work in
            let task = Task { try await work(nil) }
            return (task, { task.cancel() })
        }
    }

    /// Each call is cancelled while its request is under way; afterwards the same
    /// account works.
    private func halfWay(
        _ start: (@escaping @Sendable (CancelToken?) async throws -> Void) -> (
            Task<Void, any Error>, () -> Void
        )
    ) async throws {
        let directory = try await TestDirectory.start()
        let doctor = try await directory.person("dr.a")
        for call in Call.all where call.asks {
            // Another session for each: some of the calls may have taken place.
            let ward = try await Ward.open(in: directory, doctor)
            defer { ward.remove() }
            let account = try ward.account.maxStaleness(.zero)
            let session = try ward.session.maxStaleness(.zero)
            let before = doctor.connection.requests
            doctor.connection.slow(.seconds(60))
            let (task, cancel) = start { try await call.make(ward, account, session, $0) }
            while doctor.connection.requests == before {
                try await Task.sleep(for: .milliseconds(1))
            }
            let clock = ContinuousClock()
            let took = await clock.measure {
                cancel()
                await assertThrows(.cancelled) { try await task.value }
            }
            XCTAssertLessThan(took, .seconds(20), call.name)
            doctor.connection.slow(.zero)
            XCTAssertFalse(try ward.names().contains("target"), call.name)
            try await ward.assertWorks()
        }
    }

    func testATokenEndsAllOfItsCallsAndATaskOnlyItsOwn() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let session = try ward.session.maxStaleness(.zero)
        let shared = CancelToken()
        ward.doctor.connection.slow(.seconds(2))
        let tasks = (0..<4).map { _ in
            Task { try await session.encrypt(Ward.note, cancel: shared) }
        }
        try await Task.sleep(for: .milliseconds(50))
        tasks[0].cancel()
        await assertThrows(.cancelled) { try await tasks[0].value }
        XCTAssertFalse(shared.isCancelled)
        let second = try await tasks[1].value
        XCTAssertFalse(second.isEmpty)
        ward.doctor.connection.slow(.seconds(2))
        let more = (0..<20).map { _ in
            Task { try await session.encrypt(Ward.note, cancel: shared) }
        }
        try await Task.sleep(for: .milliseconds(50))
        shared.cancel()
        for task in more {
            await assertThrows(.cancelled) { try await task.value }
        }
        ward.doctor.connection.slow(.zero)
        try await ward.assertWorks()
    }
}

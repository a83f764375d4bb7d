import Foundation
import Plico
import PlicoTesting
import XCTest

/// A way to the directory that a test puts something in.
private final class Way: Transport {
    typealias Send = @Sendable (TransportRequest) async throws -> TransportResponse
    private let connection: TestConnection
    private let lock = NSLock()
    nonisolated(unsafe) private var instead: Send?

    init(_ directory: TestDirectory) {
        connection = directory.connection()
    }

    func answer(_ instead: Send?) {
        lock.withLock { self.instead = instead }
    }

    func send(_ request: TransportRequest) async throws -> TransportResponse {
        if let instead = lock.withLock({ instead }) {
            return try await instead(request)
        }
        return try await connection.send(request)
    }
}

/// The app's own transport, when it misbehaves: typed errors, and all is well once it
/// behaves again.
final class TransportTests: XCTestCase {
    private struct Unplugged: Error {}

    private func open(
        attempts: Int = 1, requestTimeout: Duration? = nil
    ) async throws -> (Way, EncryptionSession) {
        let directory = try await TestDirectory.start()
        let way = Way(directory)
        let plico = try await Plico.open(
            directory: directory.url, tenant: directory.tenantID, transport: way,
            requestTimeout: requestTimeout, attempts: attempts)
        let account = try await plico.account(store: .memory)
        try await account.register(userID: "dr.a") { try directory.enrol("dr.a", $0.identityID) }
        return (way, try await account.createSession())
    }

    func testItThrows() async throws {
        let (way, session) = try await open()
        way.answer { _ in throw Unplugged() }
        let error = await assertThrows(.network) { try await session.refresh() }
        XCTAssertTrue(error?.underlying is Unplugged)
        XCTAssertEqual(error?.message.contains("Unplugged"), false)
        way.answer { _ in throw TransportError("the cable is out") }
        let told = await assertThrows(.network) { try await session.rotate() }
        XCTAssertEqual(told?.message.contains("the cable is out"), true)
        way.answer { _ in throw CancellationError() }
        await assertThrows(.network) { try await session.refresh() }
        way.answer(nil)
        try await session.refresh()
    }

    func testItGivesGarbage() async throws {
        let (way, session) = try await open()
        for status in [Int.min, -1, 0, 99, 200, 201, 302, 404, 500, 65_535, 65_536, .max] {
            for body in [Data(), Data("{}".utf8), Data(repeating: 0xff, count: 1000)] {
                way.answer { _ in TransportResponse(status: status, body: body) }
                do {
                    try await session.refresh()
                    XCTFail("\(status) was taken for an answer")
                } catch {
                    let expected: Set<PlicoError.Code> = [.network, .protocolError, .unavailable]
                    XCTAssertTrue(expected.contains(error.code), "\(status): \(error)")
                }
            }
        }
        way.answer { _ in TransportResponse(status: 200, body: Data(count: 70 << 20)) }
        await assertThrows(.network) { try await session.refresh() }
        way.answer(nil)
        try await session.refresh()
    }

    func testItNeverAnswers() async throws {
        let (way, session) = try await open(requestTimeout: .seconds(1))
        let cancelled = expectation(description: "the transport's task is cancelled")
        cancelled.assertForOverFulfill = false
        way.answer { _ in
            try await withTaskCancellationHandler {
                try await Task.sleep(for: .seconds(60))
            } onCancel: {
                cancelled.fulfill()
            }
            throw Unplugged()
        }
        await assertThrows(.network) { try await session.refresh() }
        await fulfillment(of: [cancelled], timeout: 5)
        way.answer(nil)
        try await session.refresh()
    }

    func testALostReplyIsAskedForAgain() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let before = try await ward.session.recipients().count
        ward.doctor.connection.loseReplies(1)
        try await ward.session.grant(.user(ward.patient.userID), rights: .forward)
        ward.doctor.connection.loseRequests(1)
        ward.doctor.connection.unavailable(1)
        try await ward.session.rotate()
        let after = try await ward.session.recipients().count
        XCTAssertEqual(after, before)
    }

    func testOffline() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        ward.doctor.connection.down(true)
        let sealed = try await ward.session.offline().encrypt(Ward.note)
        await assertThrows(.offline) { try await ward.account.offline().createSession() }
        let short = try await ward.directory.plico(connection: ward.doctor.connection, attempts: 1)
        await assertThrows(.network) { try await short.account(store: .memory) }
        ward.doctor.connection.down(false)
        let opened = try await ward.patient.account.decrypt(sealed)
        XCTAssertTrue(opened.writtenOffline)
        let told = try await ward.patient.account.prefetch([ward.session.id])
        XCTAssertEqual(told.map(\.failure), [nil])
        let unknown = String(repeating: "A", count: 43)
        let failed = try await ward.patient.account.prefetch([unknown])
        XCTAssertEqual(failed.map(\.failure), [.sessionNotFound])
    }
}

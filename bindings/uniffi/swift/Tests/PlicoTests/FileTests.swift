import Foundation
import Plico
import PlicoTesting
import XCTest

final class FileTests: XCTestCase {
    func testAFileThereAndBack() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let steps = Seen<FileProgress>()
        try await ward.session.encryptFile(
            at: ward.plain, to: ward.sealedFile, context: Ward.place, onProgress: steps.add)
        XCTAssertEqual(steps.all.last?.done, 300_000)
        XCTAssertEqual(steps.all.last?.total, 300_000)
        XCTAssertEqual(steps.all.map(\.done), steps.all.map(\.done).sorted())
        let back = Seen<FileProgress>()
        try await ward.patient.account.decryptFile(
            at: ward.sealedFile, to: ward.target, context: Ward.place, onProgress: back.add)
        XCTAssertEqual(try Data(contentsOf: ward.target), try Data(contentsOf: ward.plain))
        XCTAssertEqual(back.all.last?.done, 300_000)
        try await ward.session.decryptFile(at: ward.sealedFile, to: ward.target, context: Ward.place)
        await assertThrows(.contextRequired) {
            try await ward.session.decryptFile(at: ward.sealedFile, to: ward.target)
        }
    }

    func testPaths() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let none = ward.folder.appendingPathComponent("none")
        let nul = URL(fileURLWithPath: ward.folder.path + "/a\0b")
        for (source, target) in [
            (none, ward.target), (ward.folder, ward.target), (ward.plain, ward.folder),
            (ward.plain, none.appendingPathComponent("x")),
        ] {
            await assertThrows(.io) { try await ward.session.encryptFile(at: source, to: target) }
        }
        // Foundation may cut the name off at the NUL: no crash is what matters.
        _ = try? await ward.session.encryptFile(at: nul, to: ward.target)
        let web = try XCTUnwrap(URL(string: "https://example.org/a"))
        await assertThrows(.invalidArgument) { try await ward.session.encryptFile(at: web, to: ward.target) }
        await assertThrows(.invalidArgument) { try await ward.session.encryptFile(at: ward.plain, to: web) }
        await assertThrows(.invalidArgument) { try await ward.account.decryptFile(at: web, to: ward.target) }
        await assertThrows(.notAnEnvelope) { try await ward.account.decryptFile(at: ward.plain, to: ward.target) }
        XCTAssertEqual(try ward.names(), ["plain", "plain.plico"])
    }

    func testACancelledFileLeavesNothing() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let large = ward.folder.appendingPathComponent("large")
        try Data(repeating: 1, count: 64 << 20).write(to: large)
        let before = try ward.names()

        let cancel = CancelToken()
        await assertThrows(.cancelled) {
            try await ward.session.encryptFile(
                at: large, to: ward.target, onProgress: { _ in cancel.cancel() }, cancel: cancel)
        }
        try await ward.assertNames(before)

        // By its task.
        let begun = expectation(description: "the file is begun")
        begun.assertForOverFulfill = false
        let task = Task {
            try await ward.session.encryptFile(
                at: large, to: ward.target, onProgress: { _ in
                    begun.fulfill()
                    Thread.sleep(forTimeInterval: 0.05)  // so that it is not done before it is cancelled
                })
        }
        await fulfillment(of: [begun], timeout: 60)
        task.cancel()
        await assertThrows(.cancelled) { try await task.value }
        try await ward.assertNames(before)
        try await ward.assertWorks()
    }
}

extension Ward {
    /// The call ends at once; the thread that was at the file cleans up behind it.
    func assertNames(
        _ expected: [String], file: StaticString = #filePath, line: UInt = #line
    ) async throws {
        for _ in 0..<2_000 where try names() != expected {
            try await Task.sleep(for: .milliseconds(10))
        }
        XCTAssertEqual(try names(), expected, file: file, line: line)
    }

    func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }
}

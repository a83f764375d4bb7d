import Plico
import XCTest

/// `work` must throw a ``PlicoError`` with this code; returns it.
@discardableResult
func assertThrows<T>(
    _ code: PlicoError.Code, file: StaticString = #filePath, line: UInt = #line,
    _ work: () async throws -> T
) async -> PlicoError? {
    do {
        _ = try await work()
        XCTFail("\(code) was expected", file: file, line: line)
    } catch let error as PlicoError {
        XCTAssertEqual(error.code, code, error.message, file: file, line: line)
        return error
    } catch {
        XCTFail("not a PlicoError: \(error)", file: file, line: line)
    }
    return nil
}

/// Collects what is told on any thread.
final class Seen<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var values: [Value] = []

    func add(_ value: Value) {
        lock.withLock { values.append(value) }
    }

    var all: [Value] {
        lock.withLock { values }
    }
}

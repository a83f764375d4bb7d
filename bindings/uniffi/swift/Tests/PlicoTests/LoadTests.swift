import Foundation
import Plico
import PlicoTesting
import XCTest

final class LoadTests: XCTestCase {
    func testTwoThousandCallsAtATime() async throws {
        let ward = try await Ward.open()
        defer { ward.remove() }
        let (session, sealed) = (ward.session, ward.sealed)
        let failures = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<2000 {
                group.addTask {
                    switch number % 4 {
                    case 0:
                        let sealed = try await session.encrypt(Data("\(number)".utf8))
                        let opened = try await ward.patient.account.decrypt(sealed)
                        return opened.data == Data("\(number)".utf8)
                    case 1:
                        return try await session.decrypt(sealed, context: Ward.place).data == Ward.note
                    case 2:
                        return try await session.recipients().count == 2
                    default:
                        do {
                            _ = try await ward.patient.account.decrypt(sealed)
                            return false
                        } catch let error as PlicoError {
                            return error.code == .contextRequired
                        }
                    }
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 0 : 1 }
        }
        XCTAssertEqual(failures, 0)
    }

    #if os(Linux)
        func testMemoryStaysWhereItIs() async throws {
            let ward = try await Ward.open()
            defer { ward.remove() }
            let data = Data(repeating: 7, count: 1 << 20)
            func rounds(_ count: Int) async throws {
                for _ in 0..<count {
                    let sealed = try await ward.session.encrypt(data)
                    let opened = try await ward.session.decrypt(sealed)
                    XCTAssertEqual(opened.data.count, data.count)
                }
            }
            try await rounds(50)
            let before = try residentBytes()
            try await rounds(300)
            let grown = try residentBytes() - before
            // What one kind of buffer in each round would leave is 300 MiB.
            XCTAssertLessThan(grown, 150 << 20)
        }

        private func residentBytes() throws -> Int {
            let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
                .split(separator: " ")
            return try XCTUnwrap(Int(pages[1])) * 4096
        }
    #endif
}

import Foundation
import Plico
import PlicoTesting

/// How many bytes a second go through, against a directory in this process: one call
/// after the other. One line of JSON for each measurement.
@main
struct Bench {
    static let atLeast = Duration.seconds(1)

    static func main() async throws {
        let directory = try await TestDirectory.start()
        let person = try await directory.person("dr.a")
        let session = try await person.account.createSession()
        for (name, size) in [("1 KiB", 1 << 10), ("1 MiB", 1 << 20), ("16 MiB", 16 << 20)] {
            let data = Data(repeating: 7, count: size)
            let sealed = try await session.encrypt(data)
            try await measure("encrypt \(name)", size) { _ = try await session.encrypt(data) }
            try await measure("decrypt \(name)", size) { _ = try await session.decrypt(sealed) }
        }
        try await file(session)
    }

    private static func file(_ session: EncryptionSession) async throws {
        let place = ProcessInfo.processInfo.environment["PLICO_BENCH_FOLDER"] ?? "/tmp"
        let folder = URL(fileURLWithPath: place)
            .appendingPathComponent("plico-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (source, target) = (
            folder.appendingPathComponent("plain"), folder.appendingPathComponent("sealed")
        )
        let size = 256 << 20
        try Data(repeating: 7, count: size).write(to: source)
        try await measure("encrypt_file 256 MiB", size) {
            try await session.encryptFile(at: source, to: target)
        }
    }

    private static func measure(
        _ what: String, _ size: Int, _ work: @Sendable () async throws -> Void
    ) async throws {
        try await work()
        let clock = ContinuousClock()
        let start = clock.now
        var rounds = 0
        repeat {
            try await work()
            rounds += 1
        } while clock.now - start < atLeast
        let speed = Double(size * rounds) / ((clock.now - start) / .seconds(1))
        print(#"{"language":"swift","what":"\#(what)","bytes_per_second":\#(speed)}"#)
    }
}

import Foundation
import Plico

/// What a runner leaves for the comparison: `results.json` and `errors.json`.
struct Record {
    private let folder: URL
    private var results: [String: JSON]
    private var errors: [String: JSON]

    /// What earlier phases have left in `folder`.
    init(_ folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        func read(_ name: String) throws -> [String: JSON] {
            let file = folder.appendingPathComponent(name)
            guard FileManager.default.fileExists(atPath: file.path) else { return [:] }
            return try JSONDecoder().decode(JSON.self, from: Data(contentsOf: file)).object ?? [:]
        }
        self.folder = folder
        results = try read("results.json")
        errors = try read("errors.json")
    }

    mutating func result(_ id: String, passed: Bool) {
        results[id] = .text(passed ? "passed" : "failed")
    }

    mutating func error(_ id: String, _ error: PlicoError) {
        errors[id] = .object([
            "code": .text(error.code.rawValue), "message": .text(error.message),
        ])
    }

    func write() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        func write(_ name: String, _ members: [String: JSON]) throws {
            try encoder.encode(JSON.object(members)).write(to: folder.appendingPathComponent(name))
        }
        try write("results.json", results)
        try write("errors.json", errors)
    }
}

import Foundation

/// What the runner was called with.
struct Arguments {
    let scenario: URL
    let phase: String
    let language: String
    let languages: [String]
    let directory: String
    let tenant: String
    let work: URL

    init(_ words: some Sequence<String>) throws {
        var named: [String: String] = [:]
        var words = words.makeIterator()
        while let word = words.next() {
            guard word.hasPrefix("--") else { throw Misuse("\(word) is no option") }
            // An id may begin with a dash: `--tenant=-abc…`.
            let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1)
            guard let name = parts.first, let value = parts.dropFirst().first.map(String.init) ?? words.next()
            else { throw Misuse("\(word) needs a value") }
            named[String(name)] = value
        }
        func option(_ name: String) throws -> String {
            guard let value = named.removeValue(forKey: name) else { throw Misuse("--\(name) is missing") }
            return value
        }
        scenario = URL(fileURLWithPath: try option("scenario"))
        phase = try option("phase")
        language = try option("language")
        languages = try option("languages").split(separator: ",").map(String.init)
        directory = try option("directory")
        tenant = try option("tenant")
        work = URL(fileURLWithPath: try option("work"))
        if let unknown = named.keys.first { throw Misuse("there is no option --\(unknown)") }
    }
}

/// What stops a runner, or a step that can't be done as it is written.
struct Misuse: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

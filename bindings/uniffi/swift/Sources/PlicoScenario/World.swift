import Foundation
import Plico

/// What a step gives.
enum Outcome {
    case nothing
    case plico(Plico)
    case account(Account)
    case session(EncryptionSession)
    case group(Group)
    case bytes(Data)
    case text(String)
    case texts([String])
    case set([String])
    case flag(Bool)
    case number(Int64)
    case counts(Counts)
    case opened(Decrypted)
    case signed(DecryptedSigned)
    case recipients([RecipientInfo])

    /// For messages: values may be long, or nobody's business.
    var kind: String {
        switch self {
        case .nothing: "null"
        case .plico: "a Plico"
        case .account: "an account"
        case .session: "a session"
        case .group: "a group"
        case .bytes(let bytes): "\(bytes.count) bytes"
        case .text(let text): "a text of \(text.utf8.count) bytes"
        case .set(let texts): "a set: \(texts.sorted().joined(separator: ", "))"
        case .texts(let texts): "texts: \(texts.joined(separator: ", "))"
        case .flag(let flag): "\(flag)"
        case .number(let number): "\(number)"
        case .counts(let counts): "changed: \(counts.changed), failed: \(counts.failed)"
        case .opened(let opened):
            "\(opened.data.count) bytes, written offline: \(opened.writtenOffline)"
        case .signed(let opened): "\(opened.content.data.count) bytes, \(opened.writtenBy)"
        case .recipients(let all):
            "recipients: "
                + all.map { "\($0.userID ?? "?") \(words(of: $0.rights))" }.joined(separator: ", ")
        }
    }
}

/// What a phase has at hand: the folder, and what earlier steps have given.
struct World {
    let arguments: Arguments
    private var names: [String: Outcome] = [:]

    init(_ arguments: Arguments) {
        self.arguments = arguments
    }

    mutating func remember(_ name: String, _ outcome: Outcome) {
        names[name] = outcome
    }

    func named(_ name: String) throws -> Outcome {
        guard let outcome = names[name] else {
            throw Misuse("no earlier step has given `\(name)`")
        }
        return outcome
    }

    /// Where `path` is; it does not leave the folder.
    func path(_ path: String) throws -> URL {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.contains(where: { ["", ".", ".."].contains($0) }) else {
            throw Misuse("\(path) is not a path inside the folder")
        }
        return arguments.work.appendingPathComponent(path)
    }

    func save(_ path: String, _ outcome: Outcome) throws {
        switch outcome {
        case .bytes(let bytes): try bytes.write(to: self.path(path))
        case .text(let text): try Data(text.utf8).write(to: self.path(path))
        default: throw Misuse("\(outcome.kind) can't be saved")
        }
    }
}

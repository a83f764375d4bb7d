import Foundation
import Plico

// Bytes, texts, contexts, recipients and grants as the file writes them.

extension World {
    func bytes(_ value: JSON) throws -> Data {
        if let text = value.text, text.hasPrefix("$") {
            let name = String(text.dropFirst())
            switch try named(name) {
            case .bytes(let bytes): return bytes
            case .text(let text): return Data(text.utf8)
            case let other: throw Misuse("`\(name)` is \(other.kind)")
            }
        }
        switch value.form {
        case ("utf8", .text(let text))?:
            return Data(text.utf8)
        case ("base64", .text(let text))?:
            guard let bytes = Data(base64Encoded: text) else { throw Misuse("this is no base64") }
            return bytes
        case ("repeat", let what)?:
            guard case (.text(let text), .integer(let count)) = try what.pair() else {
                throw Misuse("a text and a count were expected")
            }
            return Data(String(repeating: text, count: Int(count)).utf8)
        case ("load", .text(let path))?:
            return try Data(contentsOf: self.path(path))
        case ("flip", let what)?:
            let (from, at) = try what.pair()
            var bytes = try bytes(from)
            let place = try place(at, in: bytes)
            guard place < bytes.count else { throw Misuse("there is no such byte") }
            bytes[place] ^= 1
            return bytes
        case ("cut", let what)?:
            let (from, length) = try what.pair()
            let bytes = try bytes(from)
            return bytes.prefix(try place(length, in: bytes))
        default:
            throw Misuse("these are no bytes")
        }
    }

    /// Negative numbers count from the end.
    private func place(_ at: JSON, in bytes: Data) throws -> Int {
        guard let at = at.integer.map(Int.init) else { throw Misuse("a number was expected") }
        let place = at < 0 ? bytes.count + at : at
        guard 0...bytes.count ~= place else { throw Misuse("there is no byte \(at)") }
        return place
    }

    func text(_ value: JSON) throws -> String {
        if let text = value.text, !text.hasPrefix("$") {
            return text
        }
        guard let text = String(validatingUTF8Bytes: try bytes(value)) else {
            throw Misuse("this is not UTF-8")
        }
        return text
    }

    func texts(_ value: JSON) throws -> [String] {
        guard let list = value.list else { throw Misuse("a list was expected") }
        return try list.map(text)
    }

    func context(_ args: [String: JSON]) throws -> Context? {
        guard let context = args["context"] else { return nil }
        switch context.form {
        case ("raw", let value)?:
            return Context(raw: try bytes(value))
        case ("fields", .object(let fields))?:
            return Context(fields: try fields.map { ($0, try field($1)) })
        default:
            throw Misuse("this is no context")
        }
    }

    private func field(_ value: JSON) throws -> Context.Value {
        switch value {
        case .text: return .text(try text(value))
        case .boolean(let flag): return .boolean(flag)
        case .integer(let number): return .integer(number)
        default: break
        }
        if case ("integer", .text(let digits))? = value.form {
            guard let number = Int64(digits) else { throw Misuse("not a 64-bit integer") }
            return .integer(number)
        }
        return .bytes(try bytes(value))
    }

    func recipient(_ of: JSON?) throws -> Recipient {
        if let user = of?.object?["user"] { return .user(try text(user)) }
        if let identity = of?.object?["identity"] { return .identity(try text(identity)) }
        if let group = of?.object?["group"] { return .group(try text(group)) }
        throw Misuse("a recipient has `user`, `identity` or `group`")
    }

    func fileKey(_ of: JSON?) throws -> FileKey {
        if let text = of?.object?["passphrase"] { return .passphrase(try self.text(text)) }
        if let secret = of?.object?["host_secret"] { return .hostSecret(try bytes(secret)) }
        throw Misuse("a key has `passphrase` or `host_secret`")
    }

    func newRecipient(_ of: JSON) throws -> NewRecipient {
        let members = of.object ?? [:]
        let (rights, end) = try grant(members)
        if let user = members["user"] {
            return .user(try text(user), rights: rights, expiresAt: end)
        }
        if let identity = members["identity"] {
            return .identity(try text(identity), rights: rights, expiresAt: end)
        }
        if let group = members["group"] {
            return .group(try text(group), rights: rights, expiresAt: end)
        }
        throw Misuse("a recipient has `user`, `identity` or `group`")
    }

    func role(_ of: [String: JSON]) throws -> GroupRole {
        switch of["role"]?.text {
        case nil, "member": .member
        case "manager": .manager
        case "owner": .owner
        case _: throw Misuse("an unknown role")
        }
    }

    func newMember(_ of: JSON) throws -> NewMember {
        let members = of.object ?? [:]
        let role = try role(members)
        if let user = members["user"] { return .user(try text(user), role: role) }
        if let identity = members["identity"] { return .identity(try text(identity), role: role) }
        if let group = members["group"] { return .group(try text(group), role: role) }
        throw Misuse("a recipient has `user`, `identity` or `group`")
    }
}

private let rightsByWord: [(word: String, right: Rights)] = [
    ("read", .read), ("forward", .forward), ("revoke", .revoke), ("owner", .owner),
]

/// `rights` and `expires_in_ms`.
func grant(_ members: [String: JSON]) throws -> (rights: Rights, expiresAt: Date?) {
    let words = members["rights"]?.list ?? [.text("read")]
    let rights = try words.reduce(into: Rights.read) { rights, word in
        guard let known = rightsByWord.first(where: { $0.word == word.text }) else {
            throw Misuse("an unknown right")
        }
        rights.insert(known.right)
    }
    let end = members["expires_in_ms"]?.integer.map { Date(timeIntervalSinceNow: Double($0) / 1000) }
    return (rights, end)
}

/// As the file writes them.
func words(of rights: Rights) -> [String] {
    if rights.contains(.owner) { return ["owner"] }
    return rightsByWord.filter { rights.contains($0.right) }.map(\.word)
}

extension String {
    /// `nil` for what is not UTF-8: nothing is repaired.
    init?(validatingUTF8Bytes bytes: Data) {
        self.init(data: bytes, encoding: .utf8)
    }
}

import Foundation
import Plico

/// Whether a time lies in the last hour, or not long ahead.
func isRecent(_ time: Date) -> Bool {
    (-3600...5).contains(time.timeIntervalSinceNow)
}

/// Times that no step names lie where they must.
func checkTimes(_ outcome: Outcome) throws {
    let times: [Date] =
        switch outcome {
        case .opened(let opened): [opened.knownAt]
        case .signed(let opened): [opened.content.knownAt] + (opened.writer.map { [$0.at] } ?? [])
        case .recipients(let all): all.map(\.grantedAt)
        default: []
        }
    if !times.allSatisfy(isRecent) {
        throw Misuse("a time is far from now")
    }
}

extension World {
    /// Compares an outcome with a step's `gives`.
    func check(_ outcome: Outcome, gives expected: JSON) throws {
        let same =
            switch (expected, outcome) {
            case (.null, .nothing): true
            case (.boolean(let expected), .flag(let got)): expected == got
            case (.integer(let expected), .number(let got)): expected == got
            case (.object(let members), .counts(let got)): try isSame(members, got)
            case (_, .bytes(let got)): try bytes(expected) == got
            case (_, .text(let got)): try sameBytes(text(expected), got)
            case (_, .texts(let got)): try texts(expected).elementsEqual(got, by: sameBytes)
            case (_, .set(let got)): try Set(texts(expected)) == Set(got)
            case (.object(let members), .opened(let got)): try isSame(members, got)
            case (.object(var members), .signed(let got)):
                try (members.removeValue(forKey: "written_by").map { isSame($0, got) } ?? true)
                    && isSame(members, got.content)
            case (.list(let list), .recipients(let got)): isSame(list, got)
            default: false
            }
        if !same {
            throw Misuse("another value than expected: \(outcome.kind)")
        }
    }

    private func isSame(_ expected: [String: JSON], _ got: Decrypted) throws -> Bool {
        try expected.allSatisfy { name, value in
            switch name {
            case "data": try bytes(value) == got.data
            case "session": try sameBytes(text(value), got.sessionID)
            case "written_offline": value.boolean == got.writtenOffline
            default: throw Misuse("`decrypt` gives no `\(name)`")
            }
        }
    }

    private func isSame(_ expected: [String: JSON], _ got: Counts) throws -> Bool {
        try expected.allSatisfy { name, value in
            switch name {
            case "changed": value.integer == Int64(got.changed)
            case "failed": value.integer == Int64(got.failed)
            default: throw Misuse("`revoke_everywhere` gives no `\(name)`")
            }
        }
    }

    private func isSame(_ expected: JSON, _ got: DecryptedSigned) -> Bool {
        switch got.writtenBy {
        case .unsigned: if case .null = expected { true } else { false }
        case .signed(let writer): expected.text == writer.userID
        }
    }

    private func isSame(_ expected: [JSON], _ got: [RecipientInfo]) -> Bool {
        func key(_ id: String?) -> [UInt8] { Array((id ?? "").utf8) }
        let got = got.sorted { key($0.userID).lexicographicallyPrecedes(key($1.userID)) }
        let expected = expected.compactMap(\.object).sorted {
            key($0["user_id"]?.text).lexicographicallyPrecedes(key($1["user_id"]?.text))
        }
        return expected.elementsEqual(got) { expected, got in
            expected.allSatisfy { name, value in
                switch name {
                case "user_id": value.text == got.userID
                case "rights": value.list?.compactMap(\.text) == words(of: got.rights)
                case "expires": value.boolean == (got.expiresAt != nil)
                default: false
                }
            }
        }
    }
}

extension DecryptedSigned {
    fileprivate var writer: Writer? {
        if case .signed(let writer) = writtenBy { writer } else { nil }
    }
}

/// By their bytes: `==` takes é and e with an accent for the same.
private func sameBytes(_ one: String, _ other: String) -> Bool {
    one.utf8.elementsEqual(other.utf8)
}

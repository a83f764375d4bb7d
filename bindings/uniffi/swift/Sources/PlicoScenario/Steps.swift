import Foundation

/// When a step's call is cancelled.
enum Cancel {
    case before
    /// When it has waited for another program for some time.
    case after
}

/// One step, ready to be done.
struct Step {
    let id: String
    let verb: String
    let on: String?
    let args: [String: JSON]
    let name: String?
    let save: String?
    let cancel: Cancel?
    /// Told apart from `null`, which is something to be given.
    let gives: JSON?
    let error: String?
    let recipients: [String]?

    init(_ members: [String: JSON], of other: String?) throws {
        let known: Set = [
            "id", "verb", "on", "args", "as", "save", "cancel", "gives", "error", "recipients",
        ]
        if let unknown = members.keys.first(where: { !known.contains($0) }) {
            throw Misuse("a step has no `\(unknown)`")
        }
        guard let id = members["id"]?.text, let verb = members["verb"]?.text else {
            throw Misuse("a step has an id and a verb")
        }
        self.id = other.map { "\(id)/\($0)" } ?? id
        self.verb = verb
        on = members["on"]?.text
        args = members["args"]?.object ?? [:]
        name = members["as"]?.text
        save = members["save"]?.text
        switch members["cancel"]?.text {
        case nil: cancel = nil
        case "before": cancel = .before
        case "after": cancel = .after
        case _: throw Misuse("`cancel` is \"before\" or \"after\"")
        }
        gives = members["gives"]
        error = members["error"]?.text
        recipients = members["recipients"]?.list?.compactMap(\.text)
    }
}

/// The steps of the phase that `arguments` name, `each` of them unfolded.
func steps(_ arguments: Arguments) throws -> [Step] {
    let file = try JSONDecoder().decode(JSON.self, from: Data(contentsOf: arguments.scenario))
    guard let scenario = file.object, scenario["format"]?.integer == 1 else {
        throw Misuse("the scenario has another format")
    }
    let phases = scenario["phases"]?.list?.compactMap(\.object) ?? []
    guard let phase = phases.first(where: { $0["name"]?.text == arguments.phase }) else {
        throw Misuse("the scenario has no phase \(arguments.phase)")
    }
    let languages = arguments.languages
    let own = languages.firstIndex(of: arguments.language) ?? 0
    let known = [
        "{lang}": arguments.language, "{next}": languages[(own + 1) % languages.count],
        "{directory}": arguments.directory, "{tenant}": arguments.tenant,
    ]
    return try (phase["steps"]?.list ?? []).flatMap { step throws -> [Step] in
        guard var members = step.object else { throw Misuse("a step is an object") }
        let each = members.removeValue(forKey: "each")
        let others: [String?]
        switch each?.text {
        case nil: others = [nil]
        case "other": others = arguments.languages
        case _: throw Misuse("`each` is always \"other\"")
        }
        return try others.map { other in
            let known = known.merging(other.map { ["{other}": $0] } ?? [:]) { $1 }
            let filled = fill(.object(members), known, arguments.languages)
            return try Step(filled.object ?? [:], of: other)
        }
    }
}

/// `value` with the placeholders in its strings replaced and lists over languages
/// unfolded.
private func fill(_ value: JSON, _ known: [String: String], _ languages: [String]) -> JSON {
    switch value {
    case .text(let text):
        return .text(known.reduce(text) { $0.replacingOccurrences(of: $1.key, with: $1.value) })
    case .object(let members):
        return .object(members.mapValues { fill($0, known, languages) })
    case .list(let list):
        return .list(
            list.flatMap { item -> [JSON] in
                guard let (name, every) = item.form, name == "every" else {
                    return [fill(item, known, languages)]
                }
                return languages.map { language in
                    fill(every, known.merging(["{every}": language]) { $1 }, languages)
                }
            })
    default:
        return value
    }
}

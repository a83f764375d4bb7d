import Foundation
import Plico

// Verbs that concern ends and tags, and many at once.

/// What a call in many sessions says of itself.
struct Counts {
    let changed: UInt64
    let failed: UInt64
}

extension Given {
    func many(_ verb: String, on account: Account) async throws -> Outcome {
        switch verb {
        case "sessions_tagged":
            let page = try await account.sessions(tagged: try text("tag"), cancel: cancel)
            return .texts(page.items)
        case "create_sessions":
            let sessions = try list("sessions").map { session in
                let members = session.object ?? [:]
                return SessionOptions(
                    recipients: try (members["recipients"]?.list ?? []).map(world.newRecipient),
                    tag: try given(members["tag"]).map(world.text))
            }
            return .texts(try await account.createSessions(sessions, cancel: cancel).map(word))
        case "revoke_everywhere":
            let summary = try await account.revokeEverywhere(
                try world.recipient(args["who"]), cancel: cancel)
            return .counts(Counts(changed: summary.changed, failed: summary.failed))
        default:
            throw Misuse("there is no verb `\(verb)` on an account")
        }
    }

    func terms(_ verb: String, on session: EncryptionSession) async throws -> Outcome {
        switch verb {
        case "set_tag":
            let tag = try given(args["tag"]).map(world.text)
            try await session.setTag(tag, cancel: cancel)
            return .nothing
        case "tag":
            return try await session.tag(cancel: cancel).map(Outcome.text) ?? .nothing
        case "set_expiry":
            let end = args["in_s"]?.integer.map { Date(timeIntervalSinceNow: Double($0)) }
            let idle = args["idle_s"]?.integer.map { Duration.seconds($0) }
            try await session.setExpiry(Expiry(at: end, afterIdle: idle), cancel: cancel)
            return .nothing
        case "ends":
            return .flag(try await session.endsAt(cancel: cancel) != nil)
        case "grant_all":
            let recipients = try list("recipients").map(world.newRecipient)
            return .texts(try await session.grantAll(recipients, cancel: cancel).map(word))
        case "revoke_all":
            let recipients = try list("recipients").map { try world.recipient($0) }
            return .texts(try await session.revokeAll(recipients, cancel: cancel).map(word))
        default:
            throw Misuse("there is no verb `\(verb)` on a session")
        }
    }

    private func list(_ name: String) throws -> [JSON] {
        guard let list = try arg(name).list else { throw Misuse("`\(name)` is a list") }
        return list
    }
}

private func given(_ value: JSON?) -> JSON? {
    if case .null? = value { nil } else { value }
}

/// How it went with one of many.
private func word<T>(_ result: Result<T, PlicoError>) -> String {
    switch result {
    case .success: "ok"
    case .failure(let error): error.code.rawValue
    }
}

import Foundation
import Plico

extension Given {
    func perform(_ verb: String, on session: EncryptionSession) async throws -> Outcome {
        switch verb {
        case "session_id":
            return .text(session.id)
        case "missing_recipients":
            return .texts(session.missingRecipients)
        case "offline":
            return .session(session.offline())
        case "max_staleness":
            return .session(try session.maxStaleness(ms("ms") ?? .zero))
        case "encrypt":
            return .bytes(
                try await session.encrypt(
                    try bytes("data"), context: try context(), cancel: cancel))
        case "encrypt_text":
            return .text(
                try await session.encryptText(
                    try text("text"), context: try context(), cancel: cancel))
        case "decrypt":
            return .opened(
                try await session.decrypt(
                    try bytes("envelope"), context: try context(), cancel: cancel))
        case "encrypt_signed":
            let signed = try await session.encryptSigned(
                try bytes("data"), context: try context(), cancel: cancel)
            try signed.signature.write(to: path("signature"))
            return .bytes(signed.envelope)
        case "sign":
            return .bytes(
                try await session.sign(
                    try bytes("envelope"), context: try context(), cancel: cancel))
        case "decrypt_signed":
            return .signed(
                try await session.decryptSigned(
                    try bytes("envelope"), signature: try signature(), context: try context(),
                    cancel: cancel))
        case "who_may_read":
            let list = try await session.whoMayRead(cancel: cancel)
            guard isRecent(list.asOf) else { throw Misuse("a time is far from now") }
            let lines = list.mayRead.compactMap { it -> String? in
                guard case .identity = it.who else { return nil }
                return "\(it.userID ?? "?") \(it.path.count)"
            }
            return .set(lines)
        case "decrypt_text":
            return .text(
                try await session.decryptText(
                    try text("text"), context: try context(), cancel: cancel))
        case "recipients":
            return .recipients(try await session.recipients(cancel: cancel))
        case "metadata":
            return try await session.metadata(cancel: cancel).map(Outcome.bytes) ?? .nothing
        case "set_tag", "tag", "set_expiry", "ends", "grant_all", "revoke_all":
            return try await terms(verb, on: session)
        default:
            try await change(verb, session)
            return .nothing
        }
    }

    /// The verbs that give nothing.
    private func change(_ verb: String, _ session: EncryptionSession) async throws {
        switch verb {
        case "encrypt_file":
            try await session.encryptFile(
                at: try path("source"), to: try path("target"), context: try context(),
                cancel: cancel)
        case "decrypt_file":
            try await session.decryptFile(
                at: try path("source"), to: try path("target"), context: try context(),
                cancel: cancel)
        case "grant":
            let (rights, end) = try grant(args)
            try await session.grant(
                try world.recipient(args["to"]), rights: rights, expiresAt: end, cancel: cancel)
        case "revoke":
            try await session.revoke(
                try world.recipient(args["from"]), cascade: flag("cascade"), cancel: cancel)
        case "leave": try await session.leave(cancel: cancel)
        case "rotate": try await session.rotate(cancel: cancel)
        case "refresh": try await session.refresh(cancel: cancel)
        case "forget": try await session.forget(cancel: cancel)
        case "end": try await session.end(cancel: cancel)
        case "set_metadata": try await session.setMetadata(try bytes("data"), cancel: cancel)
        default: throw Misuse("there is no verb `\(verb)` on a session")
        }
    }
}

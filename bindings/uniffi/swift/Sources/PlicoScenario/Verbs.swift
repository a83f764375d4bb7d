import Foundation
import Plico

/// A step's arguments.
struct Given {
    let world: World
    let args: [String: JSON]
    let cancel: CancelToken

    func arg(_ name: String) throws -> JSON {
        guard let value = args[name] else { throw Misuse("the argument `\(name)` is missing") }
        return value
    }

    func bytes(_ name: String) throws -> Data { try world.bytes(arg(name)) }
    func text(_ name: String) throws -> String { try world.text(arg(name)) }
    func path(_ name: String) throws -> URL { try world.path(text(name)) }
    func context() throws -> Context? { try world.context(args) }
    func flag(_ name: String) -> Bool { args[name]?.boolean ?? false }
    func number(_ name: String) -> Int? { args[name]?.integer.map(Int.init) }
    func ms(_ name: String) -> Duration? { args[name]?.integer.map { .milliseconds($0) } }
}

extension World {
    /// Does one step.
    func perform(_ step: Step) async throws -> Outcome {
        let given = Given(world: self, args: step.args, cancel: CancelToken())
        switch step.cancel {
        case nil: break
        case .before: given.cancel.cancel()
        case .after:
            Task {
                try await Task.sleep(for: .milliseconds(4_000))
                given.cancel.cancel()
            }
        }
        guard let name = step.on else {
            return try await given.free(step.verb)
        }
        switch try named(name) {
        case .plico(let plico): return try await given.perform(step.verb, on: plico)
        case .account(let account): return try await given.perform(step.verb, on: account)
        case .session(let session): return try await given.perform(step.verb, on: session)
        case .group(let group): return try await given.perform(step.verb, on: group)
        case let other: throw Misuse("`\(name)` is \(other.kind)")
        }
    }
}

extension Given {
    fileprivate func free(_ verb: String) async throws -> Outcome {
        switch verb {
        case "open":
            return .plico(try await open())
        case "generate_words":
            return .text(RecoveryKey.generate().words)
        case "open_offline_file":
            let opened = try await Plico.openOfflineFile(
                try bytes("file"), identity: try bytes("identity"),
                key: try world.fileKey(args["key"]), context: try context(), cancel: cancel)
            guard isRecent(opened.asOf) else { throw Misuse("a time is far from now") }
            return .opened(opened.content)
        case "write_file":
            try bytes("data").write(to: path("path"))
            return .nothing
        case "read_file":
            return .bytes(try Data(contentsOf: path("path")))
        case "exists":
            return .flag(FileManager.default.fileExists(atPath: try path("path").path))
        case "wait":
            try await Task.sleep(for: ms("ms") ?? .zero)
            return .nothing
        default:
            throw Misuse("there is no verb `\(verb)`")
        }
    }

    private func open() async throws -> Plico {
        guard let directory = URL(string: try text("directory")) else {
            throw Misuse("the directory's URL is not one")
        }
        return try await Plico.open(
            directory: directory, tenant: try text("tenant"),
            maxStaleness: ms("max_staleness_ms"), requestTimeout: ms("request_timeout_ms"),
            attempts: number("attempts"), startOffline: flag("start_offline"), cancel: cancel)
    }

    fileprivate func perform(_ verb: String, on plico: Plico) async throws -> Outcome {
        switch verb {
        case "tenant_id":
            return .text(plico.tenantID)
        case "account":
            let store: AccountStore =
                flag("memory") ? .memory : .file(try path("store"), key: try bytes("key"))
            return .account(try await plico.account(store: store, cancel: cancel))
        case "close":
            plico.close()
            return .nothing
        default:
            throw Misuse("there is no verb `\(verb)` on a Plico")
        }
    }

    fileprivate func perform(_ verb: String, on account: Account) async throws -> Outcome {
        switch verb {
        case "identity_id":
            return account.identityID.map(Outcome.text) ?? .nothing
        case "register":
            return .text(try await register(account))
        case "create_session":
            return .session(try await createSession(account))
        case "session":
            return .session(try account.session(try text("id")))
        case "session_of":
            return .session(try await account.session(of: try bytes("envelope"), cancel: cancel))
        case "offline":
            return .account(account.offline())
        case "max_staleness":
            return .account(try account.maxStaleness(ms("ms") ?? .zero))
        case "prefetch":
            let results = try await account.prefetch(try world.texts(arg("ids")), cancel: cancel)
            return .texts(results.map { $0.failure?.rawValue ?? "OK" })
        case "settle":
            return .number(Int64(try await account.settle(cancel: cancel)))
        case "accept_identity_change":
            return .text(
                try await account.acceptIdentityChange(of: try text("user_id"), cancel: cancel))
        case "device_id":
            return account.deviceID.map(Outcome.text) ?? .nothing
        case "devices":
            let devices = try await account.devices(cancel: cancel)
            return .texts(
                devices.map { $0.revoked ? "revoked" : $0.isThis ? "this" : "active" })
        case "revoke_device":
            try await account.revokeDevice(try text("id"), cancel: cancel)
            return .nothing
        case "rotate_user_key":
            try await account.rotateUserKey(cancel: cancel)
            return .nothing
        case "export_identity":
            let key = try world.fileKey(args["key"])
            return .bytes(try await account.exportIdentity(key: key, cancel: cancel))
        case "import_identity":
            let key = try world.fileKey(args["key"])
            return .text(
                try await account.importIdentity(try bytes("file"), key: key, cancel: cancel))
        case "decrypt":
            return .opened(
                try await account.decrypt(
                    try bytes("envelope"), context: try context(), cancel: cancel))
        case "decrypt_text":
            return .text(
                try await account.decryptText(
                    try text("text"), context: try context(), cancel: cancel))
        case "decrypt_file":
            try await account.decryptFile(
                at: try path("source"), to: try path("target"), context: try context(),
                cancel: cancel)
            return .nothing
        case "close":
            account.close()
            return .nothing
        case "create_group", "group", "groups", "sessions_of_group", "decrypt_signed":
            return try await groups(verb, on: account)
        case "sessions_tagged", "create_sessions", "revoke_everywhere":
            return try await many(verb, on: account)
        default:
            return try await identity(verb, on: account)
        }
    }

    private func register(_ account: Account) async throws -> String {
        let userID = try text("user_id")
        let fixed = try args["token"].map(world.text)
        let arguments = world.arguments
        return try await account.register(userID: userID, cancel: cancel) { request in
            if let fixed { return fixed }
            return try await token(arguments, userID, request.identityID)
        }
    }

    private func createSession(_ account: Account) async throws -> EncryptionSession {
        guard let recipients = try arg("recipients").list else {
            throw Misuse("`recipients` is a list")
        }
        let onMissing: OnMissing
        switch args["on_missing"]?.text {
        case nil, "fail": onMissing = .fail
        case "skip": onMissing = .skip
        case _: throw Misuse("an unknown `on_missing`")
        }
        let suite = number("suite").map { Suite(rawValue: UInt8(clamping: $0)) }
        if case .some(nil) = suite {
            throw Misuse("an unknown suite")
        }
        return try await account.createSession(
            recipients: try recipients.map(world.newRecipient), onMissing: onMissing,
            suite: suite ?? nil, cancel: cancel)
    }
}

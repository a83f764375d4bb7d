import Foundation
internal import PlicoFFI

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

// The app's own code, as the border asks for it. Nothing that it throws goes
// over the border: it may hold anything.

final class CarryRequests: HostTransport {
    private let transport: any Transport
    private let errors: LastError

    init(_ transport: any Transport, _ errors: LastError) {
        self.transport = transport
        self.errors = errors
    }

    func send(request: HostRequest) async throws -> HostResponse {
        do {
            let answer = try await transport.send(
                TransportRequest(
                    method: request.method, url: request.url,
                    headers: request.headers.map { ($0.name, $0.value) }, body: request.body))
            guard let status = UInt16(exactly: answer.status) else {
                throw TransportError("a status that is none")
            }
            guard answer.body.count <= TransportResponse.largestBody else {
                throw TransportError("an answer of more than 64 MiB")
            }
            return HostResponse(status: status, body: answer.body)
        } catch {
            errors.keep(error)
            throw HostFailure.Failed(reason: Self.reason(of: error))
        }
    }

    private static func reason(of error: any Error) -> String {
        switch error {
        case let error as TransportError: error.reason
        // Its text names hosts, and is in the user's language: the number says enough.
        case let error as URLError: "URLError \(error.errorCode)"
        default: "the app's own transport failed"
        }
    }
}

final class KeepState: HostStore {
    private let store: any Store
    private let errors: LastError

    init(_ store: any Store, _ errors: LastError) {
        self.store = store
        self.errors = errors
    }

    func get(key: String) async throws -> Data? {
        try await carry { try await store.get(key)?.carried() }
    }

    func scan(prefix: String) async throws -> [HostPair] {
        try await carry {
            try await store.scan(prefix: prefix).map {
                HostPair(key: try $0.key.carried(), value: try $0.value.carried())
            }
        }
    }

    func commit(changes: [HostChange], expected: [HostExpected]) async throws {
        try await carry {
            try await store.commit(
                changes.map { StoreEntry(key: $0.key, value: $0.value) },
                expecting: expected.map { StoreEntry(key: $0.key, value: $0.value) })
        }
    }

    private func carry<T>(_ work: () async throws -> T) async throws -> T {
        do {
            return try await work()
        } catch {
            errors.keep(error)
            switch error as? StoreError {
            case .damaged: throw HostStoreFailure.Damaged
            case .conflict: throw HostStoreFailure.Conflict
            case .full: throw HostStoreFailure.Full
            case .readOnly: throw HostStoreFailure.ReadOnly
            case .busy: throw HostStoreFailure.Busy
            case .unreadable, nil: throw HostStoreFailure.Io
            }
        }
    }
}

/// Asks the app's backend for a token; keeps what was thrown instead.
final class AskBackend: TokenSource {
    let errors = LastError()
    private let enrolment: Enrolment

    init(_ enrolment: @escaping Enrolment) {
        self.enrolment = enrolment
    }

    func token(identityId: String) async throws -> String {
        do {
            return try await enrolment(EnrolmentRequest(identityID: identityId)).carried()
        } catch {
            errors.keep(error)
            throw HostFailure.Failed(reason: "the app's own code threw an error")
        }
    }
}

/// Asks whoever signs a service's tokens; keeps what was thrown instead.
final class SignTokens: ServiceTokenSource {
    private let errors: LastError
    private let sign: ServiceToken

    init(_ sign: @escaping ServiceToken, _ errors: LastError) {
        self.sign = sign
        self.errors = errors
    }

    func token(tenantId: String) async throws -> String {
        do {
            return try await sign(ServiceTokenRequest(tenantID: tenantId)).carried()
        } catch {
            errors.keep(error)
            throw HostFailure.Failed(reason: "the app's own code threw an error")
        }
    }
}

final class TellProgress: ProgressListener {
    private let onProgress: @Sendable (FileProgress) -> Void

    init(_ onProgress: @escaping @Sendable (FileProgress) -> Void) {
        self.onProgress = onProgress
    }

    func progress(done: UInt64, total: UInt64) {
        onProgress(FileProgress(done: done, total: total))
    }
}

final class TellWalk: EverywhereListener {
    private let onProgress: @Sendable (EverywhereProgress) -> Void

    init(_ onProgress: @escaping @Sendable (EverywhereProgress) -> Void) {
        self.onProgress = onProgress
    }

    func progress(progress: PlicoFFI.PlicoEverywhereProgress) {
        onProgress(
            EverywhereProgress(
                done: progress.done, changed: progress.changed, failed: progress.failed,
                cursor: progress.cursor))
    }
}

final class ReadClock: HostClock {
    private let clock: any PlicoClock

    init(_ clock: any PlicoClock) {
        self.clock = clock
    }

    func nowMs() -> UInt64 {
        clock.nowMilliseconds
    }
}

final class Listen: HostListener {
    private let onEvent: (@Sendable (Plico.Event) -> Void)?
    private let onLog: (@Sendable (Plico.LogRecord) -> Void)?

    init(
        _ onEvent: (@Sendable (Plico.Event) -> Void)?,
        _ onLog: (@Sendable (Plico.LogRecord) -> Void)?
    ) {
        self.onEvent = onEvent
        self.onLog = onLog
    }

    func onEvent(event: PlicoEvent) {
        onEvent?(Plico.Event(event))
    }

    func onLog(level: UInt8, message: String) {
        onLog?(Plico.LogRecord(level: Plico.LogLevel(rawValue: level) ?? .warning, message: message))
    }
}

extension Plico.Event {
    init(_ event: PlicoEvent) {
        self =
            switch event {
            case .online: .online
            case .offline: .offline
            case .identityChanged(let id): .identityChanged(identityID: id)
            case .newDevice(let id): .newDevice(identityID: id)
            case .deviceRevoked(let id): .deviceRevoked(identityID: id)
            case .keyRenewalNear(let id, let ms):
                .keyRenewalNear(
                    identityID: id, at: Date(timeIntervalSince1970: Double(ms) / 1000))
            case .recoveryUsed(let id): .recoveryUsed(identityID: id)
            case .forkSeen(let chain): .forkSeen(chain: chain)
            case .historyShortened(let chain): .historyShortened(chain: chain)
            case .handedBack(let chain, let entries): .handedBack(chain: chain, entries: entries)
            case .epochBegun(let id, let epoch): .epochBegun(sessionID: id, epoch: epoch)
            case .accessEnded(let id): .accessEnded(sessionID: id)
            case .recipientWithdrawn(let id): .recipientWithdrawn(sessionID: id)
            case .withdrawalLifted(let id): .withdrawalLifted(sessionID: id)
            case .settled(let id, let done): .settled(sessionID: id, done: done)
            case .clockSkewed(let ms): .clockSkewed(offset: .milliseconds(ms))
            }
    }
}

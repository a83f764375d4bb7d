import Foundation
internal import PlicoFFI

/// A connection to one tenant at one key directory. One a process is enough.
///
/// ```swift
/// let plico = try await Plico.open(directory: url, tenant: tenantID)
/// let account = try await plico.account(store: .file(file, key: key))
/// ```
///
/// Calls do their work on threads of the library, never on the caller's. Every
/// waiting call can be cancelled, by its task or by a ``CancelToken``.
public final class Plico: Sendable {
    let handle: PlicoHandle
    let errors: HostErrors

    private init(_ handle: PlicoHandle, _ errors: HostErrors) {
        self.handle = handle
        self.errors = errors
    }

    /// Connects to a directory. If it can't be reached, this succeeds all the same:
    /// accounts then know the tenant from their store, and a new one asks again.
    ///
    /// - Parameters:
    ///   - directory: the directory's public URL, as its operator has configured it.
    ///   - tenant: the tenant's id, 43 characters of base64url.
    ///   - transport: how requests travel.
    ///   - maxStaleness: how old the knowledge of a session and its recipients may be
    ///     when something is written or opened; 5 minutes if not given. A revocation is
    ///     seen at the latest after this time, or when the directory can next be reached.
    ///   - requestTimeout: how long one try of a request may take; 60 s if not given.
    ///     It covers the upload of up to 16 MiB.
    ///   - attempts: how often a request that gets no answer is tried in all; 4 if not
    ///     given, at least 1. The waits between grow from 0.1 s to some 10 s.
    ///   - parallelRequests: how many requests may be under way at a time; 8 if not
    ///     given, at least 1. More wait for their turn.
    ///   - startOffline: starts without asking the directory.
    ///   - onEvent: is told what concerns the app's users. Called on any thread: it must
    ///     be quick, and must not wait for Plico.
    ///   - onLog: is told what developers may want to know. Called like `onEvent`.
    ///   - cancel: cancels this call.
    /// - Throws: `INVALID_ARGUMENT`, `PROTOCOL_ERROR`, `TENANT_NOT_FOUND`, and whatever
    ///   a lying directory is caught with.
    public static func open(
        directory: URL,
        tenant: String,
        transport: any Transport = URLSessionTransport(),
        maxStaleness: Duration? = nil,
        requestTimeout: Duration? = nil,
        attempts: Int? = nil,
        parallelRequests: Int? = nil,
        startOffline: Bool = false,
        onEvent: (@Sendable (Event) -> Void)? = nil,
        onLog: (@Sendable (LogRecord) -> Void)? = nil,
        cancel: CancelToken? = nil
    ) async throws(PlicoError) -> Plico {
        let options = try direct {
            OpenOptions(
                directory: try directory.absoluteString.carried(),
                tenant: try tenant.carried(),
                maxStaleness: try maxStaleness?.carried(),
                requestTimeout: try requestTimeout?.carried(),
                attempts: try attempts?.carried(),
                parallelRequests: try parallelRequests?.carried(),
                startOffline: startOffline)
        }
        return try await open(options, transport, nil, Listen(onEvent, onLog), cancel)
    }

    /// For the testing kit: the same with a clock that can be moved.
    package static func open(
        directory: String, tenant: String, transport: any Transport, clock: any PlicoClock,
        maxStaleness: Duration?, attempts: Int?,
        onEvent: (@Sendable (Event) -> Void)?, onLog: (@Sendable (LogRecord) -> Void)?
    ) async throws(PlicoError) -> Plico {
        let options = try direct {
            OpenOptions(
                directory: directory, tenant: tenant,
                maxStaleness: try maxStaleness?.carried(), requestTimeout: nil,
                attempts: try attempts?.carried(), parallelRequests: nil, startOffline: false)
        }
        return try await open(options, transport, clock, Listen(onEvent, onLog), nil)
    }

    private static func open(
        _ options: OpenOptions, _ transport: any Transport, _ clock: (any PlicoClock)?,
        _ listener: Listen, _ cancel: CancelToken?
    ) async throws(PlicoError) -> Plico {
        let errors = HostErrors()
        let carrier = CarryRequests(transport, errors.transport)
        return try await errors.call(cancel) { call in
            let handle = try await openPlico(
                options: options, transport: carrier, clock: clock.map(ReadClock.init),
                listener: listener, cancel: call)
            return Plico(handle, errors)
        }
    }

    /// The tenant's id.
    public var tenantID: String {
        handle.tenantId()
    }

    /// Opens the account that `store` holds, or a new one if it holds none.
    ///
    /// - Throws: `STORE_WRONG_KEY` and what else the store gives; `INVALID_ARGUMENT` for
    ///   a key that is not 32 bytes; `HISTORY_SHORTENED` or `HISTORY_FORKED` if the
    ///   tenant's history is not the one that this account knows; `NETWORK` if nobody
    ///   knows the tenant yet; `CLOSED`.
    public func account(
        store: AccountStore, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> Account {
        var errors = errors
        errors.store = LastError()
        let known = errors
        return try await known.call(cancel) { call in
            let account =
                switch store.place {
                case .memory:
                    try await handle.accountInMemory(cancel: call)
                case .file(let file, let key):
                    try await handle.accountOnDisk(
                        path: try file.filePath(), key: try key.carried(), cancel: call)
                case .custom(let store):
                    try await handle.accountIn(
                        store: KeepState(store, known.store), cancel: call)
                }
            return Account(account, known)
        }
    }

    /// Closes the connection and its accounts: what is under way ends, and from now on
    /// every call throws ``PlicoError/Code/closed``. Closing again does nothing.
    public func close() {
        handle.close()
    }
}

/// What time it is.
package protocol PlicoClock: Sendable {
    /// Since 1970-01-01 UTC.
    var nowMilliseconds: UInt64 { get }
}

internal import PlicoFFI

/// Cancels calls from outside. Any number of calls may be given one token, and a
/// token stays cancelled.
///
/// Cancelling the task that waits for a call does the same to this one call. A call
/// that was cancelled throws ``PlicoError/Code/cancelled``.
///
/// What is cancelled leaves the account as it was, or as it would have been, and
/// usable; no file is left half-written. **A change of rights may have taken place
/// all the same** if it had left for the directory: ``Account/settle(cancel:)``, or
/// the next write to the same session, finds out and finishes it.
public final class CancelToken: Sendable {
    private let state = Locked<State>(State())

    private struct State {
        var isCancelled = false
        var calls: [ObjectIdentifier: CancelHandle] = [:]
    }

    /// A token that has not been cancelled.
    public init() {}

    /// Ends the calls that were given this token, and those that will be.
    public func cancel() {
        let calls = state.withLock { state in
            state.isCancelled = true
            return state.calls.values
        }
        for call in calls {
            call.cancel()
        }
    }

    /// Whether ``cancel()`` was called.
    public var isCancelled: Bool {
        state.withLock { $0.isCancelled }
    }

    func add(_ call: CancelHandle) {
        let late = state.withLock { state in
            state.calls[ObjectIdentifier(call)] = call
            return state.isCancelled
        }
        if late {
            call.cancel()
        }
    }

    func remove(_ call: CancelHandle) {
        _ = state.withLock { $0.calls.removeValue(forKey: ObjectIdentifier(call)) }
    }
}

internal import PlicoFFI

extension HostErrors {
    /// Carries out one call. It ends with `CANCELLED` when `cancel` or the task
    /// that waits for it is cancelled; every error is a ``PlicoError``.
    func call<T: Sendable>(
        _ cancel: CancelToken?,
        _ work: (CancelHandle) async throws -> T
    ) async throws(PlicoError) -> T {
        // One handle a call: the task's cancellation must not end other calls
        // that share the app's token.
        let handle = CancelHandle()
        let mark = mark()
        cancel?.add(handle)
        defer { cancel?.remove(handle) }
        do {
            return try await withTaskCancellationHandler {
                try await work(handle)
            } onCancel: {
                handle.cancel()
            }
        } catch {
            var known = PlicoError(from: error)
            known.underlying = known.underlying ?? cause(of: known.code, since: mark)
            throw known
        }
    }
}

/// The same for what does not wait.
func direct<T>(_ work: () throws -> T) throws(PlicoError) -> T {
    do {
        return try work()
    } catch {
        throw PlicoError(from: error)
    }
}

extension PlicoError {
    init(from error: any Error) {
        switch error {
        case let error as PlicoError:
            self = error
        case PlicoFFI.Failure.Plico(let code, let reason, let recipients):
            self.init(Code(rawValue: code), message: reason, recipients: recipients)
        default:
            // A bug in the library, which has caught it.
            self.init(.internal, message: "INTERNAL: A call inside Plico failed unexpectedly.")
        }
    }

    static func invalid(_ what: String) -> PlicoError {
        PlicoError(
            .invalidArgument,
            message: "INVALID_ARGUMENT: An argument is not one that this call takes; "
                + "see the message. (\(what))")
    }
}

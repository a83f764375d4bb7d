/// What the app's own transport or store has thrown last. The border carries no
/// foreign errors: they wait here for the call that fails because of them.
final class LastError: Sendable {
    private let last = Locked<(count: Int, error: (any Error)?)>((0, nil))

    var count: Int {
        last.withLock { $0.count }
    }

    func keep(_ error: any Error) {
        last.withLock { $0 = ($0.count + 1, error) }
    }

    /// What was thrown after `count` was read.
    func since(_ count: Int) -> (any Error)? {
        last.withLock { $0.count > count ? $0.error : nil }
    }
}

/// The app's own code that one object's calls depend on.
struct HostErrors: Sendable {
    let transport = LastError()
    var store = LastError()
    var tokens = LastError()

    struct Mark {
        let transport: Int
        let store: Int
        let tokens: Int
    }

    func mark() -> Mark {
        Mark(transport: transport.count, store: store.count, tokens: tokens.count)
    }

    /// The app's own error that explains `code`, if one was thrown since `mark`.
    func cause(of code: PlicoError.Code, since mark: Mark) -> (any Error)? {
        switch code {
        case .network:
            return transport.since(mark.transport)
        case .enrolmentFailed:
            return tokens.since(mark.tokens)
        case _ where code.rawValue.hasPrefix("STORE"):
            return store.since(mark.store)
        default:
            return nil
        }
    }
}

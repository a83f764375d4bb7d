import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// HTTP by the platform's own client: no cookies, no cache, no credentials, no
/// redirects. Connections are kept and used again.
public final class URLSessionTransport: Transport {
    private let session: URLSession
    private let exchanges = Exchanges()

    /// - Parameter timeout: how long the directory may be silent before a request is
    ///   given up. A request as a whole takes at most five times as long.
    public init(timeout: Duration = .seconds(60)) {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpCookieStorage = nil
        configuration.httpCookieAcceptPolicy = .never
        configuration.httpShouldSetCookies = false
        configuration.urlCache = nil
        configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
        configuration.urlCredentialStorage = nil
        configuration.httpMaximumConnectionsPerHost = 8
        let seconds = max(0.001, timeout / .seconds(1))
        configuration.timeoutIntervalForRequest = seconds
        configuration.timeoutIntervalForResource = seconds * 5
        session = URLSession(configuration: configuration, delegate: exchanges, delegateQueue: nil)
    }

    deinit {
        // Otherwise the session keeps itself and its delegate for ever.
        session.invalidateAndCancel()
    }

    public func send(_ request: TransportRequest) async throws -> TransportResponse {
        guard let url = URL(string: request.url), url.absoluteString == request.url else {
            throw TransportError("the URL is not one")
        }
        var outgoing = URLRequest(url: url)
        outgoing.httpMethod = request.method
        for (name, value) in request.headers {
            outgoing.setValue(value, forHTTPHeaderField: name)
        }
        if !request.body.isEmpty {
            outgoing.httpBody = request.body
        }
        let task = session.dataTask(with: outgoing)
        let exchange = Exchange()
        exchanges.add(exchange, task.taskIdentifier)
        defer { exchanges.remove(task.taskIdentifier) }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if exchange.begin(continuation) {
                    task.resume()
                }
            }
        } onCancel: {
            // What the platform says of a task that is cancelled may come before
            // anybody waits for it, or not at all.
            exchange.end(.failure(CancellationError()))
            task.cancel()
        }
    }
}

/// One request. It ends once, by whatever comes first: its answer, its failure, or its
/// being cancelled, which may be before it begins.
private final class Exchange: Sendable {
    typealias Answer = Result<TransportResponse, any Error>

    private enum State {
        case new
        case waiting(CheckedContinuation<TransportResponse, any Error>)
        case ended(Answer)
    }

    private let state = Locked(State.new)
    private let body = Locked(Data())

    /// Whether the request is to be made: not if it has ended already.
    func begin(_ continuation: CheckedContinuation<TransportResponse, any Error>) -> Bool {
        let ended = state.withLock { state -> Answer? in
            if case .ended(let answer) = state { return answer }
            state = .waiting(continuation)
            return nil
        }
        guard let ended else { return true }
        continuation.resume(with: ended)
        return false
    }

    func end(_ answer: Answer) {
        let waiting = state.withLock { state -> CheckedContinuation<TransportResponse, any Error>? in
            let before = state
            if case .ended = before { return nil }
            state = .ended(answer)
            if case .waiting(let continuation) = before { return continuation }
            return nil
        }
        waiting?.resume(with: answer)
    }

    /// Whether the answer is still of a size that is taken.
    func append(_ data: Data) -> Bool {
        body.withLock { body in
            guard body.count + data.count <= TransportResponse.largestBody else { return false }
            body.append(data)
            return true
        }
    }

    var received: Data {
        body.withLock { $0 }
    }
}

/// Hands what comes in to the request that it is for.
private final class Exchanges: NSObject, URLSessionDataDelegate {
    private let exchanges = Locked<[Int: Exchange]>([:])

    func add(_ exchange: Exchange, _ task: Int) {
        exchanges.withLock { $0[task] = exchange }
    }

    func remove(_ task: Int) {
        exchanges.withLock { $0[task] = nil }
    }

    private func exchange(of task: URLSessionTask) -> Exchange? {
        exchanges.withLock { $0[task.taskIdentifier] }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask,
        willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
        completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        // The signature covers the URL: another place must not have it.
        completionHandler(nil)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        guard let exchange = exchange(of: dataTask), !exchange.append(data) else { return }
        exchange.end(.failure(TransportError("an answer of more than 64 MiB")))
        dataTask.cancel()
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
    ) {
        guard let exchange = exchange(of: task) else { return }
        exchange.end(
            Result {
                if let error {
                    throw error
                }
                guard let response = task.response as? HTTPURLResponse else {
                    throw TransportError("an answer that is not HTTP")
                }
                return TransportResponse(status: response.statusCode, body: exchange.received)
            })
    }
}

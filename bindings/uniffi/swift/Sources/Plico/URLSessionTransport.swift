import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// HTTP by the platform's own client: no cookies, no cache, no credentials, no
/// redirects. Connections are kept and used again.
public final class URLSessionTransport: Transport {
    private let session: URLSession
    private let answers = Answers()

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
        session = URLSession(configuration: configuration, delegate: answers, delegateQueue: nil)
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
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                answers.expect(task.taskIdentifier, continuation)
                task.resume()
            }
        } onCancel: {
            task.cancel()
        }
    }
}

/// Collects answers as they come in.
private final class Answers: NSObject, URLSessionDataDelegate {
    private struct Pending {
        let continuation: CheckedContinuation<TransportResponse, any Error>
        var body = Data()
        var tooLarge = false
    }

    private let pending = Locked<[Int: Pending]>([:])

    func expect(
        _ task: Int, _ continuation: CheckedContinuation<TransportResponse, any Error>
    ) {
        pending.withLock { $0[task] = Pending(continuation: continuation) }
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
        let fits = pending.withLock { pending in
            let length = pending[dataTask.taskIdentifier]?.body.count ?? 0
            let fits = length + data.count <= TransportResponse.largestBody
            if fits {
                pending[dataTask.taskIdentifier]?.body.append(data)
            } else {
                pending[dataTask.taskIdentifier]?.tooLarge = true
            }
            return fits
        }
        if !fits {
            dataTask.cancel()
        }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
    ) {
        let done = pending.withLock { $0.removeValue(forKey: task.taskIdentifier) }
        guard let done else { return }
        done.continuation.resume(
            with: Result {
                if done.tooLarge {
                    throw TransportError("an answer of more than 64 MiB")
                }
                if let error {
                    throw error
                }
                guard let response = task.response as? HTTPURLResponse else {
                    throw TransportError("an answer that is not HTTP")
                }
                return TransportResponse(status: response.statusCode, body: done.body)
            })
    }
}

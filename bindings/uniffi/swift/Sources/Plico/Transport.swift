import Foundation

/// Carries requests to the directory. The default is ``URLSessionTransport``.
///
/// Everything in a request is signed: an implementation sends it as it is, follows no
/// redirects, adds no credentials, and keeps nothing. It gives up after a time of its
/// own, and when its task is cancelled. Requests run at the same time.
public protocol Transport: Sendable {
    /// Sends one request and reads the whole answer, whatever its status.
    ///
    /// What it throws becomes the `underlying` of an error with
    /// ``PlicoError/Code/network``. A request that failed may be sent again, also if
    /// it was carried out: that is safe.
    func send(_ request: TransportRequest) async throws -> TransportResponse
}

/// One request.
public struct TransportRequest: Sendable {
    /// `GET` or `POST`.
    public let method: String
    /// The whole URL.
    public let url: String
    /// Names in lower case, and values.
    public let headers: [(name: String, value: String)]
    /// The body; empty for `GET`.
    public let body: Data

    public init(
        method: String, url: String, headers: [(name: String, value: String)], body: Data
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

/// An answer.
public struct TransportResponse: Sendable {
    /// The longest body that Plico takes, in bytes: 64 MiB. Stop reading there.
    public static let largestBody = 64 << 20

    /// The HTTP status.
    public let status: Int
    /// The whole body.
    public let body: Data

    public init(status: Int, body: Data) {
        self.status = status
        self.body = body
    }
}

/// Why there was no answer. Other errors may be thrown, too; the reason of this one
/// becomes part of the message.
public struct TransportError: Error, Sendable {
    /// A few words, without addresses of persons and content.
    public let reason: String

    public init(_ reason: String) {
        self.reason = reason
    }
}

import Foundation
import Plico
internal import PlicoTestingFFI

/// The way of one program to a ``TestDirectory``. All switches work from the next
/// request on.
public final class TestConnection: Transport {
    private let kit: KitConnection

    init(_ kit: KitConnection) {
        self.kit = kit
    }

    public func send(_ request: TransportRequest) async throws -> TransportResponse {
        let headers = request.headers.map { KitHeader(name: $0.name, value: $0.value) }
        let answer = try await failing {
            try await kit.send(
                request: KitRequest(
                    method: request.method, url: request.url, headers: headers,
                    body: request.body))
        }
        return TransportResponse(status: Int(answer.status), body: answer.body)
    }

    /// The next `count` requests are carried out, but their replies are lost.
    public func loseReplies(_ count: Int) {
        kit.loseReplies(count: UInt32(clamping: count))
    }

    /// The next `count` requests are lost before the directory sees them.
    public func loseRequests(_ count: Int) {
        kit.loseRequests(count: UInt32(clamping: count))
    }

    /// The next `count` requests are refused with status 503 and not carried out.
    public func unavailable(_ count: Int) {
        kit.unavailable(count: UInt32(clamping: count))
    }

    /// Each answer takes so much longer, in real time.
    public func slow(_ delay: Duration) {
        kit.slow(delay: seconds(delay))
    }

    /// Whether this program is offline.
    public func down(_ down: Bool) {
        kit.down(down: down)
    }

    /// From now on this program is told this lie, whatever others are told.
    ///
    /// - Throws: `INVALID_ARGUMENT` for one that is not in ``Lie/allCases``.
    public func tell(_ lie: Lie) throws(PlicoError) {
        do {
            try kit.tell(name: lie.rawValue)
        } catch {
            throw PlicoError(kit: error)
        }
    }

    /// No more lies of its own.
    public func honest() {
        kit.honest()
    }

    /// In how many answers its current lie was told.
    public var told: Int {
        Int(clamping: kit.told())
    }

    /// How many requests were sent.
    public var requests: Int {
        Int(clamping: kit.requests())
    }

    /// Method and URL of each, oldest first.
    public var urls: [String] {
        kit.urls()
    }
}

package org.plico.testing

import org.plico.Transport
import org.plico.TransportRequest
import org.plico.TransportResponse
import org.plico.testing.ffi.KitConnection
import org.plico.testing.ffi.KitFailure
import org.plico.testing.ffi.KitHeader
import org.plico.testing.ffi.KitRequest
import java.io.IOException
import java.time.Duration

/** The way of one program to a [TestDirectory], with its switches. */
public class TestConnection internal constructor(private val kit: KitConnection) : Transport {
    override suspend fun send(request: TransportRequest): TransportResponse {
        val headers = request.headers.map { (name, value) -> KitHeader(name, value) }
        val answer = try {
            kit.send(KitRequest(request.method, request.url, headers, request.body))
        } catch (failure: KitFailure.Kit) {
            throw IOException(failure.reason)
        }
        return TransportResponse(answer.status.toInt(), answer.body)
    }

    /** The next `count` requests are carried out, but their replies are lost. */
    public fun loseReplies(count: Int) {
        kit.loseReplies(count(count))
    }

    /** The next `count` requests are lost on the way. */
    public fun loseRequests(count: Int) {
        kit.loseRequests(count(count))
    }

    /** The next `count` requests are refused with status 503. */
    public fun unavailable(count: Int) {
        kit.unavailable(count(count))
    }

    /** Each answer takes so much longer. */
    public fun slow(delay: Duration) {
        kit.slow(span(delay))
    }

    /** Whether this program is offline. */
    public fun down(down: Boolean) {
        kit.down(down)
    }

    /**
     * From now on this program is told this lie, one of [TestDirectory.lies].
     *
     * @throws org.plico.PlicoException `INVALID_ARGUMENT` if there is no such lie.
     */
    public fun tell(lie: String) {
        kit { kit.tell(lie) }
    }

    /** No more lies to this program. */
    public fun honest() {
        kit.honest()
    }

    /** In how many answers the current lie was told. */
    public val told: Long get() = kit.told().toLong()

    /** How many requests were sent. */
    public val requests: Long get() = kit.requests().toLong()

    /** Method and URL of each, oldest first. */
    public val urls: List<String> get() = kit.urls()
}

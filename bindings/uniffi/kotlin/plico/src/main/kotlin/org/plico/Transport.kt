package org.plico

/**
 * Carries requests to the directory. [HttpTransport] is the default; an app that
 * has its own HTTP client, or runs on Android, implements this.
 *
 * Everything in a request is signed. An implementation sends it as it is, follows
 * no redirects, adds no cookies, credentials or caches, and reads no more than
 * 64 MiB of an answer. Plico ends a try that takes too long by cancelling the
 * coroutine. What is thrown here becomes [ErrorCode.NETWORK], with the exception
 * as its cause. It is called on [kotlinx.coroutines.Dispatchers.IO], several
 * times at once, and may block.
 */
public fun interface Transport {
    /** Sends one request and reads the whole answer, whatever its status. */
    public suspend fun send(request: TransportRequest): TransportResponse
}

/**
 * One request.
 *
 * @property method `GET` or `POST`.
 * @property url the whole URL.
 * @property headers names in lower case, and values.
 * @property body the body; empty for GET.
 */
public class TransportRequest(
    public val method: String,
    public val url: String,
    public val headers: List<Pair<String, String>>,
    public val body: ByteArray,
)

/**
 * An answer.
 *
 * @property status the HTTP status.
 * @property body the whole body.
 */
public class TransportResponse(
    public val status: Int,
    public val body: ByteArray,
)

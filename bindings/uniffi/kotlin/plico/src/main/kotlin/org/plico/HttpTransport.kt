package org.plico

import kotlinx.coroutines.future.await
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse
import java.net.http.HttpResponse.BodyHandler
import java.net.http.HttpResponse.BodySubscriber
import java.nio.ByteBuffer
import java.time.Duration
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CompletionStage
import java.util.concurrent.Flow

private const val MAX_ANSWER = 64 * 1024 * 1024
private val CONNECT_TIMEOUT: Duration = Duration.ofSeconds(15)

/**
 * The JDK's own HTTP client: connections are reused, the system's proxy and trust
 * settings apply, and an answer of more than 64 MiB is refused while it is read.
 *
 * Android has no `java.net.http`; see [Transport] there.
 */
public class HttpTransport : Transport {
    private val client = HttpClient.newBuilder()
        .followRedirects(HttpClient.Redirect.NEVER)
        .connectTimeout(CONNECT_TIMEOUT)
        .build()

    override suspend fun send(request: TransportRequest): TransportResponse {
        val uri = URI(request.url)
        val body = if (request.body.isEmpty()) BodyPublishers.noBody() else BodyPublishers.ofByteArray(request.body)
        val http = HttpRequest.newBuilder(uri)
            .method(request.method, body)
            // Over TLS the version is negotiated there; in the clear, asking for 2 adds headers to each request.
            .version(if (uri.scheme == "https") HttpClient.Version.HTTP_2 else HttpClient.Version.HTTP_1_1)
        request.headers.forEach { (name, value) -> http.header(name, value) }
        val answer = client.sendAsync(http.build(), BodyHandler { LimitedBody(MAX_ANSWER) }).await()
        return TransportResponse(answer.statusCode(), answer.body())
    }
}

/** Collects a body of at most [limit] bytes. */
private class LimitedBody(private val limit: Int) : BodySubscriber<ByteArray> {
    private val whole = CompletableFuture<ByteArray>()
    private val bytes = ByteArrayOutputStream()
    private lateinit var subscription: Flow.Subscription

    override fun getBody(): CompletionStage<ByteArray> = whole

    override fun onSubscribe(subscription: Flow.Subscription) {
        this.subscription = subscription
        subscription.request(Long.MAX_VALUE)
    }

    override fun onNext(buffers: List<ByteBuffer>) {
        for (buffer in buffers) {
            if (whole.isDone) return
            if (buffer.remaining() > limit - bytes.size()) {
                subscription.cancel()
                whole.completeExceptionally(IOException("the answer is longer than $limit bytes"))
                return
            }
            val part = ByteArray(buffer.remaining())
            buffer.get(part)
            bytes.write(part, 0, part.size)
        }
    }

    override fun onError(error: Throwable) {
        whole.completeExceptionally(error)
    }

    override fun onComplete() {
        whole.complete(bytes.toByteArray())
    }
}

package org.plico

import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpServer
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.io.IOException
import java.net.InetAddress
import java.net.InetSocketAddress
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors

/** What the default transport does on the wire; a real directory is in the scenario. */
class HttpTransportTest {
    private val threads = Executors.newCachedThreadPool()
    private val server = HttpServer.create(InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0).apply {
        executor = threads
        start()
    }
    private val url = "http://127.0.0.1:${server.address.port}"
    private val transport = HttpTransport()

    @AfterEach
    fun stop() {
        server.stop(0)
        threads.shutdownNow()
    }

    private fun serve(path: String, handle: (HttpExchange) -> Unit) {
        server.createContext(path) { exchange -> exchange.use(handle) }
    }

    private fun HttpExchange.use(handle: (HttpExchange) -> Unit) = try {
        handle(this)
    } finally {
        close()
    }

    private fun request(method: String, path: String, body: ByteArray = ByteArray(0), vararg headers: Pair<String, String>) =
        TransportRequest(method, "$url$path", headers.toList(), body)

    @Test
    fun `a request goes out as it is`() = test {
        val sent = ByteArray(100_000) { it.toByte() }
        lateinit var got: Triple<String, ByteArray, Map<String, List<String>>>
        serve("/echo") {
            got = Triple(it.requestMethod + " " + it.requestURI, it.requestBody.readBytes(), it.requestHeaders.toMap())
            it.responseHeaders.add("set-cookie", "a=b")
            it.sendResponseHeaders(422, 3)
            it.responseBody.write(byteArrayOf(1, 2, 3))
        }
        val signature = "signature" to "plico=:AAAA:"
        val headers = arrayOf("content-type" to "application/json", signature, "authorization" to "Bearer a.b.c")
        val answer = transport.send(request("POST", "/echo?a=%20b", sent, *headers))
        assertEquals(422, answer.status)
        assertArrayEquals(byteArrayOf(1, 2, 3), answer.body)
        assertEquals("POST /echo?a=%20b", got.first)
        assertArrayEquals(sent, got.second)
        assertEquals(listOf("plico=:AAAA:"), got.third["Signature"])
        assertEquals(listOf("application/json"), got.third["Content-type"])
        assertEquals(listOf("Bearer a.b.c"), got.third["Authorization"])
        transport.send(request("GET", "/echo"))
        assertEquals(0, got.second.size)
        val added = got.third.keys.map { it.lowercase() } - setOf("host", "user-agent", "content-length", "connection")
        assertEquals(emptyList<String>(), added)
    }

    @Test
    fun `a redirect is an answer`() = test {
        var followed = false
        serve("/from") {
            it.responseHeaders.add("location", "$url/to")
            it.sendResponseHeaders(307, -1)
        }
        serve("/to") {
            followed = true
            it.sendResponseHeaders(200, -1)
        }
        assertEquals(307, transport.send(request("GET", "/from")).status)
        assertEquals(307, transport.send(request("POST", "/from", byteArrayOf(1))).status)
        assertTrue(!followed)
    }

    @Test
    fun `connections are used again`() = test {
        val ports = ConcurrentHashMap.newKeySet<Int>()
        serve("/port") {
            it.requestBody.readBytes()
            ports += it.remoteAddress.port
            it.sendResponseHeaders(200, 2)
            it.responseBody.write(byteArrayOf(1, 2))
        }
        repeat(20) { transport.send(request("POST", "/port", byteArrayOf(1))) }
        assertEquals(1, ports.size)
    }

    @Test
    fun `64 MiB are read and not one byte more`() = test {
        val most = 64 shl 20
        serve("/long") {
            val length = it.requestURI.query.toLong()
            it.sendResponseHeaders(200, if (length < 0) 0 else length)
            val part = ByteArray(1 shl 20)
            try {
                var left = if (length < 0) Long.MAX_VALUE else length
                while (left > 0) {
                    val count = minOf(left, part.size.toLong()).toInt()
                    it.responseBody.write(part, 0, count)
                    left -= count
                }
            } catch (_: IOException) {
                // The client has hung up, as it should.
            }
        }
        assertEquals(most, transport.send(request("GET", "/long?$most")).body.size)
        assertThrows<IOException> { transport.send(request("GET", "/long?${most + 1}")) }
        assertThrows<IOException> { transport.send(request("GET", "/long?-1")) }
    }

    @Test
    fun `an answer that is cut off or does not come`() = test {
        serve("/cut") {
            it.sendResponseHeaders(200, 100)
            it.responseBody.write(ByteArray(10))
        }
        assertThrows<IOException> { transport.send(request("GET", "/cut")) }
        val (asked, release) = CompletableDeferred<Unit>() to CountDownLatch(1)
        serve("/never") {
            asked.complete(Unit)
            release.await()
        }
        coroutineScope {
            val call = async { transport.send(request("GET", "/never")) }
            asked.await()
            withTimeout(20_000) { call.cancelAndJoin() }
            assertTrue(call.isCancelled)
        }
        release.countDown()
        val plico = Plico.open("http://127.0.0.1:1", "A".repeat(43), attempts = 1)
        val failure = fails(ErrorCode.NETWORK) { plico.accountInMemory() }
        assertTrue(failure.cause is IOException)
        assertNull(failure.cause?.message?.takeIf { it in failure.message.orEmpty() })
    }
}

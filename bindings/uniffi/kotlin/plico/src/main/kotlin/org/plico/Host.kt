package org.plico

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext
import org.plico.ffi.EverywhereListener
import org.plico.ffi.HostChange
import org.plico.ffi.HostClock
import org.plico.ffi.HostExpected
import org.plico.ffi.HostFailure
import org.plico.ffi.HostListener
import org.plico.ffi.HostPair
import org.plico.ffi.HostRequest
import org.plico.ffi.HostResponse
import org.plico.ffi.HostStore
import org.plico.ffi.HostStoreFailure
import org.plico.ffi.HostTransport
import org.plico.ffi.PlicoEvent
import org.plico.ffi.PlicoEverywhereProgress
import org.plico.ffi.ServiceTokenSource
import org.plico.ffi.TokenSource
import java.time.Clock

/*
 * The app's own code as the library calls it. Whatever it throws, also an
 * `Error`, is kept for the caller and told to the library as a plain failure:
 * nothing may unwind into native code.
 */

private fun failed(what: String) = HostFailure.Failed("the app's $what failed")

/** Runs the app's code where it may block; `wrap` is what the library is told. */
private suspend fun <T> hosted(thrown: LastThrown, wrap: (Throwable) -> Exception, work: suspend () -> T): T = try {
    withContext(Dispatchers.IO) { work() }
} catch (error: Throwable) {
    // The library has dropped the call: nobody waits for an answer.
    currentCoroutineContext().ensureActive()
    thrown.record(error)
    throw wrap(error)
}

internal class HostedTransport(private val transport: Transport, private val thrown: LastThrown) : HostTransport {
    override suspend fun send(request: HostRequest): HostResponse = hosted(thrown, { failed("transport") }) {
        val headers = request.headers.map { it.name to it.value }
        val answer = transport.send(TransportRequest(request.method, request.url, headers, request.body))
        require(answer.status in 100..999) { "an HTTP status has three digits" }
        HostResponse(answer.status.toUShort(), answer.body)
    }
}

internal class HostedEnrolment(
    private val enrolment: suspend (EnrolmentRequest) -> String,
    private val thrown: LastThrown,
) : TokenSource {
    override suspend fun token(identityId: String): String = hosted(thrown, { failed("enrolment") }) {
        val token = enrolment(EnrolmentRequest(identityId))
        // Crossing the border as UTF-8 must not be what fails.
        token.toByteArray().decodeToString()
    }
}

internal class HostedServiceTokens(
    private val token: suspend (ServiceTokenRequest) -> String,
    private val thrown: LastThrown,
) : ServiceTokenSource {
    override suspend fun token(tenantId: String): String = hosted(thrown, { failed("token function") }) {
        val token = token(ServiceTokenRequest(tenantId))
        token.toByteArray().decodeToString()
    }
}

internal class HostedStore(private val store: Store, private val thrown: LastThrown) : HostStore {
    private suspend fun <T> run(work: suspend () -> T): T = hosted(thrown, ::coreFailure, work)

    override suspend fun get(key: String): ByteArray? = run { store.get(key) }

    override suspend fun scan(prefix: String): List<HostPair> = run {
        store.scan(prefix).map { (key, value) -> HostPair(key, value) }.sortedWith(BY_KEY)
    }

    override suspend fun commit(changes: List<HostChange>, expected: List<HostExpected>): Unit = run {
        store.commit(changes.associate { it.key to it.value }, expected.associate { it.key to it.value })
    }

    private fun coreFailure(error: Throwable): HostStoreFailure {
        val failure = (error as? StoreException)?.failure ?: StoreFailure.IO
        return when (failure) {
            StoreFailure.IO -> HostStoreFailure.Io()
            StoreFailure.DAMAGED -> HostStoreFailure.Damaged()
            StoreFailure.CONFLICT -> HostStoreFailure.Conflict()
            StoreFailure.FULL -> HostStoreFailure.Full()
            StoreFailure.READ_ONLY -> HostStoreFailure.ReadOnly()
            StoreFailure.BUSY -> HostStoreFailure.Busy()
        }
    }

    private companion object {
        /** By the bytes of UTF-8, which is not the order of Kotlin's strings. */
        val BY_KEY = Comparator<HostPair> { one, other ->
            java.util.Arrays.compareUnsigned(one.key.toByteArray(), other.key.toByteArray())
        }
    }
}

internal class HostedClock(private val clock: Clock) : HostClock {
    override fun nowMs(): ULong = guarded("clock") {
        clock.millis().also { require(it >= 0) }.toULong()
    }
}

internal class HostedListener(
    private val onEvent: ((Event) -> Unit)?,
    private val onLog: ((LogLevel, String) -> Unit)?,
) : HostListener {
    override fun onEvent(event: PlicoEvent) {
        if (onEvent != null) guarded("listener") { onEvent(Event.ofCore(event)) }
    }

    override fun onLog(level: UByte, message: String) {
        val known = LogLevel.entries.getOrElse(level.toInt()) { LogLevel.WARNING }
        if (onLog != null) guarded("listener") { onLog(known, message) }
    }
}

internal class HostedProgress(private val listener: ProgressListener) : org.plico.ffi.ProgressListener {
    override fun progress(done: ULong, total: ULong) {
        guarded("listener") { listener.onProgress(done.toLong(), total.toLong()) }
    }
}

internal class HostedEverywhere(private val onProgress: (EverywhereProgress) -> Unit) : EverywhereListener {
    override fun progress(progress: PlicoEverywhereProgress) {
        guarded("listener") { onProgress(EverywhereProgress.ofCore(progress)) }
    }
}

private inline fun <T> guarded(what: String, work: () -> T): T = try {
    work()
} catch (_: Throwable) {
    throw failed(what)
}

package org.plico

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.awaitCancellation
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.plico.testing.MemoryStore
import org.plico.testing.TestDirectory
import java.io.IOException
import java.nio.file.Path
import java.time.Duration
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.io.path.writeBytes

/** It is the very one; where coroutines are debugged, as in tests, below a copy with the waiter's stack. */
private fun assertCause(thrown: Throwable, failure: PlicoException) =
    assertTrue(generateSequence(failure.cause) { it.cause }.any { it === thrown }, "${failure.cause}")

/** The app's own code, when it fails in any way: a code, its exception as the cause, and no more harm. */
class HostTest {
    private val data = "x".toByteArray()

    /** A transport that can be replaced under way. */
    private class Switch(val real: Transport) : Transport {
        @Volatile
        var now: Transport = real

        override suspend fun send(request: TransportRequest) = now.send(request)
    }

    private class Program(val switch: Switch, val plico: Plico, val account: Account) {
        suspend fun session() = account.createSession().maxStaleness(Duration.ZERO)
    }

    private suspend fun program(): Program {
        val there = TestDirectory.start()
        val switch = Switch(there.connection())
        val plico = Plico.open(
            there.url, there.tenant, switch, there.clock, requestTimeout = Duration.ofMillis(1_500), attempts = 2,
        )
        val account = plico.account(MemoryStore())
        account.register("dr.a", there.enrolment("dr.a"))
        return Program(switch, plico, account)
    }

    @Test
    fun `a transport that throws`() = test {
        val program = program()
        val session = program.session()
        for (thrown in listOf(IOException("secret.example"), IllegalStateException(), AssertionError("no"), StackOverflowError())) {
            program.switch.now = Transport { throw thrown }
            val failure = fails(ErrorCode.NETWORK) { session.rotate() }
            assertCause(thrown, failure)
            assertFalse("secret" in failure.message.orEmpty())
            program.switch.now = program.switch.real
            session.rotate()
        }
        program.switch.now = Transport { throw kotlinx.coroutines.CancellationException("not the caller's") }
        fails(ErrorCode.NETWORK) { session.rotate() }
        program.switch.now = program.switch.real
        session.encrypt(data)
    }

    @Test
    fun `a transport that gives garbage`() = test {
        val program = program()
        val session = program.session()
        val answers = listOf(
            TransportResponse(200, ByteArray(0)) to ErrorCode.PROTOCOL_ERROR,
            TransportResponse(200, "{}".toByteArray()) to ErrorCode.PROTOCOL_ERROR,
            TransportResponse(200, ByteArray(1000) { -1 }) to ErrorCode.PROTOCOL_ERROR,
            TransportResponse(302, ByteArray(0)) to ErrorCode.PROTOCOL_ERROR,
            TransportResponse(-1, ByteArray(0)) to ErrorCode.NETWORK,
            TransportResponse(70_000, ByteArray(0)) to ErrorCode.NETWORK,
        )
        for ((answer, code) in answers) {
            program.switch.now = Transport { answer }
            fails(code) { session.refresh() }
            program.switch.now = program.switch.real
            session.refresh()
        }
    }

    @Test
    fun `a transport that never answers is cancelled`() = test {
        val program = program()
        val session = program.session()
        val ended = CompletableDeferred<Unit>()
        program.switch.now = Transport { try { awaitCancellation() } finally { ended.complete(Unit) } }
        assertNull(fails(ErrorCode.NETWORK) { session.refresh() }.cause)
        ended.await()
        program.switch.now = program.switch.real
        session.refresh()
    }

    @Test
    fun `an enrolment that throws`() = test {
        val there = TestDirectory.start()
        val visitor = there.visitor("dr.a")
        for (thrown in listOf(IllegalStateException("dr.a has signed out"), AssertionError("no"))) {
            val failure = fails(ErrorCode.ENROLMENT_FAILED) { visitor.account.register("dr.a") { throw thrown } }
            assertCause(thrown, failure)
            assertFalse("signed out" in failure.message.orEmpty())
        }
        for (token in listOf("", "no token", "\ud83e", "a.b.c")) {
            assertNull(fails(ErrorCode.ENROLMENT_INVALID) { visitor.account.register("dr.a") { token } }.cause)
        }
        visitor.register()
    }

    /** Fails its n-th call. */
    private class Failing(private val store: Store) : Store {
        private var failAt = -1
        private var thrown: Throwable = IOException("disk")
        private var calls = 0

        @Synchronized
        private fun count() {
            if (failAt >= 0 && calls++ == failAt) {
                failAt = -1
                calls = 0
                throw thrown
            }
        }

        @Synchronized
        fun arm(at: Int, with: Throwable) {
            calls = 0
            failAt = at
            thrown = with
        }

        /** Whether it has not failed since. */
        @Synchronized
        fun disarm(): Boolean = (failAt >= 0).also { failAt = -1 }

        override suspend fun get(key: String) = count().let { store.get(key) }
        override suspend fun scan(prefix: String) = count().let { store.scan(prefix) }
        override suspend fun commit(changes: Map<String, ByteArray?>, expected: Map<String, ByteArray?>) =
            count().let { store.commit(changes, expected) }
    }

    @Test
    fun `a store that fails at any of its calls`() = test {
        val there = TestDirectory.start()
        there.person("patient.7")
        val store = Failing(MemoryStore())
        val plico = Plico.open(there.url, there.tenant, there.connection(), there.clock)
        val verbs = listOf<suspend (Account) -> Any?>(
            { it.register("dr.a", there.enrolment("dr.a")) },
            { it.createSession(Recipient.user("patient.7")) },
            { it.createSession().let { session -> session.decrypt(session.encrypt(data)) } },
            { it.createSession().run { rotate(); setMetadata(data); forget(); metadata(); end() } },
        )
        var failures = 0
        for (verb in verbs) {
            var at = 0
            while (true) {
                val thrown = if (at % 2 == 0) IOException("disk") else AssertionError("disk")
                store.arm(at++, thrown)
                val account = runCatching { plico.account(store) }
                val outcome = account.mapCatching { verb(it) }
                // It made fewer calls: each has failed once.
                if (store.disarm()) break
                outcome.exceptionOrNull()?.let {
                    assertEquals(ErrorCode.STORE, (it as PlicoException).code)
                    assertCause(thrown, it)
                    failures++
                }
                // The same account, and then another one on the same store, go on.
                account.getOrNull()?.let { verb(it) }
            }
            verb(plico.account(store))
        }
        assertTrue(failures > 10, "$failures failures")
    }

    @Test
    fun `a store says why`() = test {
        val program = program()
        val there = TestDirectory.start()
        val store = Failing(MemoryStore())
        val plico = Plico.open(there.url, there.tenant, there.connection(), there.clock)
        val codes = mapOf(
            StoreFailure.IO to ErrorCode.STORE,
            StoreFailure.DAMAGED to ErrorCode.STORE_DAMAGED,
            StoreFailure.FULL to ErrorCode.STORE_FULL,
            StoreFailure.READ_ONLY to ErrorCode.STORE_READ_ONLY,
            StoreFailure.BUSY to ErrorCode.STORE_BUSY,
        )
        for ((failure, code) in codes) {
            store.arm(0, StoreException(failure))
            assertTrue(fails(code) { plico.account(store) }.cause is StoreException)
        }
        plico.account(store)
        program.plico.close()
    }

    @Test
    fun `events and the log, also to those who throw`(@TempDir folder: Path) = test {
        val there = TestDirectory.start()
        val connection = there.connection()
        val (events, lines) = ConcurrentLinkedQueue<Event>() to ConcurrentLinkedQueue<Pair<LogLevel, String>>()
        val plico = Plico.open(
            there.url, there.tenant, connection, there.clock, attempts = 1,
            onEvent = { events += it; throw AssertionError("a bad listener") },
            onLog = { level, line -> lines += level to line; throw IllegalStateException("a bad listener") },
        )
        val account = plico.accountInMemory()
        account.register("dr.a", there.enrolment("dr.a"))
        val session = account.createSession()
        connection.down(true)
        fails(ErrorCode.NETWORK) { session.refresh() }
        connection.down(false)
        session.refresh()
        assertEquals(listOf(Event.Offline, Event.Online), events.toList())
        assertTrue(lines.isNotEmpty() && lines.none { "dr.a" in it.second })

        folder.resolve("plain").writeBytes(ByteArray(100_000))
        session.encryptFile(folder.resolve("plain"), folder.resolve("sealed")) { _, _ -> throw AssertionError("bad") }
        session.decryptFile(folder.resolve("sealed"), folder.resolve("opened"))
        assertArrayEquals(data, session.decrypt(session.encrypt(data)).data)
    }

    @Test
    fun `a clock that throws`() = test {
        val there = TestDirectory.start()
        val broken = object : java.time.Clock() {
            override fun getZone() = java.time.ZoneOffset.UTC
            override fun withZone(zone: java.time.ZoneId) = this
            override fun instant() = error("no battery")
            override fun millis() = error("no battery")
        }
        // The system's time is taken, and the directory's clock stands elsewhere: typed, whatever it is.
        runCatching { Plico.open(there.url, there.tenant, there.connection(), broken).accountInMemory() }
            .onFailure { assertTrue(it is PlicoException) }
    }
}

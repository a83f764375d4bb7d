package org.plico

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.plico.testing.TestDirectory
import kotlin.time.Duration.Companion.seconds

/** A test that may suspend, and that does not hang. */
fun test(work: suspend CoroutineScope.() -> Unit): Unit = runBlocking(Dispatchers.Default) {
    withTimeout(600.seconds, work)
}

/** The failure of `work`, which must have this code. */
suspend fun fails(code: String, work: suspend () -> Any?): PlicoException {
    val failure = try {
        val result = work()
        throw AssertionError("$code was expected, and it gave $result")
    } catch (failure: PlicoException) {
        failure
    }
    assertEquals(code, failure.code, failure.message)
    return failure
}

/** A directory with a doctor and a patient, and the doctor's session for both. */
class Ward private constructor(
    val directory: TestDirectory,
    val doctor: org.plico.testing.TestPerson,
    val patient: org.plico.testing.TestPerson,
    val session: EncryptionSession,
) {
    /** A program that is told of events, with a device of `account`'s identity; and what it was told. */
    suspend fun listener(account: Account): Pair<Account, () -> List<Event>> {
        val told = java.util.concurrent.CopyOnWriteArrayList<Event>()
        val plico = Plico.open(
            directory.url,
            directory.tenant,
            directory.connection(),
            directory.clock,
            onEvent = { told += it },
        )
        val device = plico.accountInMemory()
        val key = FileKey.HostSecret(ByteArray(32) { 7 })
        device.importIdentity(account.exportIdentity(key), key)
        told.clear() // Its own coming.
        return device to { told.toList() }
    }

    companion object {
        suspend fun open(): Ward {
            val directory = TestDirectory.start()
            val doctor = directory.person("dr.a")
            val patient = directory.person("patient.7")
            return Ward(directory, doctor, patient, doctor.account.createSession(Recipient.user("patient.7")))
        }
    }
}

val NOTE: Context = Context.fields("table" to "notes", "row" to 42)

/** A program with its account in a file. */
class TestDirectoryProgram private constructor(
    val directory: TestDirectory,
    val plico: Plico,
    val account: Account,
    private val store: java.nio.file.Path,
) {
    suspend fun restart() = start(store, directory)

    companion object {
        suspend fun start(
            store: java.nio.file.Path,
            directory: TestDirectory? = null,
        ): TestDirectoryProgram {
            val there = directory ?: TestDirectory.start()
            val plico = Plico.open(there.url, there.tenant, there.connection(), there.clock)
            return TestDirectoryProgram(there, plico, plico.account(store, ByteArray(32) { 7 }), store)
        }
    }
}

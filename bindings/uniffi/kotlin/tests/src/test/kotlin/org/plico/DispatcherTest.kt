package org.plico

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.withContext
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.util.concurrent.Executor
import java.util.concurrent.Executors

/** Whatever dispatcher an app uses, and however much it asks at once. */
class DispatcherTest {
    private val data = "x".toByteArray()

    @Test
    fun `without a dispatcher no code of the app's runs on the library's threads`() = test {
        for (dispatcher in listOf(Dispatchers.Unconfined, Executor { it.run() }.asCoroutineDispatcher())) {
            withContext(dispatcher) {
                val ward = Ward.open()
                val sealed = ward.session.encrypt(data)
                assertTrue(Thread.currentThread().name.startsWith("DefaultDispatcher"), Thread.currentThread().name)
                // What blocks here blocks nobody else.
                Thread.sleep(20)
                assertArrayEquals(data, ward.patient.account.decrypt(sealed).data)
            }
        }
    }

    @Test
    fun `one thread of the app's is enough`() = test {
        Executors.newSingleThreadExecutor().asCoroutineDispatcher().use { one ->
            withContext(one) {
                val ward = Ward.open()
                val sealed = (1..50).map { async { ward.session.encrypt(data) } }.awaitAll()
                sealed.map { async { ward.patient.account.decrypt(it) } }.awaitAll()
                    .forEach { assertArrayEquals(data, it.data) }
            }
        }
    }

    @Test
    fun `two thousand calls at once`() = test {
        val ward = Ward.open()
        val sealed = ward.session.encrypt(data, NOTE)
        val calls = (1..2000).map { number ->
            async {
                when (number % 4) {
                    0 -> ward.session.encrypt(data, NOTE).let { ward.patient.account.decrypt(it, NOTE).data }
                    1 -> ward.patient.account.decrypt(sealed, NOTE).data
                    2 -> ward.session.recipients().also { assertEquals(2, it.size) }.let { data }
                    else -> ward.doctor.account.decryptText(ward.session.encryptText("x")).toByteArray()
                }
            }
        }
        calls.awaitAll().forEach { assertArrayEquals(data, it) }
        assertFalse(ward.doctor.connection.requests > 200)
    }
}

package org.plico

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.condition.EnabledOnOs
import org.junit.jupiter.api.condition.OS
import java.nio.file.Path
import kotlin.io.path.readText

/** Buffers that cross the border are given back. */
class MemoryTest {
    private fun residentMiB() = Path.of("/proc/self/status").readText()
        .substringAfter("VmRSS:").substringBefore("kB").trim().toLong() / 1024

    @Test
    @EnabledOnOs(OS.LINUX)
    fun `five hundred megabytes leave nothing behind`() = test {
        val ward = Ward.open()
        val plaintext = ByteArray(1 shl 20) { it.toByte() }
        suspend fun rounds(count: Int) = repeat(count) { round ->
            // Left alone, the virtual machine's heap grows by as much as this test looks for.
            if (round % 25 == 0) System.gc()
            assertEquals(plaintext.size, ward.session.decrypt(ward.session.encrypt(plaintext)).data.size)
        }
        rounds(50)
        System.gc()
        val before = residentMiB()
        rounds(500)
        System.gc()
        val grown = residentMiB() - before
        // What one kind of buffer in each round would leave is 500 MiB; the heap grows
        // by what 25 rounds leave in it, at most.
        assertTrue(grown < 400, "grown by $grown MiB")
    }
}

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
        suspend fun rounds(count: Int) = repeat(count) {
            assertEquals(plaintext.size, ward.session.decrypt(ward.session.encrypt(plaintext)).data.size)
        }
        rounds(50)
        System.gc()
        val before = residentMiB()
        rounds(500)
        System.gc()
        val grown = residentMiB() - before
        // What one kind of buffer in each round would leave is 500 MiB; the virtual
        // machine's own heap has grown by up to 300 where it was short of processors.
        assertTrue(grown < 400, "grown by $grown MiB")
    }
}

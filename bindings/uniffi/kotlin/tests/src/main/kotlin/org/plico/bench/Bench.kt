package org.plico.bench

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runBlocking
import org.plico.EncryptionSession
import org.plico.testing.TestDirectory
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.deleteIfExists
import kotlin.io.path.outputStream
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.TimeSource

/*
 * Kotlin's side of `scripts/bench-bindings`: bytes per second through the public
 * API, one line of JSON for each measurement. The file is made in
 * PLICO_BENCH_FOLDER.
 */

private const val KIB = 1024
private const val MIB = 1024 * KIB
private val SIZES = listOf(KIB to "1 KiB", MIB to "1 MiB", 16 * MIB to "16 MiB")
private const val FILE = 256 * MIB

/** How long one measurement takes at least, and the calls before it that do not count. */
private val TIME = 400.milliseconds

fun main() = runBlocking(Dispatchers.Default) {
    val session = TestDirectory.start().person("dr.a").account.createSession()
    bytes(session)
    file(session, Path.of(System.getenv("PLICO_BENCH_FOLDER") ?: System.getProperty("java.io.tmpdir")))
}

private fun report(what: String, bytes: Long, took: Duration) {
    val perSecond = bytes * 1e9 / took.inWholeNanoseconds
    println("""{"language": "kotlin", "what": "$what", "bytes_per_second": $perSecond}""")
}

/** Calls `work`, one call after the other, until the compiler has warmed up, and then for [TIME]. */
private suspend fun repeat(what: String, size: Int, work: suspend () -> Any) {
    for (counts in listOf(false, true)) {
        val start = TimeSource.Monotonic.markNow()
        var bytes = 0L
        while (start.elapsedNow() < TIME) {
            work()
            bytes += size
        }
        if (counts) report(what, bytes, start.elapsedNow())
    }
}

private suspend fun bytes(session: EncryptionSession) {
    for ((size, name) in SIZES) {
        val plaintext = ByteArray(size) { 0x5a }
        repeat("encrypt $name", size) { session.encrypt(plaintext) }
        val envelope = session.encrypt(plaintext)
        repeat("decrypt $name", size) { session.decrypt(envelope) }
    }
}

private suspend fun file(session: EncryptionSession, parent: Path) {
    val folder = Files.createTempDirectory(parent, "plico-bench-")
    val (source, target) = folder.resolve("plain") to folder.resolve("sealed")
    try {
        val part = ByteArray(MIB) { 0x5a }
        source.outputStream().use { out -> repeat(FILE / MIB) { out.write(part) } }
        // The first one makes the pages that the second one writes to.
        for (counts in listOf(false, true)) {
            val start = TimeSource.Monotonic.markNow()
            session.encryptFile(source, target)
            if (counts) report("encrypt_file 256 MiB", FILE.toLong(), start.elapsedNow())
        }
    } finally {
        listOf(source, target, folder).forEach { it.deleteIfExists() }
    }
}

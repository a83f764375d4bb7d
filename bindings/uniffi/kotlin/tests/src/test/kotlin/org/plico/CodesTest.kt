package org.plico

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.plico.ffi.errorCodes
import java.nio.file.Path
import kotlin.io.path.readText
import kotlin.reflect.full.declaredMemberProperties

/** [ErrorCode] is what the library knows: no code less, none more, and its sentence. */
class CodesTest {
    @Test
    fun `the constants are the library's codes`() {
        val constants = ErrorCode::class.declaredMemberProperties.associate { it.name to it.getter.call() }
        assertEquals(errorCodes().associate { it.code to it.code }, constants)
    }

    @Test
    fun `the documentation is the library's sentences`() {
        val source = Path.of(System.getProperty("plico.sources"), "org/plico/ErrorCode.kt").readText()
        val entry = Regex("""/\*\*(.*?)\*/\s+public const val (\w+)""", RegexOption.DOT_MATCHES_ALL)
        val documented = entry.findAll(source.substringAfter('{')).associate { match ->
            match.groupValues[2] to match.groupValues[1].replace(Regex("""\s+\*?\s*"""), " ").trim()
        }
        assertEquals(errorCodes().associate { it.code to it.sentence }, documented)
    }
}

package org.plico

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.plico.testing.TestDirectory
import java.nio.file.Path
import java.util.zip.ZipFile
import kotlin.io.path.readText
import kotlin.io.path.writeText
import kotlin.reflect.KCallable
import kotlin.reflect.KClass
import kotlin.reflect.KParameter
import kotlin.reflect.KVisibility.PUBLIC
import kotlin.reflect.full.declaredMembers

/**
 * All that an app can name, as `api.txt` says: a change to it is seen, and nothing
 * of what UniFFI wrote is in it. `-Dplico.api.write=true` writes the file.
 */
class PublicApiTest {
    private val file = Path.of(System.getProperty("plico.sources"), "../../../../api.txt")

    @Test
    fun `the public API is the one in api_txt`() {
        val api = listOf(Plico::class, TestDirectory::class).flatMap(::classesBeside).map(::described)
            .sorted().joinToString("\n", postfix = "\n")
        assertTrue("org.plico.ffi" !in api && "testing.ffi" !in api, "generated types in the API")
        if (System.getProperty("plico.api.write") == "true") file.writeText(api)
        assertEquals(file.readText(), api)
    }

    /** The public classes of the jar that `of` is in, as Kotlin sees them. */
    private fun classesBeside(of: KClass<*>): List<KClass<*>> {
        val jar = Path.of(of.java.protectionDomain.codeSource.location.toURI()).toFile()
        val names = ZipFile(jar).use { zip -> zip.stream().map { it.name }.toList() }
        return names.filter { it.endsWith(".class") && "/ffi/" !in it }
            .map { Class.forName(it.removeSuffix(".class").replace('/', '.')) }
            .filter { !it.isSynthetic && !it.isAnonymousClass && !it.isLocalClass && !it.simpleName.endsWith("Kt") }
            .map { it.kotlin }
            .filter(::isPublic)
    }

    private fun isPublic(of: KClass<*>): Boolean =
        of.visibility == PUBLIC && (of.java.enclosingClass?.kotlin?.let(::isPublic) ?: true)

    private fun described(of: KClass<*>): String {
        val kind = when {
            of.isFun -> "fun interface"
            of.java.isInterface -> "interface"
            of.java.isEnum -> "enum class"
            of.isData -> "data class"
            of.isSealed -> "sealed class"
            of.objectInstance != null -> "object"
            else -> "class"
        }
        val above = of.supertypes.map { it.toString() }.filter { it != "kotlin.Any" }
        val head = "$kind ${of.qualifiedName}" + if (above.isEmpty()) "" else " : ${above.joinToString()}"
        val constants = of.java.enumConstants?.takeIf { of.java.isEnum }?.map { "    $it" }.orEmpty()
        val members = of.constructors + of.declaredMembers
        return (listOf(head) + constants + members.filter { it.visibility == PUBLIC }.map(::described).sorted())
            .joinToString("\n")
    }

    private fun described(member: KCallable<*>): String {
        val parameters = member.parameters.filter { it.kind == KParameter.Kind.VALUE }.joinToString {
            (if (it.isVararg) "vararg " else "") + "${it.name}: ${it.type}" + if (it.isOptional) " = .." else ""
        }
        val suspending = if (member.isSuspend) "suspend " else ""
        return "    $suspending${member.name}($parameters): ${member.returnType}"
    }
}

package org.plico

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.plico.ErrorCode.INVALID_ARGUMENT
import org.plico.testing.TestDirectory
import java.net.URI
import java.nio.file.FileSystems
import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import kotlin.io.path.createDirectory
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.writeBytes

/** Values that a call does not take: a code, and everything works afterwards. */
class ArgumentsTest {
    private val lone = "\ud83e"
    private val data = "x".toByteArray()

    @Test
    fun `opening`() = test {
        val there = TestDirectory.start()
        val connection = there.connection()
        for (url in listOf("", "not a url", "ftp://x", "http://", lone)) {
            fails(INVALID_ARGUMENT) { Plico.open(url, there.tenant, connection) }
        }
        for (tenant in listOf("", "not an id", there.tenant.dropLast(1), there.tenant + "A", "\u0000", lone)) {
            fails(INVALID_ARGUMENT) { Plico.open(there.url, tenant, connection) }
        }
        val negative = Duration.ofMillis(-1)
        fails(INVALID_ARGUMENT) { Plico.open(there.url, there.tenant, connection, maxStaleness = negative) }
        fails(INVALID_ARGUMENT) { Plico.open(there.url, there.tenant, connection, requestTimeout = negative) }
        for (count in listOf(0, -1, Int.MIN_VALUE)) {
            fails(INVALID_ARGUMENT) { Plico.open(there.url, there.tenant, connection, attempts = count) }
            fails(INVALID_ARGUMENT) { Plico.open(there.url, there.tenant, connection, parallelRequests = count) }
        }
        val longest = Duration.ofSeconds(Long.MAX_VALUE)
        Plico.open(there.url, there.tenant, connection, null, longest, longest, Int.MAX_VALUE, Int.MAX_VALUE).close()
    }

    @Test
    fun `stores and keys`(@TempDir folder: Path) = test {
        val there = TestDirectory.start()
        val plico = Plico.open(there.url, there.tenant, there.connection(), there.clock)
        for (length in listOf(0, 31, 33)) {
            fails(INVALID_ARGUMENT) { plico.account(folder.resolve("a"), ByteArray(length)) }
        }
        fails(ErrorCode.STORE) { plico.account(folder, ByteArray(32)) }
        fails(ErrorCode.STORE) { plico.account(folder.resolve("none/a"), ByteArray(32)) }
        folder.resolve("text").writeBytes("no store, but long enough to look at".repeat(200).toByteArray())
        fails(ErrorCode.STORE_DAMAGED) { plico.account(folder.resolve("text"), ByteArray(32)) }
        FileSystems.newFileSystem(URI("jar:${folder.resolve("x.zip").toUri()}"), mapOf("create" to "true")).use {
            fails(INVALID_ARGUMENT) { plico.account(it.getPath("/a"), ByteArray(32)) }
        }
        plico.account(folder.resolve("ä"), ByteArray(32)).register("dr.a", there.enrolment("dr.a"))
    }

    @Test
    fun `user ids and other ids`() = test {
        val ward = Ward.open()
        val account = ward.doctor.account
        val group = account.createGroup()
        for (userId in listOf("", "u".repeat(257), "ä".repeat(129), lone)) {
            val visitor = ward.directory.visitor("somebody").account
            fails(INVALID_ARGUMENT) { visitor.register(userId) { error("nobody is asked") } }
            fails(INVALID_ARGUMENT) { account.createSession(Recipient.user(userId)) }
            fails(INVALID_ARGUMENT) { ward.session.grant(Recipient.user(userId)) }
            fails(INVALID_ARGUMENT) { ward.session.revoke(Recipient.user(userId)) }
            fails(INVALID_ARGUMENT) { account.createGroup(members = mapOf(Recipient.user(userId) to GroupRole.MEMBER)) }
            fails(INVALID_ARGUMENT) { group.add(Recipient.user(userId)) }
            fails(INVALID_ARGUMENT) { group.remove(Recipient.user(userId)) }
            fails(INVALID_ARGUMENT) { group.transfer(Recipient.user(userId)) }
            fails(INVALID_ARGUMENT) { account.acceptIdentityChange(userId) }
            fails(INVALID_ARGUMENT) { account.fingerprint(userId) }
            fails(INVALID_ARGUMENT) { account.isVerified(userId) }
        }
        val id = account.identityId.orEmpty()
        for (bad in listOf("", "no id", id.dropLast(1), id + "A", "\u0000".repeat(43), "=".repeat(43), lone)) {
            fails(INVALID_ARGUMENT) { account.session(bad) }
            fails(INVALID_ARGUMENT) { account.prefetch(listOf(ward.session.id, bad)) }
            fails(INVALID_ARGUMENT) { ward.session.grant(Recipient.identity(bad)) }
            fails(INVALID_ARGUMENT) { ward.session.transfer(Recipient.identity(bad)) }
            fails(INVALID_ARGUMENT) { account.nameDevice(bad, "phone") }
            fails(INVALID_ARGUMENT) { account.group(bad) }
            fails(INVALID_ARGUMENT) { ward.session.grant(Recipient.group(bad)) }
            fails(INVALID_ARGUMENT) { group.add(Recipient.group(bad)) }
            fails(INVALID_ARGUMENT) { account.sessions(bad) }
            fails(INVALID_ARGUMENT) { account.groups(bad) }
            fails(INVALID_ARGUMENT) { account.sessionsOfGroup(bad) }
            fails(INVALID_ARGUMENT) { account.sessionsOfGroup(group.id, bad) }
        }
        fails(INVALID_ARGUMENT) { group.add(Recipient.user("dr.a")) }
        fails(INVALID_ARGUMENT) { group.remove(Recipient.user("patient.7")) }
        fails(INVALID_ARGUMENT) { group.rename(lone) }
        fails(INVALID_ARGUMENT) { account.createGroup(lone) }
        assertEquals(emptyList<Prefetched>(), account.prefetch(emptyList()))
        val twice = arrayOf(Recipient.user("patient.7"), Recipient.user("patient.7"))
        fails(INVALID_ARGUMENT) { account.createSession(*twice) }
        // NUL is a character like any other: nobody is cut off at it.
        assertEquals(listOf("patient.7\u0000"), fails(ErrorCode.RECIPIENTS_NOT_FOUND) {
            account.createSession(Recipient.user("patient.7\u0000"))
        }.recipients)
        ward.session.encrypt(data)
    }

    @Test
    fun `contexts`() = test {
        val ward = Ward.open()
        for (value in listOf<Any>(1.5, 'c', listOf(1), 1u, lone.toCharArray())) {
            fails(INVALID_ARGUMENT) { Context.fields("a" to value) }
        }
        val refused = listOf(
            Context.fields("" to 1),
            Context.fields("n".repeat(65) to 1),
            Context.fields("a" to 1, "a" to 2),
            Context.fields((0..64).associate { "n$it" to it }),
            Context.fields("a" to ByteArray(65_536)),
            Context.fields("a" to lone),
            Context.fields(lone to "a"),
            Context.raw(ByteArray(65_536)),
        )
        val sealed = ward.session.encrypt(data, NOTE)
        for (context in refused) {
            fails(INVALID_ARGUMENT) { ward.session.encrypt(data, context) }
            fails(INVALID_ARGUMENT) { ward.session.decrypt(sealed, context) }
            fails(INVALID_ARGUMENT) { ward.session.encryptText("x", context) }
        }
        fails(ErrorCode.CONTEXT_REQUIRED) { ward.session.decrypt(sealed) }
        fails(ErrorCode.CONTEXT_MISMATCH) { ward.session.decrypt(sealed, Context.fields("row" to 43, "table" to "notes")) }
        fails(ErrorCode.CONTEXT_UNEXPECTED) { ward.session.decrypt(ward.session.encrypt(data), NOTE) }
        val inAnyOrder = Context.fields("row" to 42.toByte(), "table" to "notes")
        assertArrayEquals(data, ward.session.decrypt(sealed, inAnyOrder).data)
        val bytes = byteArrayOf(1, 2)
        val kept = Context.fields("b" to bytes, "f" to false, "i" to Long.MIN_VALUE)
        bytes[0] = 9
        val again = Context.fields("b" to byteArrayOf(1, 2), "f" to false, "i" to Long.MIN_VALUE)
        assertArrayEquals(data, ward.session.decrypt(ward.session.encrypt(data, kept), again).data)
    }

    @Test
    fun `envelopes and texts`() = test {
        val ward = Ward.open()
        val sealed = ward.session.encrypt(data)
        for (length in 0 until sealed.size) {
            val failure = runCatching { ward.session.decrypt(sealed.copyOf(length)) }.exceptionOrNull()
            // In its last chunk, a cut and an alteration are the same.
            val codes = setOf(ErrorCode.NOT_AN_ENVELOPE, ErrorCode.ENVELOPE_TRUNCATED, ErrorCode.ENVELOPE_DAMAGED)
            assertTrue((failure as PlicoException).code in codes)
        }
        fails(ErrorCode.NOT_AN_ENVELOPE) { ward.doctor.account.sessionOf(ByteArray(100)) }
        for (text in listOf("", "plc1", "plc1.", "plc1.ÄÖ", "plc2.AAAA", "\u0000", "plc1." + "A".repeat(1000))) {
            fails(ErrorCode.NOT_AN_ENVELOPE) { ward.session.decryptText(text) }
            fails(ErrorCode.NOT_AN_ENVELOPE) { ward.doctor.account.decryptText(text) }
        }
        fails(INVALID_ARGUMENT) { ward.session.encryptText("half a pair: $lone") }
        fails(INVALID_ARGUMENT) { ward.session.decryptText(lone) }
        val notText = ward.session.encrypt(byteArrayOf(-1))
        val asText = "plc1." + java.util.Base64.getUrlEncoder().withoutPadding().encodeToString(notText)
        fails(INVALID_ARGUMENT) { ward.session.decryptText(asText) }
        fails(ErrorCode.TOO_LARGE) { ward.session.setMetadata(ByteArray(8193)) }
    }

    @Test
    fun `files`(@TempDir folder: Path) = test {
        val ward = Ward.open()
        val (plain, sealed) = folder.resolve("plain") to folder.resolve("sealed")
        plain.writeBytes(data)
        ward.session.encryptFile(plain, sealed)
        val directory = folder.resolve("directory").createDirectory()
        val none = folder.resolve("none/file")
        for (source in listOf(none, directory, folder.resolve("nul-free"))) {
            fails(ErrorCode.IO) { ward.session.encryptFile(source, folder.resolve("out")) }
            fails(ErrorCode.IO) { ward.session.decryptFile(source, folder.resolve("out")) }
            fails(ErrorCode.IO) { ward.patient.account.decryptFile(source, folder.resolve("out")) }
        }
        for (target in listOf(none, directory)) {
            fails(ErrorCode.IO) { ward.session.encryptFile(plain, target) }
            fails(ErrorCode.IO) { ward.session.decryptFile(sealed, target) }
        }
        fails(ErrorCode.NOT_AN_ENVELOPE) { ward.session.decryptFile(plain, folder.resolve("out")) }
        assertEquals(setOf("plain", "sealed", "directory"), folder.listDirectoryEntries().map { it.fileName.toString() }.toSet())
    }

    @Test
    fun `times`() = test {
        val ward = Ward.open()
        val patient = Recipient.user("patient.7")
        val past = listOf(Instant.MIN, Instant.ofEpochMilli(-1), Instant.EPOCH, ward.directory.clock.instant().minusSeconds(60))
        for (end in past) {
            fails(ErrorCode.ENTRY_INVALID) { ward.session.grant(patient, expiresAt = end) }
        }
        for (end in listOf(Instant.MAX, Instant.parse("9999-12-31T23:59:59.999Z"))) {
            ward.session.grant(patient, expiresAt = end)
            assertTrue(ward.session.recipients().single { it.userId == "patient.7" }.expiresAt!! > Instant.parse("9999-01-01T00:00:00Z"))
        }
        fails(INVALID_ARGUMENT) { ward.doctor.account.maxStaleness(Duration.ofNanos(-1)) }
        fails(INVALID_ARGUMENT) { ward.session.maxStaleness(Duration.ofSeconds(Long.MIN_VALUE)) }
        ward.session.maxStaleness(Duration.ofSeconds(Long.MAX_VALUE, 999_999_999)).encrypt(data)
    }
}

package org.plico

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.withTimeoutOrNull
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.time.Duration
import kotlin.io.path.fileSize
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.outputStream
import kotlin.io.path.writeBytes

/** A cancelled call ends at once, with the coroutine's own exception, and the account goes on. */
class CancelTest {
    private val data = "x".toByteArray()
    private val patient = Recipient.user("patient.7")

    /** Begins `work`, cancels it half-way, and sees that it ends soon and as cancelled. */
    private suspend fun cancelled(work: suspend () -> Any?) = coroutineScope {
        val call = async { work() }
        delay(30)
        withTimeout(20_000) { call.cancelAndJoin() }
        assertThrows<CancellationException> { call.await() }
    }

    @Test
    fun `every verb that asks the directory`(@TempDir folder: Path) = test {
        val ward = Ward.open()
        val (account, session) = ward.doctor.account.maxStaleness(Duration.ZERO) to ward.session.maxStaleness(Duration.ZERO)
        folder.resolve("plain").writeBytes(data)
        session.encryptFile(folder.resolve("plain"), folder.resolve("sealed"))
        val (sealed, text) = session.encrypt(data) to session.encryptText("x")
        val other = ward.directory.visitor("dr.b")
        val connection = ward.doctor.connection
        val key = FileKey.HostSecret(ByteArray(32))
        val file = account.exportIdentity(key)
        val ofFile = account.devices().last().id
        val words = RecoveryKey.generate()
        val code = ward.directory.visitor("dr.a").account.pairingCode()
        val (signed, group) = session.encryptSigned(data) to account.createGroup("ward")
        val service = ward.doctor.plico.service { ward.directory.serviceToken() }
        val calls = listOf<suspend () -> Any?>(
            { account.createSession(patient) },
            { account.acceptIdentityChange("patient.7") },
            { account.decrypt(sealed) },
            { account.decryptText(text) },
            { account.decryptSigned(signed.envelope, signed.signature) },
            { account.createGroup("practice", mapOf(patient to GroupRole.MEMBER)) },
            { account.sessions() },
            { account.sessionsOfGroup(group.id) },
            { account.groups() },
            { account.sessionsTagged("x") },
            { account.createSessions(listOf(SessionOptions(patient))) },
            { account.grantMany(listOf(session.id), mapOf(patient to Grant())) },
            { account.revokeMany(listOf(session.id), listOf(patient)) },
            { account.revokeEverywhere(patient) },
            { account.giveAllOf(patient, patient) },
            { service.sealFor(listOf(patient), data) },
            { service.acceptIdentityChange("patient.7") },
            { session.grantAll(mapOf(patient to Grant())) },
            { session.revokeAll(listOf(patient)) },
            { session.setExpiry(Expiry.NEVER) },
            { session.expiry() },
            { session.endsAt() },
            { session.setTag("x") },
            { session.tag() },
            { group.addMembers(mapOf(patient to GroupRole.MEMBER)) },
            { group.removeMembers(listOf(patient)) },
            { group.refresh() },
            { group.name() },
            { group.rename("x") },
            { group.members() },
            { group.add(patient) },
            { group.remove(patient) },
            { group.transfer(patient, keep = GroupRole.OWNER) },
            { group.rotate() },
            { group.delete() },
            { session.encryptSigned(data) },
            { session.decryptSigned(signed.envelope, signed.signature) },
            { session.whoMayRead() },
            { account.decryptFile(folder.resolve("sealed"), folder.resolve("out")) },
            { account.prefetch(listOf(session.id)) },
            { session.encrypt(data) },
            { session.encryptText("x") },
            { session.encryptFile(folder.resolve("plain"), folder.resolve("out")) },
            { session.decrypt(sealed) },
            { session.decryptText(text) },
            { session.grant(patient) },
            { session.revoke(patient) },
            { session.recipients() },
            { session.rotate() },
            { session.refresh() },
            { session.setMetadata(data) },
            { session.metadata() },
            { session.transfer(patient, keep = Rights.OWNER) },
            { account.devices() },
            { account.rotateUserKey() },
            { account.exportIdentity(key) },
            { ward.doctor.plico.accountInMemory().importIdentity(file, key) },
            { account.nameDevice(ofFile, "file") },
            { account.revokeDevice(ofFile) },
            { account.recoveryKeySetAt() },
            { account.setRecoveryKey(words) },
            { ward.doctor.plico.accountInMemory().recover(words) },
            { account.storeBackup(key) },
            { account.backups() },
            { account.deleteBackups() },
            { ward.doctor.plico.accountInMemory().restoreBackup("dr.a", key) },
            { ward.doctor.plico.accountInMemory().joinByPairing() },
            { account.approvePairing(code) },
            { account.fingerprint("patient.7") },
            { account.verifyFingerprint("patient.7", "1") },
            { account.isVerified("patient.7") },
            { account.offlineFile(sealed) },
            { ward.doctor.plico.accountInMemory().register("dr.c", ward.directory.enrolment("dr.c")) },
            { Plico.open(ward.directory.url, ward.directory.tenant, connection, ward.directory.clock) },
        )
        for (call in calls) {
            connection.slow(Duration.ofSeconds(60))
            cancelled(call)
            connection.slow(Duration.ZERO)
            assertArrayEquals(data, session.decrypt(session.encrypt(data)).data)
        }
        other.connection.slow(Duration.ofSeconds(60))
        cancelled { other.register() }
        other.connection.slow(Duration.ZERO)
        other.register()
        account.settle()
        session.grant(patient)
        assertArrayEquals(data, ward.patient.account.decrypt(session.encrypt(data)).data)
    }

    @Test
    fun `a timeout is a timeout, and before the beginning nothing is sent`() = test {
        val ward = Ward.open()
        ward.doctor.connection.slow(Duration.ofSeconds(5))
        assertNull(withTimeoutOrNull(50) { ward.session.refresh() })
        ward.doctor.connection.slow(Duration.ZERO)
        val before = ward.doctor.connection.requests
        val call = coroutineScope {
            async(start = CoroutineStart.LAZY) { ward.session.refresh() }.also { it.cancelAndJoin() }
        }
        assertTrue(call.isCancelled)
        assertEquals(before, ward.doctor.connection.requests)
    }

    @Test
    fun `a cancelled file leaves nothing behind`(@TempDir folder: Path) = test {
        val ward = Ward.open()
        val (plain, sealed) = folder.resolve("plain") to folder.resolve("sealed")
        plain.outputStream().use { out -> repeat(32) { out.write(ByteArray(1 shl 20)) } }
        suspend fun cancelledHalfWay(work: suspend (ProgressListener) -> Unit) = coroutineScope {
            var furthest = 0L
            val call = async { work { done, _ -> furthest = done; Thread.sleep(1) } }
            while (furthest == 0L) delay(1)
            call.cancelAndJoin()
            assertTrue(call.isCancelled && furthest < plain.fileSize())
        }
        fun names() = folder.listDirectoryEntries().map { it.fileName.toString() }.toSet()
        suspend fun assertNames(vararg expected: String) {
            // The thread that writes notices at its next chunk.
            for (wait in 1..1_000) if (names() != expected.toSet()) delay(10)
            assertEquals(expected.toSet(), names())
        }
        cancelledHalfWay { ward.session.encryptFile(plain, sealed, onProgress = it) }
        assertNames("plain")
        ward.session.encryptFile(plain, sealed)
        cancelledHalfWay { ward.session.decryptFile(sealed, folder.resolve("opened"), onProgress = it) }
        assertNames("plain", "sealed")
        ward.session.decryptFile(sealed, folder.resolve("opened"))
        assertEquals(plain.fileSize(), folder.resolve("opened").fileSize())
    }

    @Test
    fun `a large payload is given up, too`() = test {
        val ward = Ward.open()
        ward.doctor.connection.slow(Duration.ofSeconds(5))
        cancelled { ward.session.maxStaleness(Duration.ZERO).encrypt(ByteArray(4 shl 20)) }
        ward.doctor.connection.slow(Duration.ZERO)
        ward.session.encrypt(ByteArray(4 shl 20))
    }
}

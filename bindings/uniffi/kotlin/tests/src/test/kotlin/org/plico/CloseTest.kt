package org.plico

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.plico.ErrorCode.CLOSED
import java.nio.file.Path
import java.time.Duration
import kotlin.io.path.writeBytes

/** After `close` every call says so; nothing crashes, hangs or closes somebody else. */
class CloseTest {
    private val data = "x".toByteArray()
    private val patient = Recipient.user("patient.7")

    /** Every suspending call of a session. */
    private fun calls(session: EncryptionSession, sealed: ByteArray, text: String, folder: Path) = listOf<suspend () -> Any?>(
        { session.encrypt(data) },
        { session.encryptText("x") },
        { session.encryptFile(folder.resolve("plain"), folder.resolve("out")) },
        { session.decrypt(sealed) },
        { session.decryptText(text) },
        { session.decryptFile(folder.resolve("sealed"), folder.resolve("out")) },
        { session.encryptSigned(data) },
        { session.sign(sealed) },
        { session.decryptSigned(sealed, null) },
        { session.whoMayRead() },
        { session.grant(patient) },
        { session.revoke(patient) },
        { session.leave() },
        { session.transfer(patient) },
        { session.recipients() },
        { session.rotate() },
        { session.refresh() },
        { session.forget() },
        { session.end() },
        { session.setMetadata(data) },
        { session.metadata() },
        { session.grantAll(mapOf(patient to Grant())) },
        { session.revokeAll(listOf(patient)) },
        { session.setExpiry(Expiry.NEVER) },
        { session.expiry() },
        { session.endsAt() },
        { session.setTag("x") },
        { session.tag() },
    )

    private fun calls(group: Group) = listOf<suspend () -> Any?>(
        { group.refresh() },
        { group.name() },
        { group.rename("x") },
        { group.members() },
        { group.add(patient) },
        { group.remove(patient) },
        { group.leave() },
        { group.transfer(patient) },
        { group.rotate() },
        { group.delete() },
        { group.addMembers(mapOf(patient to GroupRole.MEMBER)) },
        { group.removeMembers(listOf(patient)) },
    )

    private fun calls(account: Account, sealed: ByteArray, text: String, folder: Path) = listOf<suspend () -> Any?>(
        { account.register("dr.a") { error("nobody is asked") } },
        { account.createSession(patient) },
        { account.sessionOf(sealed) },
        { account.decrypt(sealed) },
        { account.decryptSigned(sealed, null) },
        { account.createGroup() },
        { account.sessions() },
        { account.sessionsOfGroup("A".repeat(43)) },
        { account.groups() },
        { account.sessionsTagged("x") },
        { account.openSealed(sealed) },
        { account.createSessions(listOf()) },
        { account.grantMany(listOf(), mapOf()) },
        { account.revokeMany(listOf(), listOf()) },
        { account.revokeEverywhere(patient) },
        { account.giveAllOf(patient, patient) },
        { account.decryptText(text) },
        { account.decryptFile(folder.resolve("sealed"), folder.resolve("out")) },
        { account.prefetch(listOf()) },
        { account.settle() },
        { account.acceptIdentityChange("patient.7") },
        { account.devices() },
        { account.revokeDevice("A".repeat(43)) },
        { account.rotateUserKey() },
        { account.exportIdentity(FileKey.HostSecret(ByteArray(32))) },
        { account.importIdentity(sealed, FileKey.HostSecret(ByteArray(32))) },
        { account.nameDevice("A".repeat(43), "phone") },
        { account.recoveryKeySetAt() },
        { account.setRecoveryKey(RecoveryKey.generate()) },
        { account.recover(RecoveryKey.generate()) },
        { account.storeBackup(FileKey.HostSecret(ByteArray(32))) },
        { account.backups() },
        { account.deleteBackups() },
        { account.restoreBackup("dr.a", FileKey.HostSecret(ByteArray(32))) },
        { account.pairingCode() },
        { account.joinByPairing() },
        { account.approvePairing("no code") },
        { account.fingerprint("patient.7") },
        { account.verifyFingerprint("patient.7", "1") },
        { account.isVerified("patient.7") },
        { account.offlineFile(sealed) },
        { account.deleteIdentity() },
    )

    private suspend fun allClosed(ward: Ward, folder: Path, close: () -> Unit) {
        val account = ward.doctor.account
        val sealed = ward.session.encrypt(data)
        val text = ward.session.encryptText("x")
        folder.resolve("plain").writeBytes(data)
        ward.session.encryptFile(folder.resolve("plain"), folder.resolve("sealed"))
        val offline = account.offline()
        val group = account.createGroup()
        close()
        close()
        val accounts = listOf(account, offline, account.offline(), account.maxStaleness(Duration.ofDays(1)))
        for (it in accounts) {
            for (call in calls(it, sealed, text, folder)) fails(CLOSED, call)
        }
        val sessions = listOf(ward.session, ward.session.offline(), account.session(ward.session.id))
        for (it in sessions) {
            for (call in calls(it, sealed, text, folder)) fails(CLOSED, call)
        }
        for (it in listOf(group, account.group(group.id), offline.group(group.id))) {
            for (call in calls(it)) fails(CLOSED, call)
        }
        assertEquals(null, account.identityId)
        assertEquals(null, account.deviceId)
        assertEquals("x", ward.patient.account.decryptText(text))
    }

    @Test
    fun `an account that was closed`(@TempDir folder: Path) = test {
        val ward = Ward.open()
        allClosed(ward, folder) { ward.doctor.account.close() }
        // The connection goes on.
        assertEquals(null, ward.doctor.plico.accountInMemory().identityId)
    }

    @Test
    fun `a connection that was closed`(@TempDir folder: Path) = test {
        val ward = Ward.open()
        allClosed(ward, folder) { ward.doctor.plico.close() }
        fails(CLOSED) { ward.doctor.plico.accountInMemory() }
        fails(CLOSED) { ward.doctor.plico.service { error("nobody is asked") } }
        fails(CLOSED) { ward.doctor.plico.account(folder.resolve("a"), ByteArray(32)) }
        fails(CLOSED) { ward.doctor.plico.account(ward.doctor.store) }
        assertEquals(ward.directory.tenant, ward.doctor.plico.tenantId)
    }

    @Test
    fun `what nobody closes is cleaned up`() = test {
        val ward = Ward.open()
        repeat(200) {
            val session = ward.doctor.account.session(ward.session.id)
            ward.patient.account.offline().maxStaleness(Duration.ZERO).session(session.id)
        }
        repeat(3) { System.gc() }
        ward.session.encrypt(data)
    }
}

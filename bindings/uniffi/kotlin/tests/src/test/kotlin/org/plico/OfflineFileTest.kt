package org.plico

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.plico.ErrorCode.DEVICE_REVOKED
import org.plico.ErrorCode.INVALID_ARGUMENT
import org.plico.ErrorCode.OFFLINE_FILE_INVALID
import java.time.Duration

/** An envelope and an identity as two files, on a machine without a network. */
class OfflineFileTest {
    private val data = "finding".toByteArray()
    private val key = FileKey.HostSecret(ByteArray(32) { 7 })

    @Test
    fun `two files open what was sealed, and say from when they are`() = test {
        val ward = Ward.open()
        val patient = ward.patient.account
        val sealed = ward.session.encrypt(data, NOTE)
        val passphrase = FileKey.Passphrase(FileKey.generatePassphrase())
        val identity = patient.exportIdentity(passphrase)
        patient.rotateUserKey()
        val file = patient.offlineFile(sealed)
        val made = ward.directory.clock.instant()
        ward.directory.down(true)
        ward.directory.clock.advance(Duration.ofDays(400))
        val opened = Plico.openOfflineFile(file, identity, passphrase, NOTE)
        assertArrayEquals(data, opened.content.data)
        assertEquals(ward.session.id, opened.content.sessionId)
        assertFalse(opened.content.writtenOffline)
        assertTrue(Duration.between(opened.asOf, made).abs() < Duration.ofMinutes(1), "${opened.asOf}")
        assertFalse("finding" in opened.toString())
    }

    @Test
    fun `files that do not belong together, or to this place`() = test {
        val ward = Ward.open()
        val patient = ward.patient.account
        val sealed = ward.session.encrypt(data, NOTE)
        val identity = patient.exportIdentity(key)
        val others = ward.doctor.account.exportIdentity(key)
        val file = patient.offlineFile(sealed)
        val flipped = file.copyOf().also { it[it.lastIndex] = (it.last().toInt() xor 1).toByte() }
        suspend fun refused(
            code: String,
            file: ByteArray,
            identity: ByteArray,
            under: FileKey = key,
            context: Context? = NOTE,
        ) = fails(code) { Plico.openOfflineFile(file, identity, under, context) }
        refused(ErrorCode.WRONG_PASSPHRASE, file, identity, FileKey.HostSecret(ByteArray(32)))
        refused(INVALID_ARGUMENT, file, identity, FileKey.HostSecret(ByteArray(31)))
        refused(INVALID_ARGUMENT, file, identity, FileKey.Passphrase("a passphrase"))
        refused(INVALID_ARGUMENT, file, identity, FileKey.Passphrase("half a pair: \ud83e"))
        refused(ErrorCode.CONTEXT_REQUIRED, file, identity, context = null)
        refused(ErrorCode.CONTEXT_MISMATCH, file, identity, context = Context.fields("row" to 43))
        refused(OFFLINE_FILE_INVALID, file, others)
        refused(ErrorCode.IDENTITY_FILE_INVALID, file, file)
        for (bad in listOf(sealed, file.copyOf(file.size - 1), ByteArray(0))) {
            refused(OFFLINE_FILE_INVALID, bad, identity)
        }
        refused(ErrorCode.ENVELOPE_DAMAGED, flipped, identity)
        assertArrayEquals(data, Plico.openOfflineFile(file, identity, key, NOTE).content.data)
    }

    @Test
    fun `a withdrawn identity opens no later file, and a stranger makes none`() = test {
        val ward = Ward.open()
        val patient = ward.patient.account
        val sealed = ward.session.encrypt(data)
        val identity = patient.exportIdentity(key)
        val early = patient.offlineFile(sealed)
        patient.revokeDevice(patient.devices().last().id)
        val late = patient.offlineFile(sealed)
        fails(DEVICE_REVOKED) { Plico.openOfflineFile(late, identity, key) }
        assertArrayEquals(data, Plico.openOfflineFile(early, identity, key).content.data)
        val visitor = ward.directory.visitor("insurer.3")
        fails(ErrorCode.NOT_REGISTERED) { visitor.account.offlineFile(sealed) }
        visitor.register()
        fails(ErrorCode.SESSION_NOT_FOUND) { visitor.account.offlineFile(sealed) }
        fails(ErrorCode.NOT_AN_ENVELOPE) { patient.offlineFile("PLC".toByteArray()) }
        ward.session.revoke(Recipient.user("patient.7"))
        fails(ErrorCode.ACCESS_REVOKED) { patient.offlineFile(sealed) }
    }
}

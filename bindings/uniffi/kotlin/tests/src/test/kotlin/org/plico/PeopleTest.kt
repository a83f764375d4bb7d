package org.plico

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.plico.ErrorCode.CLOSED
import org.plico.ErrorCode.FINGERPRINT_MISMATCH
import org.plico.ErrorCode.IDENTITY_CHANGED
import org.plico.ErrorCode.IDENTITY_DISABLED
import java.time.Duration

/** Who is who, and who is no more: fingerprints, disabled and deleted identities. */
class PeopleTest {
    private val data = "x".toByteArray()

    @Test
    fun `two people compare what they see`() = test {
        val ward = Ward.open()
        val (doctor, patient) = ward.doctor.account to ward.patient.account
        ward.directory.person("insurer.3")
        val (here, there) = doctor.fingerprint("patient.7") to patient.fingerprint("dr.a")
        assertTrue(Regex("([0-9]{5} ){7}[0-9]{5}").matches(here.digits), here.digits)
        assertEquals(here.digits, there.digits)
        assertEquals(138, here.toScan.length)
        assertFalse(doctor.isVerified("patient.7"))
        doctor.verifyFingerprint("patient.7", there.toScan)
        patient.verifyFingerprint("dr.a", here.digits.replace(" ", ""))
        assertTrue(ward.doctor.restart().account.isVerified("patient.7"))
        assertTrue(patient.isVerified("dr.a"))

        val other = doctor.fingerprint("insurer.3")
        for (wrong in listOf(other.digits, other.toScan, here.toScan, "12345", "")) {
            fails(FINGERPRINT_MISMATCH) { doctor.verifyFingerprint("patient.7", wrong) }
            assertFalse(doctor.isVerified("patient.7"))
        }
        val missing = fails(ErrorCode.RECIPIENTS_NOT_FOUND) { doctor.fingerprint("nobody") }
        assertEquals(listOf("nobody"), missing.recipients)
    }

    @Test
    fun `somebody who begins anew was not verified`() = test {
        val ward = Ward.open()
        val doctor = ward.doctor.account
        val digits = ward.patient.account.fingerprint("dr.a").digits
        doctor.verifyFingerprint("patient.7", digits)
        val successor = ward.directory.visitor("patient.7")
        successor.register(2)
        fails(IDENTITY_CHANGED) { doctor.isVerified("patient.7") }
        fails(IDENTITY_CHANGED) { doctor.fingerprint("patient.7") }
        fails(IDENTITY_CHANGED) { doctor.verifyFingerprint("patient.7", digits) }
        assertEquals(successor.account.identityId, doctor.acceptIdentityChange("patient.7"))
        assertFalse(doctor.isVerified("patient.7"))
        fails(FINGERPRINT_MISMATCH) { doctor.verifyFingerprint("patient.7", digits) }
    }

    @Test
    fun `an identity deletes itself for good`() = test {
        val ward = Ward.open()
        val patient = ward.patient.account
        val (words, secret) = RecoveryKey.generate() to FileKey.HostSecret(ByteArray(32) { 1 })
        patient.setRecoveryKey(words)
        patient.storeBackup(secret)
        val id = patient.identityId.orEmpty()
        patient.deleteIdentity()
        fails(CLOSED) { patient.devices() }
        fails(CLOSED) { patient.deleteIdentity() }
        val again = ward.patient.restart()
        assertNull(again.account.identityId)
        fails(ErrorCode.RECOVERY_KEY_UNKNOWN) { again.account.recover(words) }
        fails(ErrorCode.BACKUP_REFUSED) { again.account.restoreBackup("patient.7", secret) }
        ward.directory.clock.advance(Duration.ofSeconds(2))
        fails(ErrorCode.IDENTITY_DELETED) { ward.directory.setStanding(id, true) }
        // The others go on, and whoever takes the user id is seen to be another one.
        val more = ward.session.maxStaleness(Duration.ZERO).encrypt(data)
        assertArrayEquals(data, ward.doctor.account.decrypt(more).data)
        again.register(1)
        fails(IDENTITY_CHANGED) { ward.doctor.account.createSession(Recipient.user("patient.7")) }
    }

    @Test
    fun `a disabled identity can do nothing until it is active again`() = test {
        val ward = Ward.open()
        val patient = ward.patient.account
        val words = RecoveryKey.generate()
        patient.setRecoveryKey(words)
        val id = patient.identityId.orEmpty()
        ward.directory.setStanding(id, false)
        fails(IDENTITY_DISABLED) { patient.devices() }
        fails(IDENTITY_DISABLED) { patient.rotateUserKey() }
        fails(IDENTITY_DISABLED) { patient.setRecoveryKey(RecoveryKey.generate(), old = words) }
        fails(IDENTITY_DISABLED) { ward.directory.visitor("patient.7").account.recover(words) }
        fails(ErrorCode.CONFLICT) { ward.directory.setStanding(id, true) }
        ward.directory.clock.advance(Duration.ofSeconds(2))
        ward.directory.setStanding(id, true)
        assertEquals(1, patient.devices().size)
        fails(ErrorCode.INVALID_ARGUMENT) { ward.directory.setStanding("x", true) }
    }
}

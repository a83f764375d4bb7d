package org.plico

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.plico.ErrorCode.DEVICE_REVOKED
import org.plico.ErrorCode.INVALID_ARGUMENT
import org.plico.ErrorCode.RECOVERY_KEY_UNKNOWN
import org.plico.ErrorCode.RECOVERY_WORDS_INVALID
import java.time.Duration

/** The recovery key: everything comes back, and nobody else gets it. */
class RecoveryTest {
    private val data = "x".toByteArray()

    @Test
    fun `the words bring everything back, and lock the thief out`() = test {
        val ward = Ward.open()
        val thief = ward.patient.account
        val before = ward.session.encrypt(data)
        assertNull(thief.recoveryKeySetAt())
        val key = RecoveryKey.generate()
        assertTrue(Regex("([a-z]+ ){23}[a-z]+").matches(key.words()), "24 words")
        thief.setRecoveryKey(key)
        thief.setRecoveryKey(key) // It is so.
        assertNotNull(thief.recoveryKeySetAt())
        thief.rotateUserKey()

        val owner = ward.directory.visitor("patient.7")
        val typed = key.words().uppercase().replace(" ", "\n ")
        val id = owner.account.recover(RecoveryKey.fromWords(typed))
        assertEquals(thief.identityId, id)
        assertEquals(id, owner.account.identityId)
        assertArrayEquals(data, owner.account.decrypt(before).data)
        val devices = owner.account.devices()
        assertEquals(listOf(true, false), devices.map { it.revoked })
        assertEquals(listOf(false, true), devices.map { it.byRecovery })
        assertEquals(listOf(false, true), devices.map { it.isThis })

        val after = ward.session.maxStaleness(Duration.ZERO).encrypt(data)
        assertArrayEquals(data, owner.account.decrypt(after).data)
        fails(DEVICE_REVOKED) { thief.decrypt(after) }
        fails(DEVICE_REVOKED) { thief.setRecoveryKey(RecoveryKey.generate(), old = key) }
        fails(DEVICE_REVOKED) { thief.recoveryKeySetAt() }
        fails(DEVICE_REVOKED) { thief.revokeDevice(owner.account.deviceId.orEmpty()) }
        val again = owner.restart()
        assertEquals(owner.account.deviceId, again.account.deviceId)
        assertArrayEquals(data, again.account.decrypt(after).data)
    }

    @Test
    fun `only the old words allow new ones`() = test {
        val ward = Ward.open()
        val account = ward.patient.account
        val (first, second, third) = List(3) { RecoveryKey.generate() }
        account.setRecoveryKey(first)
        fails(ErrorCode.RECOVERY_KEY_SET) { account.setRecoveryKey(second) }
        fails(RECOVERY_KEY_UNKNOWN) { account.setRecoveryKey(second, old = third) }
        account.setRecoveryKey(second, old = first)
        fails(INVALID_ARGUMENT) { account.setRecoveryKey(first, old = second) }
        val visitor = ward.directory.visitor("patient.7").account
        for (unknown in listOf(first, third)) {
            fails(RECOVERY_KEY_UNKNOWN) { visitor.recover(unknown) }
            assertNull(visitor.identityId)
        }
        visitor.recover(second)
        fails(ErrorCode.ALREADY_REGISTERED) { visitor.recover(second) }
    }

    @Test
    fun `the other devices stay if they are to, and are told`() = test {
        val ward = Ward.open()
        val account = ward.patient.account
        val key = RecoveryKey.generate()
        account.setRecoveryKey(key)
        val (device, told) = ward.listener(account)
        ward.directory.visitor("patient.7").account.recover(key, keepDevices = true)
        val devices = device.devices()
        assertFalse(devices.any { it.revoked })
        assertEquals(listOf(false, false, false, true), devices.map { it.byRecovery })
        val id = account.identityId.orEmpty()
        assertEquals(listOf(Event.NewDevice(id), Event.RecoveryUsed(id)), told().sortedBy { it.toString() })
        assertArrayEquals(data, account.decrypt(ward.session.encrypt(data)).data)
    }

    @Test
    fun `a directory that answers with another identity is caught`() = test {
        val ward = Ward.open()
        val key = RecoveryKey.generate()
        ward.patient.account.setRecoveryKey(key)
        val visitor = ward.directory.visitor("patient.7").account
        ward.directory.tell("RecoveryMisdirected")
        fails(ErrorCode.ANSWER_MISMATCH) { visitor.recover(key) }
        assertTrue(ward.directory.told > 0)
        assertNull(visitor.identityId)
        ward.directory.honest()
        visitor.recover(key)
    }

    @Test
    fun `words that are none say why`() = test {
        val words = RecoveryKey.generate().words().split(" ")
        val short = words.joinToString("\t") { it.take(4) }
        assertEquals(words, RecoveryKey.fromWords(short).words().split(" "))
        val wrong = listOf(
            "",
            "secret",
            words.drop(1).joinToString(" "),
            (words + "zoo").joinToString(" "),
            (words.drop(1) + "plico").joinToString(" "),
            List(24) { "zoo" }.joinToString(" "),
        )
        for (text in wrong) fails(RECOVERY_WORDS_INVALID) { RecoveryKey.fromWords(text) }
        fails(INVALID_ARGUMENT) { RecoveryKey.fromWords("half a pair: \ud83e") }
    }

    @Test
    fun `a recovery key is not printed`() {
        assertEquals("RecoveryKey(..)", RecoveryKey.generate().toString())
    }
}

package org.plico

import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.supervisorScope
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.plico.ErrorCode.ALREADY_REGISTERED
import java.time.Duration

/** A new device shows a code, an old one reads it. */
class PairingTest {
    private val data = "x".toByteArray()

    /** Both ends at the same time: the identity's and the new device's id. */
    private suspend fun pair(old: Account, new: Account, code: String) = coroutineScope {
        val joined = async { new.joinByPairing() }
        val approved = old.approvePairing(code)
        joined.await() to approved
    }

    @Test
    fun `a code makes a device that knows what its owner has seen`() = test {
        val ward = Ward.open()
        val doctor = ward.doctor.account
        val sealed = ward.session.encrypt(data)
        doctor.verifyFingerprint("patient.7", ward.patient.account.fingerprint("dr.a").digits)

        val phone = ward.directory.visitor("dr.a")
        val shown = phone.account.pairingCode()
        assertTrue(Regex("([0-9A-Z]{5}-){5}[0-9A-Z]").matches(shown), "a code")
        assertEquals(shown, phone.account.pairingCode())
        val (id, device) = pair(doctor, phone.account, shown.lowercase().replace("-", " "))
        assertEquals(doctor.identityId, id)
        assertEquals(device, phone.account.deviceId)
        assertArrayEquals(data, phone.account.decrypt(sealed).data)
        assertTrue(phone.account.isVerified("patient.7"))
        assertEquals(device, phone.restart().account.deviceId)
        fails(ALREADY_REGISTERED) { phone.account.pairingCode() }
        fails(ALREADY_REGISTERED) { phone.account.joinByPairing() }
    }

    @Test
    fun `codes that are none, and a device that may not`() = test {
        val ward = Ward.open()
        val doctor = ward.doctor.account
        for (code in listOf("", "12345", "UUUUU-UUUUU-UUUUU-UUUUU-UUUUU-U", "Z".repeat(26), "\u0000")) {
            fails(ErrorCode.PAIRING_CODE_INVALID) { doctor.approvePairing(code) }
        }
        fails(ErrorCode.INVALID_ARGUMENT) { doctor.approvePairing("half a pair: \ud83e") }
        val phone = ward.directory.visitor("dr.a").account
        val shown = phone.pairingCode()
        fails(ErrorCode.NOT_REGISTERED) { phone.approvePairing(shown) }
        pair(doctor, phone, shown)
        doctor.revokeDevice(phone.deviceId.orEmpty())
        val next = ward.directory.visitor("dr.a").account.pairingCode()
        fails(ErrorCode.DEVICE_REVOKED) { phone.approvePairing(next) }
    }

    @Test
    fun `a directory in between is caught on the side that it deceives`() = test {
        val ward = Ward.open()
        val doctor = ward.doctor.account
        val phone = ward.directory.visitor("dr.a").account
        for (lie in listOf("PairingOfferReplaced", "PairingAnswerReplaced")) {
            val shown = phone.pairingCode()
            ward.directory.tell(lie)
            supervisorScope {
                val join = async { phone.joinByPairing() }
                val approve = async { doctor.approvePairing(shown) }
                val (deceived, other) = if (lie == "PairingOfferReplaced") join to approve else approve to join
                fails(ErrorCode.PAIRING_INVALID) { deceived.await() }
                // What the other one was told meanwhile depends on the moment.
                other.cancelAndJoin()
                assertTrue(other.isCancelled)
            }
            assertTrue(ward.directory.told > 0, lie)
            ward.directory.honest()
            assertNull(phone.identityId)
            assertEquals(1, doctor.devices().size)
            // Whoever deceived the new device knew its code.
            assertEquals(lie == "PairingAnswerReplaced", phone.pairingCode() == shown)
        }
        pair(doctor, phone, phone.pairingCode())
        assertArrayEquals(data, phone.decrypt(ward.session.encrypt(data)).data)
    }

    @Test
    fun `nobody waits for ever, nor longer than the app`() = test {
        val ward = Ward.open()
        val doctor = ward.doctor.account
        val phone = ward.directory.visitor("dr.a").account
        val shown = phone.pairingCode()
        for (wait in listOf<suspend () -> Any?>({ phone.joinByPairing() }, { doctor.approvePairing(shown) })) {
            coroutineScope {
                val call = async { wait() }
                delay(30)
                withTimeout(20_000) { call.cancelAndJoin() }
                assertTrue(call.isCancelled)
            }
            coroutineScope {
                val expired = async { fails(ErrorCode.PAIRING_EXPIRED) { wait() } }
                // It counts from when it has begun, which may be later than now.
                while (expired.isActive) {
                    delay(100)
                    ward.directory.clock.advance(Duration.ofSeconds(601))
                }
                expired.await()
            }
            assertNull(phone.identityId)
        }
        // The same code as before, and it works.
        pair(doctor, phone, shown)
        assertArrayEquals(data, phone.decrypt(ward.session.encrypt(data)).data)
    }

    @Test
    fun `closing ends the waiting`() = test {
        val ward = Ward.open()
        val phone = ward.directory.visitor("dr.a").account
        val shown = phone.pairingCode()
        val ended = listOf(
            async { fails(ErrorCode.CLOSED) { phone.joinByPairing() } },
            async { fails(ErrorCode.CLOSED) { ward.doctor.account.approvePairing(shown) } },
        )
        phone.close()
        ward.doctor.account.close()
        for (it in ended) it.await()
    }
}

package org.plico

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.plico.ErrorCode.DEVICE_REVOKED
import org.plico.ErrorCode.IDENTITY_FILE_INVALID
import org.plico.ErrorCode.INVALID_ARGUMENT
import org.plico.ErrorCode.WRONG_PASSPHRASE
import org.plico.testing.TestDirectory
import java.time.Duration

/** One identity on several devices: files, names, revoking, rotating. */
class DevicesTest {
    private val data = "x".toByteArray()

    // Argon2id takes its time: where the kind of key does not matter, this.
    private val key = FileKey.HostSecret(ByteArray(32) { 7 })

    @Test
    fun `a file under a passphrase makes another device, which opens what was sealed before`() = test {
        val ward = Ward.open()
        val sealed = ward.session.encrypt(data)
        val passphrase = FileKey.generatePassphrase()
        assertTrue(Regex("([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}").matches(passphrase), "a passphrase")
        assertNotEquals(passphrase, FileKey.generatePassphrase())

        val doctor = ward.doctor.account
        val file = doctor.exportIdentity(FileKey.Passphrase(passphrase))
        val phone = ward.directory.visitor("dr.a")
        assertNull(phone.account.deviceId)
        fails(WRONG_PASSPHRASE) { phone.account.importIdentity(file, FileKey.Passphrase("not the passphrase")) }
        fails(INVALID_ARGUMENT) { phone.account.importIdentity(file, key) }
        assertNull(phone.account.identityId)
        val id = phone.account.importIdentity(file, FileKey.Passphrase(passphrase))
        assertEquals(doctor.identityId, id)
        assertEquals(id, phone.account.identityId)
        assertArrayEquals(data, phone.account.decrypt(sealed).data)

        // The doctor's first, the file's and the phone's own.
        val devices = phone.account.devices()
        assertEquals(listOf(false, false, true), devices.map { it.isThis })
        assertFalse(devices.any { it.revoked })
        assertEquals(doctor.deviceId, devices.first().id)
        assertEquals(phone.account.deviceId, devices.last().id)
        assertEquals(setOf(ward.directory.clock.instant()), devices.map { it.added }.toSet())
        val again = phone.restart()
        assertEquals(phone.account.deviceId, again.account.deviceId)
        assertArrayEquals(data, again.account.decrypt(sealed).data)
    }

    @Test
    fun `a revoked device says so, and the others go on`() = test {
        val ward = Ward.open()
        val doctor = ward.doctor.account
        val phone = ward.directory.visitor("dr.a").account
        phone.importIdentity(doctor.exportIdentity(key), key)
        assertArrayEquals(data, phone.decrypt(ward.session.encrypt(data)).data)

        val stolen = phone.deviceId.orEmpty()
        doctor.revokeDevice(stolen)
        doctor.revokeDevice(stolen) // It is so.
        assertEquals(listOf(false, false, true), doctor.devices().map { it.revoked })
        val after = ward.session.maxStaleness(Duration.ZERO).encrypt(data)
        assertArrayEquals(data, ward.patient.account.decrypt(after).data)
        fails(DEVICE_REVOKED) { phone.decrypt(after) }
        fails(DEVICE_REVOKED) { phone.devices() }
        fails(DEVICE_REVOKED) { phone.exportIdentity(key) }
        fails(DEVICE_REVOKED) { phone.revokeDevice(doctor.deviceId.orEmpty()) }
        fails(DEVICE_REVOKED) { phone.rotateUserKey() }
    }

    @Test
    fun `a file that was withdrawn is worth nothing`() = test {
        val ward = Ward.open()
        val file = ward.doctor.account.exportIdentity(key)
        ward.doctor.account.revokeDevice(ward.doctor.account.devices().last().id)
        val thief = ward.directory.visitor("dr.a").account
        fails(DEVICE_REVOKED) { thief.importIdentity(file, key) }
        fails(ErrorCode.NOT_REGISTERED) { thief.devices() }
    }

    @Test
    fun `a new user key changes nothing for anybody`() = test {
        val ward = Ward.open()
        val before = ward.session.encrypt(data)
        ward.patient.account.rotateUserKey()
        val after = ward.session.maxStaleness(Duration.ZERO).encrypt(data)
        for (sealed in listOf(before, after)) {
            assertArrayEquals(data, ward.patient.account.decrypt(sealed).data)
        }
    }

    @Test
    fun `a device has a name that its owner's other devices see, and was seen`() = test {
        val ward = Ward.open()
        val doctor = ward.doctor.account
        val phone = ward.directory.visitor("dr.a").account
        phone.importIdentity(doctor.exportIdentity(key), key)
        val id = doctor.deviceId.orEmpty()
        doctor.nameDevice(id, "Läptop")
        doctor.rotateUserKey()
        ward.directory.clock.advance(Duration.ofHours(2))
        val devices = phone.devices()
        assertEquals(listOf("Läptop", null, null), devices.map { it.name })
        assertTrue(devices.first().lastSeen!! < devices.last().lastSeen!!)
        assertFalse(devices.any { it.byRecovery })
        assertFalse("Läptop" in devices.toString())

        phone.nameDevice(id, "")
        assertNull(doctor.devices().first().name)
        doctor.nameDevice(id, "x".repeat(128))
        fails(INVALID_ARGUMENT) { doctor.nameDevice(id, "ä".repeat(65)) }
        fails(INVALID_ARGUMENT) { doctor.nameDevice(id, "half a pair: \ud83e") }
        fails(ErrorCode.BAD_REQUEST) { doctor.nameDevice(ward.directory.tenant, "x") }
        val stolen = phone.deviceId.orEmpty()
        doctor.revokeDevice(stolen)
        fails(DEVICE_REVOKED) { phone.nameDevice(stolen, "x") }
        fails(ErrorCode.BAD_REQUEST) { doctor.nameDevice(stolen, "x") }
    }

    @Test
    fun `a user key is renewed when the tenant says so, and the app is told before`() = test {
        val ward = Ward.open()
        ward.directory.setUserKeyDays(90)
        val (device, told) = ward.listener(ward.patient.account)
        suspend fun after(days: Long): List<Event.KeyRenewalNear> {
            ward.directory.clock.advance(Duration.ofDays(days))
            device.devices()
            return told().filterIsInstance<Event.KeyRenewalNear>()
        }
        assertEquals(emptyList<Event>(), after(70))
        val event = after(10).single()
        assertEquals(device.identityId, event.identityId)
        val left = Duration.between(ward.directory.clock.instant(), event.at)
        assertTrue(left > Duration.ofDays(9) && left < Duration.ofDays(11), "$left")
        val before = ward.session.maxStaleness(Duration.ZERO).encrypt(data)
        assertEquals(listOf(event), after(11))
        val after = ward.session.maxStaleness(Duration.ZERO).encrypt(data)
        assertNotEquals(before.slice(22..25), after.slice(22..25), "another epoch")
        assertArrayEquals(data, device.decrypt(after).data)
    }

    @Test
    fun `keys, files and devices that will not do`() = test {
        val ward = Ward.open()
        val doctor = ward.doctor.account
        val visitor = ward.directory.visitor("dr.a").account
        val file = doctor.exportIdentity(key)
        for (length in listOf(0, 31, 33)) {
            val bad = FileKey.HostSecret(ByteArray(length))
            fails(INVALID_ARGUMENT) { doctor.exportIdentity(bad) }
            fails(INVALID_ARGUMENT) { visitor.importIdentity(file, bad) }
        }
        for (text in listOf("", "11 letters.", "half a pair: \ud83e")) {
            fails(INVALID_ARGUMENT) { doctor.exportIdentity(FileKey.Passphrase(text)) }
        }
        fails(WRONG_PASSPHRASE) { visitor.importIdentity(file, FileKey.HostSecret(ByteArray(32))) }
        for (bytes in listOf(ByteArray(0), "PLC1".toByteArray(), file.copyOf(file.size - 1))) {
            fails(IDENTITY_FILE_INVALID) { visitor.importIdentity(bytes, key) }
        }
        fails(ErrorCode.ALREADY_REGISTERED) { doctor.importIdentity(file, key) }
        val elsewhere = TestDirectory.start().visitor("dr.a").account
        fails(ErrorCode.WRONG_TENANT) { elsewhere.importIdentity(file, key) }
        for (id in listOf("", "no id", "\ud83e", ward.directory.tenant, doctor.deviceId.orEmpty())) {
            fails(INVALID_ARGUMENT) { doctor.revokeDevice(id) }
        }
    }

    @Test
    fun `a key is not printed`() {
        for (key in listOf(FileKey.Passphrase("secret words"), FileKey.HostSecret(ByteArray(32)))) {
            assertEquals("FileKey(..)", key.toString())
        }
    }
}

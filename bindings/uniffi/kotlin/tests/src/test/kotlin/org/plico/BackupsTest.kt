package org.plico

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.plico.ErrorCode.BACKUP_REFUSED
import org.plico.ErrorCode.DEVICE_REVOKED
import org.plico.ErrorCode.INVALID_ARGUMENT
import java.time.Duration

/** Backups at the directory: who gets them back, who does not, what is deleted. */
class BackupsTest {
    private val data = "x".toByteArray()

    private fun host(byte: Int) = FileKey.HostSecret(ByteArray(32) { byte.toByte() })

    @Test
    fun `a passphrase brings everything back, and another does not`() = test {
        val ward = Ward.open()
        val account = ward.patient.account
        val sealed = ward.session.encrypt(data)
        assertEquals(emptyList<BackupStatus>(), account.backups())
        val passphrase = FileKey.Passphrase(FileKey.generatePassphrase())
        account.storeBackup(passphrase)
        account.storeBackup(host(1)) // Neither opens the other.
        val now = ward.directory.clock.instant()
        assertEquals(listOf(BackupStatus(true, now), BackupStatus(false, now)), account.backups())
        val phone = ward.directory.visitor("patient.7").account
        val wrong = listOf(
            "patient.7" to FileKey.Passphrase("another passphrase"),
            "patient.7" to host(2),
            "dr.a" to host(1),
            "nobody" to host(1),
        )
        for ((userId, key) in wrong) {
            fails(BACKUP_REFUSED) { phone.restoreBackup(userId, key) }
            assertNull(phone.identityId)
        }
        for ((device, key) in listOf(phone to passphrase, ward.directory.visitor("patient.7").account to host(1))) {
            assertEquals(account.identityId, device.restoreBackup("patient.7", key))
            assertArrayEquals(data, device.decrypt(sealed).data)
        }
        fails(ErrorCode.ALREADY_REGISTERED) { phone.restoreBackup("patient.7", host(1)) }
    }

    @Test
    fun `what was replaced or deleted is gone`() = test {
        val ward = Ward.open()
        val account = ward.patient.account
        val visitor = ward.directory.visitor("patient.7").account
        account.storeBackup(host(1))
        account.storeBackup(host(2))
        fails(BACKUP_REFUSED) { visitor.restoreBackup("patient.7", host(1)) }
        account.deleteBackups()
        account.deleteBackups() // It is so.
        assertEquals(emptyList<BackupStatus>(), account.backups())
        fails(BACKUP_REFUSED) { visitor.restoreBackup("patient.7", host(2)) }
        assertEquals(listOf(account.deviceId), account.devices().filter { !it.revoked }.map { it.id })
        account.storeBackup(host(1))
        visitor.restoreBackup("patient.7", host(1))
    }

    @Test
    fun `a directory that hands out something else is caught`() = test {
        val ward = Ward.open()
        ward.patient.account.storeBackup(host(1))
        val visitor = ward.directory.visitor("patient.7").account
        for (lie in listOf("BackupOfAnother", "BackupWeaker", "BackupAltered")) {
            ward.directory.tell(lie)
            fails(ErrorCode.BACKUP_INVALID) { visitor.restoreBackup("patient.7", host(1)) }
            assertTrue(ward.directory.told > 0, lie)
            assertNull(visitor.identityId)
        }
        ward.directory.honest()
        visitor.restoreBackup("patient.7", host(1))
    }

    @Test
    fun `guessing is slow`() = test {
        val ward = Ward.open()
        ward.patient.account.storeBackup(host(0))
        val visitor = ward.directory.visitor("patient.7").account
        for (byte in 1..5) fails(BACKUP_REFUSED) { visitor.restoreBackup("patient.7", host(byte)) }
        fails(ErrorCode.TOO_MANY_TRIES) { visitor.restoreBackup("patient.7", host(0)) }
        ward.directory.clock.advance(Duration.ofMinutes(30))
        visitor.restoreBackup("patient.7", host(0))
    }

    @Test
    fun `keys that will not do, and a revoked device`() = test {
        val ward = Ward.open()
        val account = ward.patient.account
        val bad = listOf(0, 31, 33).map { FileKey.HostSecret(ByteArray(it)) } +
            listOf("", "11 letters.", "half a pair: \ud83e").map { FileKey.Passphrase(it) }
        for (key in bad) fails(INVALID_ARGUMENT) { account.storeBackup(key) }
        val phone = ward.directory.visitor("patient.7").account
        fails(ErrorCode.NOT_REGISTERED) { phone.backups() }
        fails(INVALID_ARGUMENT) { phone.restoreBackup("half a pair: \ud83e", host(1)) }
        fails(INVALID_ARGUMENT) { phone.restoreBackup("patient.7", bad.first()) }
        account.storeBackup(host(1))
        phone.restoreBackup("patient.7", host(1))
        account.revokeDevice(phone.deviceId.orEmpty())
        fails(DEVICE_REVOKED) { phone.storeBackup(host(1)) }
        fails(DEVICE_REVOKED) { phone.backups() }
        fails(DEVICE_REVOKED) { phone.deleteBackups() }
    }
}

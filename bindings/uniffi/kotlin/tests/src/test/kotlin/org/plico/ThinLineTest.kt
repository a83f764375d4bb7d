package org.plico

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import kotlin.io.path.exists
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes

/** The whole slice once, between two people of one ward. */
class ThinLineTest {
    private val data = "blood pressure 120/80".toByteArray()

    @Test
    fun `what one encrypts the other opens`() = test {
        val ward = Ward.open()
        val sealed = ward.session.encrypt(data, NOTE)
        val opened = ward.patient.account.decrypt(sealed, NOTE)
        assertArrayEquals(data, opened.data)
        assertEquals(ward.session.id, opened.sessionId)
        assertFalse(opened.writtenOffline)
        assertEquals(ward.directory.clock.instant(), opened.knownAt)

        val text = ward.session.encryptText("Grüße \u0000 🧬", NOTE)
        assertEquals("plc1.", text.take(5))
        assertEquals("Grüße \u0000 🧬", ward.patient.account.decryptText(text, NOTE))

        val same = ward.patient.account.sessionOf(sealed)
        assertEquals(ward.session.id, same.id)
        assertArrayEquals(data, same.decrypt(sealed, NOTE).data)
        assertEquals("Grüße \u0000 🧬", same.decryptText(text, NOTE))
        assertArrayEquals(ByteArray(0), same.decrypt(ward.session.encrypt(ByteArray(0))).data)
    }

    @Test
    fun `a file travels and tells how far it is`(@TempDir folder: Path) = test {
        val ward = Ward.open()
        val scan = ByteArray(300_000) { it.toByte() }
        folder.resolve("scan").writeBytes(scan)
        val told = mutableListOf<Pair<Long, Long>>()
        ward.session.encryptFile(folder.resolve("scan"), folder.resolve("sealed"), NOTE) { done, total ->
            told += done to total
        }
        assertEquals(300_000L to 300_000L, told.last())
        assertEquals(told.sortedBy { it.first }, told)
        ward.patient.account.decryptFile(folder.resolve("sealed"), folder.resolve("opened"), NOTE)
        assertArrayEquals(scan, folder.resolve("opened").readBytes())
        val session = ward.patient.account.session(ward.session.id)
        session.decryptFile(folder.resolve("sealed"), folder.resolve("again"), NOTE) { _, _ -> }
        assertArrayEquals(scan, folder.resolve("again").readBytes())
    }

    @Test
    fun `rights are given, listed and taken`() = test {
        val ward = Ward.open()
        val insurer = ward.directory.person("insurer.3")
        val end = Instant.ofEpochMilli(ward.directory.clock.millis()).plus(Duration.ofDays(30))
        ward.session.grant(Recipient.user("insurer.3"), Rights(forward = true), end)
        val listed = ward.session.recipients().associateBy { it.userId }
        assertEquals(setOf("dr.a", "patient.7", "insurer.3"), listed.keys)
        assertEquals(Rights.OWNER, listed.getValue("dr.a").rights)
        assertEquals(Rights.READ, listed.getValue("patient.7").rights)
        assertNull(listed.getValue("patient.7").expiresAt)
        val given = listed.getValue("insurer.3")
        assertEquals(Rights(forward = true), given.rights)
        assertEquals(end, given.expiresAt)
        assertEquals(insurer.account.identityId, given.identityId)
        assertEquals(ward.doctor.account.identityId, given.grantedBy)

        val before = ward.session.encrypt(data)
        assertArrayEquals(data, insurer.account.decrypt(before).data)
        ward.session.revoke(Recipient.user("insurer.3"), cascade = true)
        val after = ward.session.encrypt(data)
        fails(ErrorCode.ACCESS_REVOKED) { insurer.account.decrypt(after) }
        assertArrayEquals(data, ward.patient.account.decrypt(after).data)
    }

    @Test
    fun `a session is made as it was asked for`() = test {
        val ward = Ward.open()
        val doctor = ward.doctor.account
        val failure = fails(ErrorCode.RECIPIENTS_NOT_FOUND) {
            doctor.createSession(Recipient.user("nobody"), Recipient.user("patient.7"))
        }
        assertEquals(listOf("nobody"), failure.recipients)
        assertFalse("nobody" in failure.message.orEmpty())
        val skipped = doctor.createSession(Recipient.user("nobody"), onMissing = OnMissing.SKIP)
        assertEquals(listOf("nobody"), skipped.missingRecipients)
        assertEquals(listOf("dr.a"), skipped.recipients().map { it.userId })

        val end = Instant.ofEpochMilli(ward.directory.clock.millis()).plusSeconds(60)
        val id = Recipient.identity(ward.patient.account.identityId.orEmpty())
        val aes = doctor.createSession(mapOf(id to Grant(Rights(revoke = true), end)), suite = Suite.AES_256_GCM)
        val patient = aes.recipients().single { it.userId == "patient.7" }
        assertEquals(Rights(revoke = true) to end, patient.rights to patient.expiresAt)
        assertEquals(2, aes.encrypt(data)[4])
        assertEquals(1, skipped.encrypt(data)[4])
    }

    @Test
    fun `the session's other verbs`() = test {
        val ward = Ward.open()
        val (doctor, session) = ward.doctor.account to ward.session
        assertNull(session.metadata())
        session.setMetadata(data)
        assertArrayEquals(data, ward.patient.account.session(session.id).metadata())
        val before = session.encrypt(data)
        session.rotate()
        session.refresh()
        session.forget()
        assertArrayEquals(data, session.decrypt(before).data)
        assertEquals(listOf(Prefetched(session.id, null)), doctor.prefetch(listOf(session.id)))
        doctor.settle()

        session.transfer(Recipient.user("patient.7"), keep = Rights.READ)
        fails(ErrorCode.NOT_ALLOWED) { session.end() }
        session.leave()
        fails(ErrorCode.ACCESS_REVOKED) { session.encrypt(data) }
        ward.patient.account.session(session.id).end()
        fails(ErrorCode.SESSION_ENDED) { ward.patient.account.session(session.id).refresh() }
    }

    @Test
    fun `views of an account and of a session`() = test {
        val ward = Ward.open()
        val sealed = ward.session.encrypt(data)
        ward.patient.account.decrypt(sealed)
        ward.patient.connection.down(true)
        assertArrayEquals(data, ward.patient.account.offline().decrypt(sealed).data)
        // Opening goes on with what is known, and says how old that is.
        val known = ward.patient.account.maxStaleness(Duration.ZERO).decrypt(sealed).knownAt
        assertEquals(ward.directory.clock.instant(), known)

        ward.doctor.connection.down(true)
        val dark = ward.session.offline().encrypt(data)
        assertEquals(true, ward.patient.account.offline().decrypt(dark).writtenOffline)
        fails(ErrorCode.OFFLINE) { ward.session.offline().grant(Recipient.user("patient.7")) }
        fails(ErrorCode.NETWORK) { ward.session.maxStaleness(Duration.ZERO).encrypt(data) }
        ward.doctor.connection.down(false)
        ward.session.maxStaleness(Duration.ZERO).encrypt(data)
    }

    @Test
    fun `an account on the disk is there again`(@TempDir folder: Path) = test {
        val directory = TestDirectoryProgram.start(folder.resolve("a.plicostore"))
        val id = directory.account.register("dr.a", directory.directory.enrolment("dr.a"))
        directory.plico.close()
        assertEquals(true, folder.resolve("a.plicostore").exists())
        val again = directory.restart()
        assertEquals(id, again.account.identityId)
        assertEquals(id, again.account.register("dr.a") { error("nobody is asked") })
        fails(ErrorCode.STORE_WRONG_KEY) { again.plico.account(folder.resolve("a.plicostore"), ByteArray(32)) }
        fails(ErrorCode.ALREADY_REGISTERED) { again.account.register("dr.b") { error("nobody is asked") } }
    }
}

package org.plico

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.plico.testing.TestDirectory
import java.time.Duration
import java.time.Instant
import java.time.ZoneId

/** The testing kit, as an app's own tests use it. */
class KitTest {
    private val data = "x".toByteArray()

    @Test
    fun `31 days later the grant has expired`() = test {
        val ward = Ward.open()
        val insurer = ward.directory.person("insurer.3")
        val end = ward.directory.clock.instant().plus(Duration.ofDays(30))
        ward.session.grant(Recipient.user("insurer.3"), expiresAt = end)
        val sealed = ward.session.encrypt(data)
        assertArrayEquals(data, insurer.account.decrypt(sealed).data)
        ward.directory.clock.advance(Duration.ofDays(31))
        fails(ErrorCode.ACCESS_EXPIRED) { insurer.account.decrypt(sealed) }
        assertArrayEquals(data, ward.patient.account.decrypt(ward.session.encrypt(data)).data)
    }

    @Test
    fun `a lie is seen, and a true change is accepted`() = test {
        val ward = Ward.open()
        ward.directory.tell("UserIdMoved")
        val known = ward.doctor.account.maxStaleness(Duration.ZERO)
        fails(ErrorCode.IDENTITY_CHANGED) { known.createSession(Recipient.user("patient.7")) }
        assertTrue(ward.directory.told > 0)
        ward.directory.honest()
        known.createSession(Recipient.user("patient.7"))

        val anew = ward.directory.visitor("patient.7")
        val id = anew.register(number = 2)
        assertNotEquals(ward.patient.account.identityId, id)
        fails(ErrorCode.IDENTITY_CHANGED) { known.createSession(Recipient.user("patient.7")) }
        assertEquals(id, known.acceptIdentityChange("patient.7"))
        val sealed = known.createSession(Recipient.user("patient.7")).encrypt(data)
        assertArrayEquals(data, anew.account.decrypt(sealed).data)
    }

    @Test
    fun `one program is lied to`() = test {
        val ward = Ward.open()
        ward.doctor.connection.tell("HeadMissing")
        fails(ErrorCode.HEAD_INVALID) { ward.session.refresh() }
        assertTrue(ward.doctor.connection.told > 0)
        ward.patient.account.session(ward.session.id).refresh()
        ward.doctor.connection.honest()
        ward.session.refresh()
        assertTrue("UserIdMoved" in TestDirectory.lies)
        fails(ErrorCode.INVALID_ARGUMENT) { ward.directory.tell("no such lie") }
        fails(ErrorCode.INVALID_ARGUMENT) { ward.doctor.connection.tell("") }
    }

    @Test
    fun `lost requests and replies are made good`() = test {
        val ward = Ward.open()
        val connection = ward.doctor.connection
        connection.loseReplies(1)
        ward.session.rotate()
        connection.loseRequests(1)
        ward.session.rotate()
        connection.unavailable(1)
        ward.session.grant(Recipient.user("patient.7"), Rights(forward = true))
        connection.loseReplies(10)
        fails(ErrorCode.NETWORK) { ward.session.revoke(Recipient.user("patient.7")) }
        connection.loseReplies(0)
        ward.doctor.account.settle()
        ward.session.revoke(Recipient.user("patient.7"))
        assertEquals(listOf("dr.a"), ward.session.recipients().map { it.userId })
        assertTrue(connection.urls.size.toLong() == connection.requests && connection.urls.first().contains("http"))
    }

    @Test
    fun `restarts, backups and a directory that is down`() = test {
        val ward = Ward.open()
        val backup = ward.directory.backup()
        ward.session.rotate()
        val sealed = ward.session.encrypt(data)
        ward.directory.restart()
        assertArrayEquals(data, ward.patient.account.decrypt(sealed).data)
        ward.directory.restore(backup)
        // Whoever has the newer history hands it back.
        ward.session.refresh()
        assertArrayEquals(data, ward.patient.account.maxStaleness(Duration.ZERO).decrypt(sealed).data)

        ward.directory.down(true)
        fails(ErrorCode.NETWORK) { ward.session.rotate() }
        ward.directory.down(false)
        val again = ward.doctor.restart()
        assertEquals(ward.doctor.account.identityId, again.account.identityId)
        assertArrayEquals(data, again.account.decrypt(sealed).data)
    }

    @Test
    fun `clocks follow each other`() = test {
        val clock = TestDirectory.start().clock
        val (ahead, behind) = clock.ahead(Duration.ofMinutes(1)) to clock.behind(Duration.ofMinutes(1))
        val start = clock.millis()
        clock.advance(Duration.ofSeconds(10))
        clock.back(Duration.ofSeconds(4))
        assertEquals(start + 6_000, clock.millis())
        assertEquals(start + 66_000, ahead.millis())
        assertEquals(Instant.ofEpochMilli(start - 54_000), behind.instant())
        assertEquals(ZoneId.of("Europe/Rome"), clock.withZone(ZoneId.of("Europe/Rome")).zone)
        assertThrows<IllegalArgumentException> { clock.advance(Duration.ofSeconds(-1)) }
    }
}

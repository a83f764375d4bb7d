package org.plico

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.plico.testing.TestPerson
import java.time.Duration

private val PATIENT = Recipient.user("patient.7")

private fun TestPerson.member() = MemberId.Identity(account.identityId!!)

/** Ends, tags and withdrawals. */
class TermsTest {
    @Test
    fun `a session ends at its time, and an end can be moved`() = test {
        val ward = Ward.open()
        val sealed = ward.session.encrypt("x".toByteArray())
        assertEquals(Expiry.NEVER, ward.session.expiry())
        assertNull(ward.session.endsAt())

        val end = ward.directory.clock.instant().plus(Duration.ofHours(1))
        ward.session.setExpiry(Expiry(at = end))
        assertEquals(Expiry(at = end), ward.session.expiry())
        assertEquals(end, ward.session.endsAt())
        ward.session.setExpiry(Expiry.NEVER)
        assertNull(ward.session.endsAt())
        ward.session.setExpiry(Expiry(end, Duration.ofMinutes(10)))
        assertEquals(Duration.ofMinutes(10), ward.session.expiry().afterIdle)

        ward.directory.clock.advance(Duration.ofMinutes(61))
        for (account in listOf(ward.doctor.account, ward.patient.account)) {
            fails(ErrorCode.SESSION_ENDED) { account.maxStaleness(Duration.ZERO).decrypt(sealed) }
        }
    }

    @Test
    fun `ends that are none`() = test {
        val session = Ward.open().session
        fails(ErrorCode.INVALID_ARGUMENT) { session.setExpiry(Expiry(afterIdle = Duration.ofSeconds(59))) }
        fails(ErrorCode.INVALID_ARGUMENT) { session.setExpiry(Expiry(afterIdle = Duration.ofSeconds(-1))) }
        fails(ErrorCode.ENTRY_INVALID) { session.setExpiry(Expiry(at = java.time.Instant.EPOCH)) }
        assertEquals(Expiry.NEVER, session.expiry())
    }

    @Test
    fun `tags are found by recipients and by the backend`() = test {
        val ward = Ward.open()
        val end = ward.directory.clock.instant().plus(Duration.ofDays(1))
        val options = SessionOptions(
            mapOf(PATIENT to Grant()),
            expiry = Expiry(at = end),
            tag = "case 12",
            metadata = "title".toByteArray(),
        )
        assertFalse("case" in options.toString())
        val session = ward.doctor.account.createSession(options)
        assertEquals("case 12", session.tag())
        assertEquals(end, session.endsAt())
        val there = ward.patient.account.session(session.id)
        assertEquals("title", String(there.metadata()!!))
        assertEquals("case 12", there.tag())
        assertEquals(Page(listOf(session.id), false), ward.patient.account.sessionsTagged("case 12"))
        assertEquals(emptyList<String>(), ward.patient.account.sessionsTagged("case 12", session.id).items)
        assertEquals(listOf(session.id), ward.directory.findSessions("case 12"))

        assertNull(ward.session.tag())
        fails(ErrorCode.NOT_ALLOWED) { there.setTag("mine") }
        fails(ErrorCode.INVALID_ARGUMENT) { session.setTag("") }
        fails(ErrorCode.TOO_LARGE) { session.setTag("x".repeat(129)) }
        session.setTag(null)
        assertNull(session.tag())
        assertEquals(emptyList<String>(), ward.directory.findSessions("case 12"))
    }

    @Test
    fun `the operator withdraws somebody and lifts it again`() = test {
        val ward = Ward.open()
        val (watching, told) = ward.listener(ward.doctor.account)
        val there = watching.session(ward.session.id)
        val sealed = ward.session.encrypt("x".toByteArray())
        there.refresh()
        ward.directory.withdraw(ward.session, ward.patient.member())
        fails(ErrorCode.ACCESS_WITHDRAWN) { ward.patient.account.maxStaleness(Duration.ZERO).decrypt(sealed) }
        there.refresh()
        assertTrue(Event.RecipientWithdrawn(ward.session.id) in told())
        val access = ward.session.whoMayRead()
        assertEquals(mapOf("dr.a" to false, "patient.7" to true), access.mayRead.associate { it.userId to it.withdrawn })
        assertTrue("withdrawn" in access.toTree())

        ward.directory.clock.advance(Duration.ofSeconds(2))
        ward.directory.lift(ward.session, ward.patient.member())
        there.refresh()
        assertTrue(Event.WithdrawalLifted(ward.session.id) in told())
        assertEquals("x", String(ward.patient.account.maxStaleness(Duration.ZERO).decrypt(sealed).data))
        assertFalse(ward.session.whoMayRead().mayRead.any { it.withdrawn })
    }

    @Test
    fun `the operator acts on groups, and destroys`() = test {
        val ward = Ward.open()
        val group = ward.doctor.account.createGroup("the ward", mapOf(PATIENT to GroupRole.MEMBER))
        ward.directory.withdraw(group, ward.patient.member())
        ward.directory.clock.advance(Duration.ofSeconds(2))
        ward.directory.lift(group, ward.patient.member())
        ward.directory.destroy(group)
        ward.directory.destroy(ward.session)
        fails(ErrorCode.SESSION_ENDED) { ward.session.refresh() }
        assertNotNull(fails(ErrorCode.SESSION_NOT_FOUND) { ward.directory.destroy(unknown(ward)) })
    }

    private fun unknown(ward: Ward) = ward.doctor.account.session(ward.doctor.account.identityId!!)
}

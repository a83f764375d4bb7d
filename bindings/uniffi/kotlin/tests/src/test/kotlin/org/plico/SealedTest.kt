package org.plico

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.util.concurrent.atomic.AtomicInteger

private val PATIENT = Recipient.user("patient.7")
private val DATA = "result".toByteArray()

/** Sealing by a program without an identity. */
class SealedTest {
    @Test
    fun `sealed for a person and a group, opened by each`() = test {
        val ward = Ward.open()
        val group = ward.doctor.account.createGroup("the ward")
        val service = ward.directory.service().service
        val item = service.sealFor(listOf(PATIENT, Recipient.group(group.id)), DATA, NOTE)
        assertEquals(emptyList<String>(), item.missing)

        val opened = ward.patient.account.openSealed(item.bytes, NOTE)
        assertEquals("result", String(opened.data))
        assertEquals(MemberId.Identity(ward.patient.account.identityId!!), opened.openedAs)
        val all = setOf(opened.openedAs, MemberId.Group(group.id))
        assertEquals(all, opened.recipients.toSet())
        assertSame(WrittenBy.Unsigned, opened.writtenBy)
        assertFalse("result" in opened.toString())
        assertEquals(MemberId.Group(group.id), ward.doctor.account.openSealed(item.bytes, NOTE).openedAs)

        val other = ward.directory.person("nurse.b")
        fails(ErrorCode.NOT_ALLOWED) { other.account.openSealed(item.bytes, NOTE) }
        fails(ErrorCode.CONTEXT_REQUIRED) { ward.patient.account.openSealed(item.bytes) }
        fails(ErrorCode.NOT_AN_ENVELOPE) { ward.patient.account.openSealed(DATA) }
        val damaged = item.bytes.copyOf().also { it[it.size - 1] = (it[it.size - 1] + 1).toByte() }
        fails(ErrorCode.ENVELOPE_DAMAGED) { ward.patient.account.openSealed(damaged, NOTE) }
    }

    @Test
    fun `recipients without an account`() = test {
        val service = Ward.open().directory.service().service
        val to = listOf(PATIENT, Recipient.user("nobody"))
        assertEquals(listOf("nobody"), fails(ErrorCode.RECIPIENTS_NOT_FOUND) { service.sealFor(to, DATA) }.recipients)
        val item = service.sealFor(to, DATA, onMissing = OnMissing.SKIP, suite = Suite.AES_256_GCM)
        assertEquals(listOf("nobody"), item.missing)
        assertFalse("nobody" in item.toString())
        fails(ErrorCode.INVALID_ARGUMENT) { service.sealFor(emptyList(), DATA) }
        fails(ErrorCode.INVALID_ARGUMENT) { service.sealFor(listOf(PATIENT, PATIENT), DATA) }
    }

    @Test
    fun `the token is the app's`() = test {
        val ward = Ward.open()
        val plico = Plico.open(ward.directory.url, ward.directory.tenant, ward.directory.connection(), ward.directory.clock)
        val asked = AtomicInteger()
        val service = plico.service { request ->
            assertEquals(ward.directory.tenant, request.tenantId)
            asked.incrementAndGet()
            ward.directory.serviceToken()
        }
        assertEquals(0, asked.get())
        repeat(3) { service.sealFor(listOf(PATIENT), DATA) }
        assertEquals(1, asked.get())
        ward.directory.clock.advance(java.time.Duration.ofMinutes(6))
        service.sealFor(listOf(PATIENT), DATA)
        assertEquals(2, asked.get())

        val reason = IllegalStateException("no key at hand")
        val failing = plico.service { throw reason }
        val cause = fails(ErrorCode.ENROLMENT_FAILED) { failing.sealFor(listOf(PATIENT), DATA) }.cause
        // Coroutines may copy it, for the stack trace.
        assertEquals(reason.message, (cause as IllegalStateException).message)
        fails(ErrorCode.ENROLMENT_INVALID) { plico.service { "no token" }.sealFor(listOf(PATIENT), DATA) }
        service.close()
        service.close()
        fails(ErrorCode.CLOSED) { service.sealFor(listOf(PATIENT), DATA) }
    }

    @Test
    fun `a changed identity is refused until it is accepted`() = test {
        val ward = Ward.open()
        val program = ward.directory.service()
        program.service.sealFor(listOf(PATIENT), DATA)
        assertTrue(program.connection.requests > 0)
        val anew = ward.directory.visitor("patient.7")
        val id = anew.register(number = 2)
        fails(ErrorCode.IDENTITY_CHANGED) { program.service.sealFor(listOf(PATIENT), DATA) }
        assertEquals(id, program.service.acceptIdentityChange("patient.7"))
        val item = program.service.sealFor(listOf(PATIENT), DATA)
        assertEquals("result", String(anew.account.openSealed(item.bytes).data))
    }
}

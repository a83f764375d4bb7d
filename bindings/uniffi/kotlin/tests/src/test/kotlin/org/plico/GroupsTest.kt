package org.plico

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.plico.ErrorCode.ACCESS_EXPIRED
import org.plico.ErrorCode.ENTRY_INVALID
import org.plico.ErrorCode.ENVELOPE_SIGNATURE_INVALID
import org.plico.ErrorCode.EPOCH_UNAVAILABLE
import org.plico.ErrorCode.GROUP_NOT_FOUND
import org.plico.ErrorCode.NOT_ALLOWED
import org.plico.ErrorCode.SESSION_NOT_FOUND
import org.plico.testing.TestDirectory
import org.plico.testing.TestPerson
import java.nio.ByteBuffer
import java.time.Duration
import java.time.Instant

private val LOCUM = Recipient.user("locum.c")
private val NURSE = Recipient.user("nurse.b")
private val MONTH = Duration.ofDays(30)

/** A practice: its owner, a nurse who is in it, a locum who is not yet; and a patient. */
private class Practice(
    val directory: TestDirectory,
    val doctor: TestPerson,
    val nurse: TestPerson,
    val locum: TestPerson,
    val patient: TestPerson,
    val group: Group,
) {
    val recipient = Recipient.group(group.id)

    /** The patient's record, which the practice has rights in. */
    suspend fun record(rights: Rights = Rights.READ): EncryptionSession =
        patient.account.createSession(mapOf(recipient to Grant(rights)))

    companion object {
        suspend fun open(fromNowOn: Boolean = false): Practice {
            val directory = TestDirectory.start()
            val doctor = directory.person("dr.a")
            val nurse = directory.person("nurse.b")
            val members = mapOf(NURSE to GroupRole.MEMBER)
            val group = doctor.account.createGroup("the practice", members, fromNowOn)
            return Practice(directory, doctor, nurse, directory.person("locum.c"), directory.person("patient.7"), group)
        }
    }
}

private suspend fun EncryptionSession.seal(text: String) = encrypt(text.toByteArray())

private suspend fun TestPerson.opens(sealed: ByteArray, text: String) =
    assertEquals(text, String(account.decrypt(sealed).data))

/** What it knew may be older than the freshness bound. */
private suspend fun TestPerson.refused(sealed: ByteArray, vararg codes: String = arrayOf(SESSION_NOT_FOUND)) {
    val failure = runCatching { account.maxStaleness(Duration.ZERO).decrypt(sealed) }.exceptionOrNull()
    assertTrue((failure as PlicoException).code in codes, failure.message)
}

private fun epoch(sealed: ByteArray) = ByteBuffer.wrap(sealed).getInt(22)

/** Groups: the practice, the ward, and who comes and goes. */
class GroupsTest {
    @Test
    fun `a locum joins and leaves, and no session is touched`() = test {
        val practice = Practice.open()
        val group = practice.group
        assertTrue(Regex("[\\w-]{43}").matches(group.id))
        val record = practice.record()
        val sealed = record.seal("finding")
        practice.doctor.opens(sealed, "finding")
        practice.nurse.opens(sealed, "finding")
        practice.locum.refused(sealed)
        assertEquals("the practice", practice.nurse.account.group(group.id).name())
        assertTrue(runCatching { practice.locum.account.group(group.id).name() }.exceptionOrNull() is PlicoException)
        assertNull(practice.doctor.account.createGroup().name())

        // The locum opens what was there before, and the patient's program does nothing for it.
        val before = practice.patient.connection.requests
        group.add(LOCUM)
        practice.locum.opens(sealed, "finding")
        assertEquals(before, practice.patient.connection.requests)
        val members = group.members()
        assertEquals(setOf("dr.a", "nurse.b", "locum.c"), members.map { it.userId }.toSet())
        val added = members.single { it.userId == "locum.c" }
        assertEquals(GroupRole.MEMBER, added.role)
        assertEquals(MemberId.Identity(practice.locum.account.identityId.orEmpty()), added.who)
        assertEquals(practice.doctor.account.identityId, added.addedBy)
        assertNull(added.expiresAt)

        // Gone: what is written afterwards, by whoever has seen it, is closed.
        group.remove(added.who.toRecipient())
        record.refresh()
        val after = record.seal("later")
        assertNotEquals(epoch(sealed), epoch(after))
        practice.nurse.opens(after, "later")
        practice.doctor.opens(sealed, "finding")
        practice.locum.refused(after)
    }

    @Test
    fun `members act for their group`() = test {
        val practice = Practice.open()
        val group = practice.group
        val record = practice.record(Rights(forward = true))
        val sealed = record.seal("finding")
        // A plain member grants what the practice may, and no more than it may.
        val nurses = practice.nurse.account.session(record.id)
        nurses.grant(LOCUM)
        practice.locum.opens(sealed, "finding")
        fails(NOT_ALLOWED) { nurses.revoke(LOCUM) }
        fails(NOT_ALLOWED) { nurses.grant(LOCUM, Rights.OWNER) }
        group.rotate()
        val written = nurses.maxStaleness(Duration.ZERO).seal("by the nurse")
        practice.patient.opens(written, "by the nurse")
        practice.doctor.opens(written, "by the nurse")

        // Only managers change the group; owners alone act on owners, and the last one stays.
        val members = practice.nurse.account.group(group.id)
        val patient = Recipient.user("patient.7")
        fails(NOT_ALLOWED) { members.add(patient) }
        fails(NOT_ALLOWED) { members.rename("x") }
        group.add(NURSE, GroupRole.MANAGER)
        members.add(patient)
        members.rename("the wards")
        group.refresh()
        assertEquals("the wards", group.name())
        fails(NOT_ALLOWED) { members.remove(Recipient.user("dr.a")) }
        fails(NOT_ALLOWED) { group.leave() }
        fails(ErrorCode.TOO_LARGE) { group.rename("x".repeat(4_097)) }
        group.transfer(NURSE)
        members.refresh()
        assertEquals(setOf(GroupRole.MEMBER, GroupRole.OWNER), members.members().map { it.role }.toSet())
        practice.nurse.opens(written, "by the nurse")

        // Whoever leaves needs no right; whoever hands over may stay something.
        practice.patient.account.group(group.id).leave()
        members.add(Recipient.user("dr.a"))
        members.transfer(Recipient.user("dr.a"), keep = GroupRole.MANAGER)
        val roles = members.members().associate { it.userId to it.role }
        assertEquals(mapOf("dr.a" to GroupRole.OWNER, "nurse.b" to GroupRole.MANAGER), roles)
    }

    @Test
    fun `groups in groups`() = test {
        val practice = Practice.open()
        suspend fun around(inner: Group) =
            practice.doctor.account.createGroup(members = mapOf(Recipient.group(inner.id) to GroupRole.MEMBER))
        val clinic = around(practice.group)
        val network = around(clinic)
        val session = practice.patient.account.createSession(Recipient.group(network.id))
        val sealed = session.seal("finding")
        practice.nurse.opens(sealed, "finding")
        practice.locum.refused(sealed)
        assertTrue(MemberId.Group(practice.group.id) in clinic.members().map { it.who })
        practice.group.add(LOCUM)
        practice.locum.opens(sealed, "finding")
        practice.group.remove(LOCUM)
        clinic.refresh()
        network.refresh()
        session.refresh()
        val after = session.seal("later")
        practice.nurse.opens(after, "later")
        practice.locum.refused(after)

        // No circle, and no fifth level.
        fails(ENTRY_INVALID) { practice.group.add(Recipient.group(network.id)) }
        val fourth = around(network)
        fails(ENTRY_INVALID) { around(fourth) }
    }

    @Test
    fun `from now on means so`() = test {
        val practice = Practice.open(fromNowOn = true)
        val record = practice.record()
        val sealed = record.seal("before")
        practice.nurse.opens(sealed, "before")
        practice.group.add(LOCUM)
        record.refresh()
        val after = record.seal("after")
        practice.locum.opens(after, "after")
        practice.nurse.opens(sealed, "before")
        fails(EPOCH_UNAVAILABLE) { practice.locum.account.decrypt(sealed) }
    }

    @Test
    fun `a deleted group opens nothing more`() = test {
        val practice = Practice.open()
        val record = practice.record()
        val sealed = record.seal("finding")
        practice.nurse.opens(sealed, "finding")
        fails(NOT_ALLOWED) { practice.nurse.account.group(practice.group.id).delete() }
        practice.group.delete()
        practice.nurse.refused(sealed)
        record.refresh()
        val after = record.seal("later")
        assertNotEquals(epoch(sealed), epoch(after))
        practice.patient.opens(after, "later")
        val doctor = practice.doctor.account
        fails(GROUP_NOT_FOUND) { doctor.createSession().grant(practice.recipient) }
        fails(GROUP_NOT_FOUND) { doctor.createGroup(members = mapOf(practice.recipient to GroupRole.MEMBER)) }
    }

    @Test
    fun `membership for a time`() = test {
        val practice = Practice.open()
        val group = practice.group
        val record = practice.record()
        val sealed = record.seal("finding")
        val end = practice.directory.clock.instant() + MONTH
        fails(NOT_ALLOWED) { group.add(LOCUM, GroupRole.OWNER, end) }
        fails(ENTRY_INVALID) { group.add(LOCUM, expiresAt = Instant.EPOCH) }
        group.add(LOCUM, expiresAt = end)
        assertEquals(end, group.members().single { it.userId == "locum.c" }.expiresAt)
        practice.locum.opens(sealed, "finding")
        practice.directory.clock.advance(MONTH.plusDays(1))
        practice.locum.refused(sealed, SESSION_NOT_FOUND, ACCESS_EXPIRED)
        group.refresh()
        assertEquals(2, group.members().size)
        record.refresh()
        val after = record.seal("later")
        practice.nurse.opens(after, "later")
        practice.locum.refused(after)
    }

    @Test
    fun `what one is in is listed`() = test {
        val practice = Practice.open()
        val record = practice.record()
        val nurse = practice.nurse.account
        val own = setOf(nurse.createSession().id, nurse.createSession().id)
        val sessions = nurse.sessions()
        assertEquals(own, sessions.items.toSet())
        assertFalse(sessions.more)
        assertEquals(sessions.items.drop(1), nurse.sessions(after = sessions.items[0]).items)
        assertEquals(Page(listOf(practice.group.id), false), nurse.groups())
        assertEquals(Page(emptyList(), false), nurse.groups(after = practice.group.id))
        assertEquals(Page(listOf(record.id), false), nurse.sessionsOfGroup(practice.group.id))
        assertEquals(Page(emptyList(), false), nurse.sessionsOfGroup(practice.group.id, after = record.id))
        fails(GROUP_NOT_FOUND) { practice.locum.account.sessionsOfGroup(practice.group.id) }
    }

    @Test
    fun `after a restart and without the network, what was opened through a group opens`() = test {
        val practice = Practice.open()
        val sealed = practice.record().seal("finding")
        practice.nurse.opens(sealed, "finding")
        val again = practice.nurse.restart()
        practice.directory.down(true)
        assertEquals("finding", String(again.account.offline().decrypt(sealed).data))
        fails(ErrorCode.OFFLINE) { again.account.offline().createGroup() }
    }

    @Test
    fun `who may read, through which path, and no name gets into a log`() = test {
        val practice = Practice.open()
        val doctor = practice.doctor.account
        val clinic = doctor.createGroup(members = mapOf(practice.recipient to GroupRole.MEMBER))
        val end = practice.directory.clock.instant() + MONTH
        val to = mapOf(Recipient.group(clinic.id) to Grant(expiresAt = end), LOCUM to Grant())
        val session = practice.patient.account.createSession(to)
        session.revoke(LOCUM)
        practice.directory.clock.advance(Duration.ofDays(3))
        val list = session.whoMayRead()
        assertEquals(practice.directory.clock.instant(), list.asOf)
        val nurse = list.mayRead.single { it.userId == "nurse.b" }
        assertEquals(listOf(clinic.id, practice.group.id), nurse.path)
        assertEquals(Rights.READ, nurse.rights)
        assertEquals(doctor.identityId, nurse.grantedBy)
        assertEquals("dr.a", nurse.grantedByUserId)
        assertEquals(end, nurse.expiresAt)
        val former = list.former.single()
        assertEquals("locum.c", former.userId)
        assertEquals(MemberId.Identity(practice.locum.account.identityId.orEmpty()), former.who)
        assertEquals(AccessEnd.REVOKED, former.cause)
        assertEquals(practice.patient.account.identityId, former.by)

        val lines = list.toTree().lines()
        assertTrue("patient.7: owns, by patient.7, 3 days ago" in lines, list.toTree())
        assertTrue("    nurse.b: reads, by dr.a, 3 days ago, for 27 more days" in lines, list.toTree())
        assertTrue("no more: locum.c, revoked, 3 days ago" in lines, list.toTree())
        val logged = "$list ${list.mayRead} ${list.former} ${practice.group.members()} $LOCUM ${practice.recipient}"
        for (name in listOf("nurse.b", "dr.a", "locum.c", "patient.7")) assertFalse(name in logged, logged)
        assertTrue(practice.group.id in logged)
    }

    @Test
    fun `a signed envelope says who wrote it`() = test {
        val practice = Practice.open()
        val record = practice.record()
        val nurse = practice.nurse.account
        val written = nurse.session(record.id).encryptSigned("by the nurse".toByteArray(), NOTE)
        assertEquals(183, written.signature.size)
        for (open in readers(practice.patient.account, record)) {
            val opened = open(written.envelope, written.signature, NOTE)
            assertEquals("by the nurse", String(opened.content.data))
            val by = opened.writtenBy as WrittenBy.Signed
            assertEquals("nurse.b", by.userId)
            assertEquals(nurse.identityId to nurse.deviceId, by.identityId to by.deviceId)
            assertEquals(practice.directory.clock.instant().epochSecond, by.at.epochSecond)
            assertFalse("nurse" in "$opened $by $written", "$opened")
            // Without one, it says so; and it is an envelope as any other.
            val unsigned = open(written.envelope, null, NOTE)
            assertArrayEquals(opened.content.data, unsigned.content.data)
            assertEquals(WrittenBy.Unsigned, unsigned.writtenBy)
        }
        assertEquals("by the nurse", String(record.decrypt(written.envelope, NOTE).data))
        // Another person may sign what they have not written.
        val witnessed = record.decryptSigned(written.envelope, record.sign(written.envelope, NOTE), NOTE)
        assertEquals("patient.7", (witnessed.writtenBy as WrittenBy.Signed).userId)
    }

    @Test
    fun `what is not its signature is refused`() = test {
        val practice = Practice.open()
        val record = practice.record()
        val session = practice.nurse.account.session(record.id)
        val written = session.encryptSigned("x".toByteArray(), NOTE)
        val (envelope, signature) = written.envelope to written.signature
        val altered = signature.copyOf().also { it[it.size - 1] = (it[it.size - 1].toInt() xor 1).toByte() }
        val another = session.encryptSigned("y".toByteArray(), NOTE).signature
        val elsewhere = session.sign(envelope, Context.fields("row" to 43))
        // Somebody who never could read can't have written it.
        val stranger = practice.locum.account
        val forged = stranger.session(record.id).sign(envelope, NOTE)
        for (wrong in listOf(altered, another, elsewhere, forged, signature.copyOf(100), ByteArray(0))) {
            for (open in readers(practice.patient.account, record)) {
                fails(ENVELOPE_SIGNATURE_INVALID) { open(envelope, wrong, NOTE) }
            }
        }
        fails(ErrorCode.CONTEXT_REQUIRED) { record.decryptSigned(envelope, signature) }
        fails(ErrorCode.WRONG_SESSION) { stranger.createSession().sign(envelope, NOTE) }
        fails(ErrorCode.NOT_AN_ENVELOPE) { record.sign("no envelope".toByteArray()) }
    }

    private fun readers(account: Account, session: EncryptionSession) =
        listOf<suspend (ByteArray, ByteArray?, Context) -> DecryptedSigned>(
            { envelope, signature, context -> account.decryptSigned(envelope, signature, context) },
            { envelope, signature, context -> session.decryptSigned(envelope, signature, context) },
        )
}

package org.plico

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.plico.testing.TestPerson
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import java.time.Duration
import java.util.concurrent.CopyOnWriteArrayList

private val PATIENT = Recipient.user("patient.7")
private val NURSE = Recipient.user("nurse.b")
private val NOBODY = Recipient.user("nobody")

private fun codes(of: List<Result<*>>) = of.map { (it.exceptionOrNull() as PlicoException?)?.code }

private suspend fun EncryptionSession.names() = recipients().map { it.userId }.toSet()

/** Many at once. */
class BulkTest {
    private suspend fun Ward.nurse(): TestPerson = directory.person("nurse.b")

    @Test
    fun `many sessions, each with its own result`() = test {
        val ward = Ward.open()
        val before = ward.doctor.connection.requests
        val options = List(20) { SessionOptions(mapOf(PATIENT to Grant()), tag = "case $it") }
        val made = ward.doctor.account.createSessions(options + SessionOptions(NOBODY))
        assertEquals(List(20) { null } + ErrorCode.RECIPIENTS_NOT_FOUND, codes(made))
        assertEquals(listOf("nobody"), (made.last().exceptionOrNull() as PlicoException).recipients)
        assertTrue(ward.doctor.connection.requests - before < 15)
        val sessions = made.dropLast(1).map { it.getOrThrow() }
        assertEquals(20, sessions.map { it.id }.toSet().size)
        assertEquals("case 19", ward.patient.account.session(sessions.last().id).tag())
        assertEquals(emptyList<Any>(), ward.doctor.account.createSessions(emptyList()))
    }

    @Test
    fun `rights for many in one session`() = test {
        val ward = Ward.open()
        ward.nurse()
        val forward = Grant(Rights(forward = true))
        val granted = ward.session.grantAll(linkedMapOf(NURSE to forward, NOBODY to Grant(), PATIENT to forward))
        assertEquals(listOf(null, ErrorCode.RECIPIENTS_NOT_FOUND, null), codes(granted))
        assertTrue(ward.session.recipients().all { it.rights.forward || it.userId == "dr.a" })
        val revoked = ward.session.revokeAll(listOf(PATIENT, NURSE))
        assertEquals(listOf(null, null), codes(revoked))
        assertEquals(setOf("dr.a"), ward.session.names())
        fails(ErrorCode.OFFLINE) { ward.session.offline().grantAll(mapOf(NURSE to Grant())) }
    }

    @Test
    fun `rights in many sessions`() = test {
        val ward = Ward.open()
        ward.nurse()
        val other = ward.doctor.account.createSession()
        // A session of the patient's, where the doctor has no say.
        val foreign = ward.patient.account.createSession(Recipient.user("dr.a"))
        val ids = listOf(ward.session.id, other.id, foreign.id)
        val granted = ward.doctor.account.grantMany(ids, linkedMapOf(NURSE to Grant(), NOBODY to Grant()))
        assertEquals(
            listOf(
                listOf(null, ErrorCode.RECIPIENTS_NOT_FOUND),
                listOf(null, ErrorCode.RECIPIENTS_NOT_FOUND),
                listOf(ErrorCode.NOT_ALLOWED, ErrorCode.RECIPIENTS_NOT_FOUND),
            ),
            granted.map(::codes),
        )
        assertTrue("nurse.b" in other.names())
        val revoked = ward.doctor.account.revokeMany(ids.take(2), listOf(NURSE), cascade = true)
        assertEquals(listOf(listOf(null), listOf(null)), revoked.map(::codes))
        assertTrue("nurse.b" !in other.names())
        fails(ErrorCode.INVALID_ARGUMENT) { ward.doctor.account.grantMany(listOf("no id"), emptyMap()) }
    }

    @Test
    fun `many members of a group`() = test {
        val ward = Ward.open()
        ward.nurse()
        val group = ward.doctor.account.createGroup("the ward")
        val added = group.addMembers(linkedMapOf(NURSE to GroupRole.MANAGER, PATIENT to GroupRole.MEMBER, NOBODY to GroupRole.MEMBER))
        assertEquals(listOf(null, null, ErrorCode.RECIPIENTS_NOT_FOUND), codes(added))
        assertEquals(GroupRole.MANAGER, group.members().single { it.userId == "nurse.b" }.role)
        assertEquals(listOf(null, null), codes(group.removeMembers(listOf(PATIENT, NURSE))))
        assertEquals(listOf("dr.a"), group.members().map { it.userId })
    }

    @Test
    fun `somebody leaves, and somebody takes over`() = test {
        val ward = Ward.open()
        ward.nurse()
        val account = ward.doctor.account
        val group = account.createGroup("the ward", mapOf(PATIENT to GroupRole.MEMBER))
        val foreign = ward.patient.account.createSession(Recipient.user("dr.a"))

        val given = account.giveAllOf(PATIENT, NURSE)
        assertEquals(listOf(3L, 2L, 1L), listOf(given.done, given.changed, given.failed))
        assertNull(given.cursor)
        assertNull(given.interrupted)
        val issue = given.issues.single()
        assertEquals(foreign.id to null, issue.sessionId to issue.groupId)
        assertEquals(ErrorCode.NOT_ALLOWED, (issue.problem as EverywhereProblem.Failed).error.code)
        assertTrue("nurse.b" in ward.session.names())
        assertTrue(group.members().any { it.userId == "nurse.b" })

        val seen = CopyOnWriteArrayList<EverywhereProgress>()
        val gone = account.revokeEverywhere(PATIENT, sessionsOnly = true, onProgress = { seen += it })
        assertEquals(listOf(2L, 1L, 1L), listOf(gone.done, gone.changed, gone.failed))
        assertEquals(gone.done, seen.last().done)
        assertEquals(0L, account.revokeEverywhere(PATIENT, sessionsOnly = true, after = seen.last().cursor).changed)
        assertTrue("patient.7" !in ward.session.names())
        fails(ErrorCode.INVALID_ARGUMENT) { account.revokeEverywhere(PATIENT, after = "no cursor") }
        fails(ErrorCode.INVALID_ARGUMENT) { account.revokeEverywhere(Recipient.user("dr.a")) }
        fails(ErrorCode.RECIPIENTS_NOT_FOUND) { account.revokeEverywhere(NOBODY) }
    }

    @Test
    fun `who still reads through a group is told`() = test {
        val ward = Ward.open()
        val group = ward.doctor.account.createGroup("the ward", mapOf(PATIENT to GroupRole.MEMBER))
        ward.session.grant(Recipient.group(group.id))
        val gone = ward.doctor.account.revokeEverywhere(PATIENT, sessionsOnly = true)
        assertEquals(1L, gone.stillThrough)
        assertEquals(EverywhereProblem.StillThrough(group.id), gone.issues.single { it.sessionId == ward.session.id }.problem)
    }

    @Test
    fun `a walk that is cancelled goes on where it was`() = test {
        val ward = Ward.open()
        ward.doctor.account.createSessions(List(70) { SessionOptions(mapOf(PATIENT to Grant()), tag = "$it") })
        ward.doctor.connection.slow(Duration.ofMillis(100))
        val cursor = CompletableDeferred<String>()
        val walk = launch {
            ward.doctor.account.revokeEverywhere(PATIENT, onProgress = { cursor.complete(it.cursor) })
        }
        val place = cursor.await()
        walk.cancelAndJoin()
        ward.doctor.connection.slow(Duration.ZERO)
        val rest = ward.doctor.account.revokeEverywhere(PATIENT, after = place)
        assertNull(rest.cursor)
        val again = ward.doctor.account.revokeEverywhere(PATIENT)
        assertEquals(listOf(71L, 0L, 0L), listOf(again.done, again.changed, again.failed))
        assertNotNull(again.issues)
    }
}

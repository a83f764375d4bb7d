package org.plico.testing

import org.plico.EncryptionSession
import org.plico.EnrolmentRequest
import org.plico.Group
import org.plico.MemberId
import org.plico.testing.ffi.KitBackup
import org.plico.testing.ffi.KitDirectory
import org.plico.testing.ffi.KitOperated
import org.plico.testing.ffi.KitWho
import org.plico.testing.ffi.startDirectory

/**
 * A real key directory in the test's own process, with one tenant and nothing in
 * it: no server, no port. Its clock moves by hand, and it can be slow, down,
 * restored from a backup, or lie.
 */
public class TestDirectory private constructor(private val kit: KitDirectory) {
    /** The URL that clients are configured with; nothing listens there. */
    public val url: String = kit.url()

    /** The tenant's id: 43 characters of base64url. */
    public val tenant: String = kit.tenant()

    /** The directory's clock, which its [persons][person] follow, too. */
    public val clock: TestClock = TestClock(kit.clock())

    /** A new connection: the transport of one program. */
    public fun connection(): TestConnection = TestConnection(kit.connection())

    /**
     * What the app's backend does in [org.plico.Account.register]: vouches for whoever
     * asks, as `userId`.
     *
     * @param number the binding's: 1 for whoever is the first under this user id, more
     *   for somebody who begins anew.
     */
    public fun enrolment(userId: String, number: Long = 1): suspend (EnrolmentRequest) -> String {
        require(number >= 1) { "a binding's number is at least 1" }
        return { request -> kit { kit.enrol(userId, request.identityId, number.toULong()) } }
    }

    /** Somebody registered under `userId`, with a program, a connection and a store of their own. */
    public suspend fun person(userId: String, clock: TestClock = this.clock): TestPerson =
        visitor(userId, clock).also { it.register() }

    /** Somebody who will be `userId`, but has not registered yet. */
    public suspend fun visitor(userId: String, clock: TestClock = this.clock): TestPerson =
        TestPerson.start(this, userId, clock, MemoryStore())

    /**
     * What the app's backend does to disable an identity (`IDENTITY_DISABLED`), or to let
     * it be active again.
     *
     * @throws org.plico.PlicoException `CONFLICT` for a second change within one second of
     *   the clock; `IDENTITY_NOT_FOUND`; `IDENTITY_DELETED`; `INVALID_ARGUMENT`.
     */
    public suspend fun setStanding(identityId: String, active: Boolean) {
        kitCall { kit.setStanding(identityId, active) }
    }

    /**
     * A token as the app's backend signs it for a program of its own, valid for five
     * minutes: see [org.plico.Plico.service].
     */
    public fun serviceToken(): String = kit.serviceToken()

    /** A program of the app's backend that seals for others, with a connection of its own. */
    public suspend fun service(clock: TestClock = this.clock): TestService = TestService.start(this, clock)

    /**
     * The operator withdraws somebody from a session: they are given nothing and may do
     * nothing in it, until that is [lifted][lift].
     *
     * @throws org.plico.PlicoException `CONFLICT` for a second change within one second of
     *   the clock; `SESSION_NOT_FOUND`.
     */
    public suspend fun withdraw(session: EncryptionSession, who: MemberId) {
        kitCall { kit.withdraw(session.toKit(), who.toKit()) }
    }

    /** The same for a group. */
    public suspend fun withdraw(group: Group, who: MemberId) {
        kitCall { kit.withdraw(group.toKit(), who.toKit()) }
    }

    /**
     * And takes it back.
     *
     * @throws org.plico.PlicoException as [withdraw].
     */
    public suspend fun lift(session: EncryptionSession, who: MemberId) {
        kitCall { kit.lift(session.toKit(), who.toKit()) }
    }

    /** The same for a group. */
    public suspend fun lift(group: Group, who: MemberId) {
        kitCall { kit.lift(group.toKit(), who.toKit()) }
    }

    /**
     * The operator destroys a session: the directory deletes all but its log.
     *
     * @throws org.plico.PlicoException `SESSION_NOT_FOUND`.
     */
    public suspend fun destroy(session: EncryptionSession) {
        kitCall { kit.destroy(session.toKit()) }
    }

    /** The same for a group. */
    public suspend fun destroy(group: Group) {
        kitCall { kit.destroy(group.toKit()) }
    }

    /** What the app's backend finds by a tag: the ids of at most 1,024 sessions after `after`. */
    public suspend fun findSessions(tag: String, after: String? = null): List<String> =
        kitCall { kit.findSessions(tag, after) }

    /** The operator says after how many days user keys are renewed; 0: not by themselves. */
    public suspend fun setUserKeyDays(days: Int) {
        kitCall { kit.setUserKeyDays(count(days)) }
    }

    /** Whether the directory can be reached at all. */
    public fun down(down: Boolean) {
        kit.down(down)
    }

    /** Stops the directory's program and starts it again on the same data. */
    public suspend fun restart() {
        kitCall { kit.restart() }
    }

    /** The directory's whole content now. */
    public suspend fun backup(): Backup = Backup(kitCall { kit.backup() })

    /** The directory loses everything that was written after `backup` was made. */
    public suspend fun restore(backup: Backup) {
        kitCall { kit.restore(backup.kit) }
    }

    /**
     * From now on the directory tells this lie to everybody, one of [lies].
     *
     * @throws org.plico.PlicoException `INVALID_ARGUMENT` if there is no such lie.
     */
    public fun tell(lie: String) {
        kit { kit.tell(lie) }
    }

    /** In how many answers the last lie was told. */
    public val told: Long get() = kit.told().toLong()

    /** From now on the directory lies no more. */
    public fun honest() {
        kit.honest()
    }

    /** A directory's whole content at one moment. */
    public class Backup internal constructor(internal val kit: KitBackup)

    public companion object {
        /** Starts an empty directory. */
        public suspend fun start(): TestDirectory = TestDirectory(kitCall { startDirectory() })

        /** The names of all lies, such as `UserIdMoved`. */
        public val lies: List<String> by lazy { org.plico.testing.ffi.lies() }
    }
}

private fun EncryptionSession.toKit() = KitOperated.Session(id)

private fun Group.toKit() = KitOperated.Group(id)

private fun MemberId.toKit() = when (this) {
    is MemberId.Identity -> KitWho.Identity(id)
    is MemberId.Group -> KitWho.Group(id)
}

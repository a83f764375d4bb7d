package org.plico

import org.plico.ffi.AccountHandle
import org.plico.ffi.ItemFailure
import org.plico.ffi.ItemResult
import org.plico.ffi.RecipientGrant

/** The calls of an [Account] that do something in many sessions, in few requests. */
public abstract class ManySessions internal constructor(
    private val handle: AccountHandle,
    private val causes: Causes,
) {
    /**
     * Makes many sessions, in few requests. Those with the same recipients are made all
     * the same.
     *
     * @return one result for each, in this order; the failures are [PlicoException]s, as
     *   those of [Account.createSession].
     * @throws PlicoException [ErrorCode.NOT_REGISTERED], [ErrorCode.OFFLINE],
     *   [ErrorCode.INVALID_ARGUMENT] for what is not an id.
     */
    public suspend fun createSessions(sessions: List<SessionOptions>): List<Result<EncryptionSession>> {
        val watch = causes.watch()
        return call(causes) { handle.createSessions(sessions.map { it.toCore() }, null) }.map { made ->
            made.session?.let { Result.success(EncryptionSession.of(it, causes)) } ?: failed(made.failure, watch)
        }
    }

    /**
     * Gives recipients rights in each of the sessions, with one write for each session,
     * in few requests.
     *
     * @param sessionIds the sessions' ids.
     * @param recipients who gets what in each of them.
     * @return the results by session and recipient, in these orders; the failures are
     *   [PlicoException]s, as those of [EncryptionSession.grant].
     * @throws PlicoException [ErrorCode.NOT_REGISTERED], [ErrorCode.OFFLINE],
     *   [ErrorCode.INVALID_ARGUMENT] for what is not an id; [ErrorCode.NETWORK] if nobody
     *   can be looked up.
     */
    public suspend fun grantMany(sessionIds: List<String>, recipients: Map<Recipient, Grant>): List<List<Result<Unit>>> {
        val watch = causes.watch()
        val results = call(causes) { handle.grantMany(sessionIds, recipients.toCore(), null) }
        return results.map { it.told(watch) }
    }

    /**
     * Takes all rights from recipients in each of the sessions, with one write and one
     * new epoch for each session, in few requests. Whoever is not a recipient of a session
     * counts as done there.
     *
     * @param cascade whether those to whom they had granted fall with them.
     * @return the results by session and recipient, in these orders; the failures are
     *   [PlicoException]s, as those of [EncryptionSession.revoke].
     * @throws PlicoException as [grantMany].
     */
    public suspend fun revokeMany(
        sessionIds: List<String>,
        recipients: List<Recipient>,
        cascade: Boolean = false,
    ): List<List<Result<Unit>>> {
        val watch = causes.watch()
        val results = call(causes) { handle.revokeMany(sessionIds, recipients.map { it.toCore() }, cascade, null) }
        return results.map { it.told(watch) }
    }

    /**
     * Takes `recipient` out of everything that this account may change: the groups that
     * it manages, then the sessions; page by page, in few requests. Doing it again
     * changes nothing more. Cancelling the coroutine stops at once; the cursor of the last
     * progress says where to go on.
     *
     * **Read the summary.** It lists the sessions where this account has no right to do so
     * ([EverywhereProblem.Failed]), and those that the person still reads through a group
     * ([EverywhereProblem.StillThrough]). Sessions that this account can't open are not in
     * it at all, and what could be opened before may have been kept.
     *
     * @param sessionsOnly whether memberships in groups are left as they are.
     * @param throughGroups whether it goes through the sessions, too, that this account may
     *   open through its groups. One that it reaches in several ways is looked at several
     *   times.
     * @param cascade whether those to whom the recipient had granted fall with it.
     * @param after goes on where another walk for the same was: the cursor of its last
     *   progress, or of its summary. It is no secret, and may be stored.
     * @param onProgress is told how far it is, after each step of up to 64 groups or
     *   sessions, on a thread of Plico's: it must be quick. What it throws is ignored.
     * @throws PlicoException [ErrorCode.NOT_REGISTERED], [ErrorCode.OFFLINE];
     *   [ErrorCode.INVALID_ARGUMENT] for this account itself and for a cursor that is none;
     *   [ErrorCode.RECIPIENTS_NOT_FOUND]. What goes wrong on the way is in the summary.
     */
    public suspend fun revokeEverywhere(
        recipient: Recipient,
        sessionsOnly: Boolean = false,
        throughGroups: Boolean = false,
        cascade: Boolean = false,
        after: String? = null,
        onProgress: ((EverywhereProgress) -> Unit)? = null,
    ): EverywhereSummary {
        val (watch, options) = causes.watch() to everywhere(sessionsOnly, throughGroups, cascade, after, onProgress)
        return EverywhereSummary.ofCore(call(causes) { handle.revokeEverywhere(recipient.toCore(), options, null) }, watch)
    }

    /**
     * Gives `to` all that `from` has: in each group and session where `from` has rights of
     * its own, the same rights until the same end, but no more than this account may grant
     * there. What `to` has already is never made less. Through a group, `to` gets what
     * `from` has by becoming a member.
     *
     * The summary lists where it was less ([EverywhereProblem.Reduced]), and where this
     * account may not grant at all ([EverywhereProblem.Failed]). Doing it again changes
     * nothing more. The other parameters are those of [revokeEverywhere].
     *
     * @throws PlicoException as [revokeEverywhere], for `to`.
     */
    public suspend fun giveAllOf(
        from: Recipient,
        to: Recipient,
        sessionsOnly: Boolean = false,
        throughGroups: Boolean = false,
        after: String? = null,
        onProgress: ((EverywhereProgress) -> Unit)? = null,
    ): EverywhereSummary {
        val (watch, options) = causes.watch() to everywhere(sessionsOnly, throughGroups, false, after, onProgress)
        return EverywhereSummary.ofCore(
            call(causes) { handle.giveAllOf(from.toCore(), to.toCore(), options, null) },
            watch,
        )
    }
}

internal fun Map<Recipient, Grant>.toCore() = map { (who, grant) -> RecipientGrant(who.toCore(), grant.toCore()) }

internal fun ItemFailure.toException(watch: (String) -> Throwable?) =
    PlicoException(code, reason, recipients, watch(code))

internal fun List<ItemResult>.told(watch: (String) -> Throwable?): List<Result<Unit>> =
    map { item -> item.failure?.let { Result.failure(it.toException(watch)) } ?: Result.success(Unit) }

private fun failed(failure: ItemFailure?, watch: (String) -> Throwable?): Result<EncryptionSession> =
    Result.failure(failure?.toException(watch) ?: PlicoException(ErrorCode.INTERNAL, ErrorCode.INTERNAL))

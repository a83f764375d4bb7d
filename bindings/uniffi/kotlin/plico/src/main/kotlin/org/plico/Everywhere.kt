package org.plico

import org.plico.ffi.EverywhereCall
import org.plico.ffi.PlicoEverywhereIssue
import org.plico.ffi.PlicoEverywhereProgress
import org.plico.ffi.PlicoEverywhereSummary

/**
 * How far a walk through everything has come; see [Account.revokeEverywhere].
 *
 * @property done groups and sessions that were looked at.
 * @property changed those of them that were changed.
 * @property failed those of them where what was wanted could not be done.
 * @property cursor where to go on from here, as `after`.
 */
public data class EverywhereProgress(
    public val done: Long,
    public val changed: Long,
    public val failed: Long,
    public val cursor: String,
) {
    internal companion object {
        fun ofCore(core: PlicoEverywhereProgress) =
            EverywhereProgress(core.done.toLong(), core.changed.toLong(), core.failed.toLong(), core.cursor)
    }
}

/** What is to be said of one session or group. */
public sealed class EverywhereProblem {
    /** It could not be done there, because of [error]: nothing was changed. */
    public data class Failed(public val error: PlicoException) : EverywhereProblem()

    /**
     * Whoever was revoked has no rights of their own there, but still reads through the
     * group [groupId], which this account could not, or was not to, take them out of.
     */
    public data class StillThrough(public val groupId: String) : EverywhereProblem()

    /** Less was given than the other one has there: this account may not grant more. */
    public data object Reduced : EverywhereProblem()
}

/**
 * A session or a group, and what is to be said of it.
 *
 * @property sessionId the session; null if it is a group.
 * @property groupId the group; null if it is a session.
 * @property problem what is to be said.
 */
public data class EverywhereIssue(
    public val sessionId: String?,
    public val groupId: String?,
    public val problem: EverywhereProblem,
) {
    internal companion object {
        fun ofCore(core: PlicoEverywhereIssue, watch: (String) -> Throwable?): EverywhereIssue {
            val problem = core.failure?.let { EverywhereProblem.Failed(it.toException(watch)) }
                ?: core.stillThrough?.let { EverywhereProblem.StillThrough(it) }
                ?: EverywhereProblem.Reduced
            return EverywhereIssue(core.sessionId, core.groupId, problem)
        }
    }
}

/**
 * What has come of a walk through everything; see [Account.revokeEverywhere].
 *
 * @property done groups and sessions that were looked at.
 * @property changed those of them that were changed.
 * @property failed those of them where what was wanted could not be done.
 * @property stillThrough those of them that whoever was revoked still reads through a group.
 * @property reduced those of them where less was given than the other one has.
 * @property issues the first 1,000 of these, with what is to be said of each.
 * @property cursor where to go on; null: it has come to the end.
 * @property interrupted why it has not come to the end: the directory could not be reached,
 *   say.
 */
public data class EverywhereSummary(
    public val done: Long,
    public val changed: Long,
    public val failed: Long,
    public val stillThrough: Long,
    public val reduced: Long,
    public val issues: List<EverywhereIssue>,
    public val cursor: String?,
    public val interrupted: PlicoException?,
) {
    internal companion object {
        fun ofCore(core: PlicoEverywhereSummary, watch: (String) -> Throwable?) = EverywhereSummary(
            core.done.toLong(),
            core.changed.toLong(),
            core.failed.toLong(),
            core.stillThrough.toLong(),
            core.reduced.toLong(),
            core.issues.map { EverywhereIssue.ofCore(it, watch) },
            core.cursor,
            core.interrupted?.toException(watch),
        )
    }
}

internal fun everywhere(
    sessionsOnly: Boolean,
    throughGroups: Boolean,
    cascade: Boolean,
    after: String?,
    onProgress: ((EverywhereProgress) -> Unit)?,
) = EverywhereCall(sessionsOnly, throughGroups, cascade, after, onProgress?.let(::HostedEverywhere))

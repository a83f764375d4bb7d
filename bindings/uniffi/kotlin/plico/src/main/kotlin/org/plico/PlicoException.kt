package org.plico

/**
 * A call of Plico failed. Branch on [code].
 *
 * The [message] is the code, a sentence that says what happened and what to do,
 * and sometimes a detail in brackets. It holds no secret and no personal data,
 * so it can be logged.
 *
 * @property code one of [ErrorCode], or one that a newer version brought.
 * @property recipients with [ErrorCode.RECIPIENTS_NOT_FOUND]: the user ids that
 *   have no account; otherwise empty. Not part of the message.
 * @param cause what the app's own code threw during this call, if that is why it
 *   failed: the enrolment function, the [Transport] or the [Store].
 */
public class PlicoException(
    public val code: String,
    message: String,
    public val recipients: List<String> = emptyList(),
    cause: Throwable? = null,
) : Exception(message, cause)

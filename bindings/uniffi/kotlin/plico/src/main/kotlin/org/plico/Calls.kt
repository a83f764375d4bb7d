package org.plico

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import org.plico.ffi.Failure
import org.plico.ffi.InternalException
import java.nio.charset.CharacterCodingException
import java.nio.file.FileSystems
import java.nio.file.Path
import java.time.Duration
import kotlin.coroutines.cancellation.CancellationException

/**
 * Every suspending call into the library goes through here: errors become
 * [PlicoException], and cancellation passes through untouched. [causes] are asked
 * for what the app's own code threw while the call was under way.
 *
 * The library resumes a call on a thread of its own. Whatever dispatcher the app
 * uses, or none: none of its code may run there, where it would hold up the
 * library or wait for itself. Nor does the caller's thread copy large arrays.
 */
internal suspend fun <T> call(causes: Causes, work: suspend () -> T): T {
    val watch = causes.watch()
    return try {
        withContext(Dispatchers.Default) { work() }
    } catch (cancelled: CancellationException) {
        throw cancelled
    } catch (error: Exception) {
        throw translated(error, watch)
    }
}

/** The same for calls that ask nobody. */
internal inline fun <T> immediate(work: () -> T): T = try {
    work()
} catch (error: Exception) {
    throw translated(error) { null }
}

internal fun translated(error: Exception, causeOf: (String) -> Throwable?): PlicoException = when (error) {
    is PlicoException -> error
    is Failure.Plico -> PlicoException(error.code, error.reason, error.recipients, causeOf(error.code))
    // Half a surrogate pair: such a text has no UTF-8.
    is CharacterCodingException -> invalidArgument("a text is not valid Unicode")
    // A panic, which is a bug of ours; its words are not for an app's log.
    is InternalException -> PlicoException(ErrorCode.INTERNAL, "${ErrorCode.INTERNAL}: Plico failed; this is a bug in it.")
    else -> PlicoException(ErrorCode.INTERNAL, "${ErrorCode.INTERNAL}: Plico failed; this is a bug in it.", cause = error)
}

internal fun invalidArgument(what: String): PlicoException = PlicoException(
    ErrorCode.INVALID_ARGUMENT,
    "${ErrorCode.INVALID_ARGUMENT}: An argument is not one that this call takes; see the message. ($what)",
)

/** A duration as the library takes it. */
internal fun checked(duration: Duration): Duration {
    if (duration.isNegative) throw invalidArgument("a duration is not negative")
    return duration
}

/** A path as the library takes it: of the machine's own files. */
internal fun checked(path: Path): String {
    if (path.fileSystem != FileSystems.getDefault()) throw invalidArgument("a path is one of the default file system")
    return path.toAbsolutePath().toString()
}

package org.plico.testing

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import org.plico.PlicoException
import org.plico.testing.ffi.KitFailure
import java.time.Duration

/** What the kit refuses, as Plico says it. */
internal inline fun <T> kit(work: () -> T): T = try {
    work()
} catch (failure: KitFailure.Kit) {
    throw PlicoException(failure.code, failure.reason)
}

/** The same for what suspends; the library resumes on a thread of its own, where no test runs. */
internal suspend fun <T> kitCall(work: suspend () -> T): T = kit { withContext(Dispatchers.Default) { work() } }

internal fun span(duration: Duration): Duration {
    require(!duration.isNegative) { "a duration is not negative" }
    return duration
}

internal fun count(number: Int): UInt {
    require(number >= 0) { "a number is not negative" }
    return number.toUInt()
}

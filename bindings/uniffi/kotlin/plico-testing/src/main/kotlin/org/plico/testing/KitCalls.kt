package org.plico.testing

import org.plico.PlicoException
import org.plico.testing.ffi.KitFailure
import java.time.Duration

/** What the kit refuses, as Plico says it. */
internal inline fun <T> kit(work: () -> T): T = try {
    work()
} catch (failure: KitFailure.Kit) {
    throw PlicoException(failure.code, failure.reason)
}

internal fun span(duration: Duration): Duration {
    require(!duration.isNegative) { "a duration is not negative" }
    return duration
}

internal fun count(number: Int): UInt {
    require(number >= 0) { "a number is not negative" }
    return number.toUInt()
}

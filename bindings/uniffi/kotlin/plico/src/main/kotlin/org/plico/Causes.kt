package org.plico

import java.util.concurrent.atomic.AtomicReference

/**
 * What one piece of the app's code threw last. The library knows nothing of a
 * host's exceptions: it only says that the piece failed. A call that ends for
 * this reason takes the last exception that was thrown while it was under way;
 * of calls that share a request, each gets the same one.
 */
internal class LastThrown {
    private class Entry(val number: Long, val thrown: Throwable?)

    private val last = AtomicReference(Entry(0, null))

    val count: Long get() = last.get().number

    fun record(thrown: Throwable) {
        last.updateAndGet { Entry(it.number + 1, thrown) }
    }

    fun since(count: Long): Throwable? = last.get().takeIf { it.number > count }?.thrown
}

/** The pieces of the app's code that a call may run. */
internal class Causes(
    private val transport: LastThrown,
    private val store: LastThrown = LastThrown(),
    private val enrolment: LastThrown = LastThrown(),
) {
    fun withStore(store: LastThrown) = Causes(transport, store)

    fun withEnrolment(enrolment: LastThrown) = Causes(transport, store, enrolment)

    /** From now on: gives the cause of an error with this code. */
    fun watch(): (String) -> Throwable? {
        val (sent, stored, enrolled) = listOf(transport.count, store.count, enrolment.count)
        return { code ->
            when {
                code == ErrorCode.NETWORK -> transport.since(sent)
                code == ErrorCode.ENROLMENT_FAILED -> enrolment.since(enrolled)
                code.startsWith(ErrorCode.STORE) -> store.since(stored)
                else -> null
            }
        }
    }
}

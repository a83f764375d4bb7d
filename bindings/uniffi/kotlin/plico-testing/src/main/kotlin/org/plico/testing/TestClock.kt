package org.plico.testing

import org.plico.testing.ffi.KitClock
import java.time.Clock
import java.time.Duration
import java.time.Instant
import java.time.ZoneId
import java.time.ZoneOffset

/**
 * A clock that a test moves: a directory's, or a device's that is ahead or behind.
 * Give it to [org.plico.Plico.open], or let [TestDirectory.person] do so.
 */
public class TestClock private constructor(
    internal val kit: KitClock,
    private val zone: ZoneId,
) : Clock() {
    internal constructor(kit: KitClock) : this(kit, ZoneOffset.UTC)

    /** Moves it, and all that follow it, forward. */
    public fun advance(by: Duration) {
        kit.advance(span(by))
    }

    /** Moves it, and all that follow it, back. */
    public fun back(by: Duration) {
        kit.back(span(by))
    }

    /** A clock that follows this one and is ahead of it. */
    public fun ahead(by: Duration): TestClock = TestClock(kit.ahead(span(by)), zone)

    /** A clock that follows this one and is behind it. */
    public fun behind(by: Duration): TestClock = TestClock(kit.behind(span(by)), zone)

    override fun millis(): Long = kit.nowMs().toLong()

    override fun instant(): Instant = Instant.ofEpochMilli(millis())

    override fun getZone(): ZoneId = zone

    override fun withZone(zone: ZoneId): TestClock = TestClock(kit, zone)
}

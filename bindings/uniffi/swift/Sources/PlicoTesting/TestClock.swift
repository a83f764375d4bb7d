import Foundation
import Plico
internal import PlicoTestingFFI

/// A clock that a test moves. Those that were made from it follow.
public final class TestClock: Sendable, PlicoClock {
    private let kit: KitClock

    init(_ kit: KitClock) {
        self.kit = kit
    }

    package var nowMilliseconds: UInt64 {
        kit.nowMs()
    }

    /// What it shows.
    public var now: Date {
        Date(timeIntervalSince1970: Double(kit.nowMs()) / 1000)
    }

    /// Moves it forward. A negative duration moves it back.
    public func advance(by duration: Duration) {
        if duration < .zero {
            kit.back(by: seconds(.zero - duration))
        } else {
            kit.advance(by: seconds(duration))
        }
    }

    /// A clock that follows this one and is ahead of it; behind, for a negative duration.
    public func ahead(by duration: Duration) -> TestClock {
        if duration < .zero {
            TestClock(kit.behind(by: seconds(.zero - duration)))
        } else {
            TestClock(kit.ahead(by: seconds(duration)))
        }
    }
}

/// Not negative, and at most some thousand years.
func seconds(_ duration: Duration) -> TimeInterval {
    min(max(0, duration / .seconds(1)), 1e11)
}

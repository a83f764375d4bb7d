import Foundation

extension Plico {
    /// Something that the app may want to show, or act upon. It holds no secret and
    /// no user id. More may come: a `switch` needs a `default`.
    public enum Event: Sendable, Hashable {
        /// The first answer from a directory that could not be reached before.
        case online
        /// The directory can't be reached. Told once, until it can be again.
        case offline
        /// Another identity stands behind a user id that was seen before.
        case identityChanged(identityID: String)
        /// The account's own identity has one more device.
        case newDevice(identityID: String)
        /// A device of the account's own identity was revoked.
        case deviceRevoked(identityID: String)
        /// The account's own user key will soon be as old as the tenant allows, within 14
        /// days; then, from `at` on, the next device that sees its chain renews it.
        case keyRenewalNear(identityID: String, at: Date)
        /// The recovery key of the account's own identity was used. If it was not its owner
        /// who did it, somebody else has the words.
        case recoveryUsed(identityID: String)
        /// The directory shows another history of this chain (32 bytes) than before:
        /// it lies, or two of it run.
        case forkSeen(chain: Data)
        /// The directory shows less of this chain (32 bytes) than before: it lies, or
        /// was restored from a backup.
        case historyShortened(chain: Data)
        /// So many entries of this chain (32 bytes), which a restored directory had
        /// lost, were handed back to it.
        case handedBack(chain: Data, entries: UInt64)
        /// A new epoch was begun in a session because one was due.
        case epochBegun(sessionID: String, epoch: UInt32)
        /// The account's access has ended; what was kept of the session is deleted.
        case accessEnded(sessionID: String)
        /// The directory says, and nobody has signed it, that the tenant's operator has
        /// withdrawn a recipient of a session or group. The next writer leaves them out.
        case recipientWithdrawn(sessionID: String)
        /// And that a withdrawal was lifted: they are taken in again.
        case withdrawalLifted(sessionID: String)
        /// A write whose outcome was unknown is settled: it has taken place, or not.
        case settled(sessionID: String, done: Bool)
        /// The directory's clock less the device's.
        case clockSkewed(offset: Duration)
    }

    /// How much a line of the log matters.
    public enum LogLevel: UInt8, Sendable, Comparable {
        /// Each request.
        case debug
        /// Each change.
        case info
        /// Something that was not as it should be, and was dealt with.
        case warning

        public static func < (one: Self, other: Self) -> Bool {
            one.rawValue < other.rawValue
        }
    }

    /// One line of the log.
    public struct LogRecord: Sendable, Hashable {
        /// How much it matters.
        public let level: LogLevel
        /// What happened: without content, names and user ids.
        public let message: String
    }
}

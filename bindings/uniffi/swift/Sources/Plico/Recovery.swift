import Foundation
internal import PlicoFFI

/// What a person keeps on paper for the day when all devices are gone: 256 random bits,
/// as 24 words of the English list of BIP-39.
///
/// Show the words first and let them be written down; then set the key. So there is never
/// a key that nobody has. The key stays on the library's side; what ``words`` gives is a
/// string, which no program can wipe.
public struct RecoveryKey: Sendable {
    let handle: RecoveryKeyHandle

    private init(_ handle: RecoveryKeyHandle) {
        self.handle = handle
    }

    /// A new one. Nobody knows of it until it is set with
    /// ``Account/setRecoveryKey(_:old:cancel:)``.
    public static func generate() -> RecoveryKey {
        RecoveryKey(RecoveryKeyHandle.generate())
    }

    /// The key of these words: 24 of them, in any case and with any white space between;
    /// the first four letters of each are enough.
    ///
    /// The words' checksum has 8 bits: of all ways to put one word of the list for another,
    /// one in 256 gives a key as well. Nobody has that one, and its use is refused with
    /// `RECOVERY_KEY_UNKNOWN`.
    ///
    /// - Throws: `RECOVERY_WORDS_INVALID`, whose message says which word is not one of the
    ///   list, how many there are, or that they don't belong together.
    public init(words: String) throws(PlicoError) {
        self.init(try direct { try RecoveryKeyHandle.fromWords(words: try words.carried()) })
    }

    /// The 24 words, lower case, with one space between them.
    public var words: String {
        handle.words()
    }
}

extension RecoveryKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Says nothing: it is a secret.
    public var description: String { "RecoveryKey" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension Account {
    /// When this identity's recovery key was set, by the clock of the device that set it;
    /// `nil`: there is none. As the directory shows it now.
    ///
    /// - Throws: `NOT_REGISTERED`.
    public func recoveryKeySetAt(cancel: CancelToken? = nil) async throws(PlicoError) -> Date? {
        try await errors.call(cancel) { call in
            try await handle.recoveryKeySetAt(cancel: call)
        }
    }

    /// Sets this identity's recovery key; once one is set, only with the consent of that
    /// one, as `old`. A new one begins a new generation of the user key, so that the old
    /// words open nothing more. Set already: nothing is done, so that it can be called
    /// again after an error.
    ///
    /// - Throws: `RECOVERY_KEY_SET` if there is another one and `old` is not given;
    ///   `RECOVERY_KEY_UNKNOWN` if `old` is not the one that is set; `INVALID_ARGUMENT` for
    ///   a key that was set before; `CONFLICT` after many lost races.
    public func setRecoveryKey(
        _ key: RecoveryKey, old: RecoveryKey? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.setRecoveryKey(key: key.handle, old: old?.handle, cancel: call)
        }
    }

    /// Gets an identity back with its recovery key alone, in place of
    /// ``register(userID:cancel:enrolment:)``: this account becomes a device of it, with
    /// access to everything, and all other devices are revoked, unless they are to stay.
    /// Safe to call again with the same key after an error.
    ///
    /// Everybody who has the identity's chain sees that it was done. The words stay valid;
    /// if somebody else has read them, set another key.
    ///
    /// - Parameters:
    ///   - key: the recovery key.
    ///   - keepingDevices: whether the other devices stay, because they are only far away.
    ///   - cancel: cancels this call.
    /// - Returns: the identity's id.
    /// - Throws: `RECOVERY_KEY_UNKNOWN` if no identity has this key (any more);
    ///   `ALREADY_REGISTERED` if this account has an identity; `INVALID_ARGUMENT` if the
    ///   other devices are to stay and there are 32; `IDENTITY_DISABLED`; `CONFLICT` after
    ///   many lost races.
    @discardableResult
    public func recover(
        with key: RecoveryKey, keepingDevices: Bool = false, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> String {
        try await errors.call(cancel) { call in
            try await handle.recover(
                key: key.handle, keepDevices: keepingDevices, cancel: call)
        }
    }
}

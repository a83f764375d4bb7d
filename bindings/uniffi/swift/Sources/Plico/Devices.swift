import Foundation
internal import PlicoFFI

/// One device of an identity: what its verified history says, and two notes of the
/// directory's.
public struct DeviceInfo: Sendable, Hashable {
    /// Its id: 43 characters of base64url.
    public let id: String
    /// Whether it is the one that asks.
    public let isThis: Bool
    /// When it was added, by the clock of the device that added it.
    public let added: Date
    /// Whether it was revoked: it signs nothing more, and opens nothing new.
    public let revoked: Bool
    /// Whether the recovery key has added it.
    public let byRecovery: Bool
    /// The name that one of the own devices has given it, if any; see
    /// ``Account/nameDevice(_:as:cancel:)``. A person's own word: ``description`` leaves it out.
    public let name: String?
    /// When it sent a request last, to the hour, by the directory's word; `nil`: not known.
    public let lastSeen: Date?
}

extension DeviceInfo: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Without the name.
    public var description: String {
        "DeviceInfo(id: \(id), isThis: \(isThis), added: \(added), revoked: \(revoked), "
            + "byRecovery: \(byRecovery))"
    }
    public var debugDescription: String { description }
    public var customMirror: Mirror {
        let children: KeyValuePairs<String, Any> = [
            "id": id, "isThis": isThis, "added": added, "revoked": revoked,
            "byRecovery": byRecovery,
        ]
        return Mirror(self, children: children)
    }
}

/// What protects an identity file or a backup; see ``Account/exportIdentity(key:cancel:)``
/// and ``Account/storeBackup(key:cancel:)``.
public enum FileKey: Sendable, Hashable {
    /// Something that a person remembers or has written down, of at least 12 characters;
    /// better, one from ``generatePassphrase()``. Trying one takes some tenths of a second
    /// and 64 MiB of memory. It is taken as it is, without Unicode normalisation.
    case passphrase(String)
    /// 32 uniformly random bytes that the app keeps elsewhere, such as a passkey's PRF
    /// output or a secret in the keychain.
    case hostSecret(Data)

    /// A passphrase of 100 random bits: 20 characters of Crockford's base 32 (no I, L, O
    /// or U) in groups of five, 23 with the hyphens.
    public static func generatePassphrase() -> String {
        PlicoFFI.generatePassphrase()
    }
}

extension FileKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Says nothing: it is a secret.
    public var description: String { "FileKey" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension Account {
    /// This device's id, 43 characters of base64url; `nil` before it is registered and
    /// after it was closed.
    public var deviceID: String? {
        handle.deviceId()
    }

    /// All devices that this identity has or had, in the order in which they were added,
    /// as the directory shows them now. An identity file counts as one, and so does a
    /// backup.
    ///
    /// - Throws: `NOT_REGISTERED`; `DEVICE_REVOKED` if this one was revoked: so says every
    ///   call that asks the directory then.
    public func devices(cancel: CancelToken? = nil) async throws(PlicoError) -> [DeviceInfo] {
        try await errors.call(cancel) { call in
            try await handle.devices(cancel: call).map(DeviceInfo.init)
        }
    }

    /// Gives one of the own devices a name that the other devices see; an empty one takes it
    /// away. The directory can't read it.
    ///
    /// - Parameters:
    ///   - id: the device's id, from ``devices(cancel:)``.
    ///   - name: at most 128 bytes of UTF-8.
    ///   - cancel: cancels this call.
    /// - Throws: `INVALID_ARGUMENT` for a name that is too long; `BAD_REQUEST` for what is
    ///   not an active device of this identity.
    public func nameDevice(
        _ id: String, as name: String, cancel: CancelToken? = nil
    ) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.nameDevice(
                deviceId: try id.carried(), name: try name.carried(), cancel: call)
        }
    }

    /// Takes a device away from this identity and gives it a new user key, in one step.
    /// What that device has signed stays valid; it signs nothing more, and opens nothing
    /// that is wrapped from now on. What it could open before, it may have kept. Each
    /// session gets a new epoch with its next writer. Revoked already: nothing is done.
    ///
    /// - Parameters:
    ///   - id: the device's id, from ``devices(cancel:)``.
    ///   - cancel: cancels this call.
    /// - Throws: `INVALID_ARGUMENT` for what is not a device of this identity, and for
    ///   this very device; `CONFLICT` after many lost races.
    public func revokeDevice(_ id: String, cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.revokeDevice(deviceId: try id.carried(), cancel: call)
        }
    }

    /// Gives this identity a new user key. What was wrapped to the old ones can still be
    /// opened; from now on others wrap to the new one. Revoking a device does this by
    /// itself.
    ///
    /// - Throws: `CONFLICT` after many lost races.
    public func rotateUserKey(cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.rotateUserKey(cancel: call)
        }
    }

    /// This identity as a file of some hundred bytes, for another device, or as a copy that no
    /// server ever held. A device of its own is added to the identity for it, which
    /// ``devices(cancel:)`` shows: to withdraw the file, revoke that device. Until then,
    /// whoever has the file and its key is this person.
    ///
    /// - Throws: `INVALID_ARGUMENT` for a passphrase of fewer than 12 characters, a secret
    ///   of other than 32 bytes, or an identity that has 32 devices already. After
    ///   `NETWORK`, or a crash, the next call goes on with the same device.
    public func exportIdentity(
        key: FileKey, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> Data {
        try await errors.call(cancel) { call in
            try await handle.exportIdentity(key: try key.carried(), cancel: call)
        }
    }

    /// Becomes a device of the identity in `file`, with keys of its own, in place of
    /// ``register(userID:cancel:enrolment:)``. The file can be used again, for another
    /// device. Safe to call again with the same file after an error.
    ///
    /// - Returns: the identity's id.
    /// - Throws: `IDENTITY_FILE_INVALID`; `WRONG_PASSPHRASE`, for another secret, too;
    ///   `INVALID_ARGUMENT` for a passphrase where a secret is needed, or the reverse;
    ///   `ALREADY_REGISTERED` if this account has an identity; `WRONG_TENANT`;
    ///   `DEVICE_REVOKED` for a file that was withdrawn; `HISTORY_SHORTENED` and
    ///   `HISTORY_FORKED` if the directory shows another history than the file says.
    @discardableResult
    public func importIdentity(
        _ file: Data, key: FileKey, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> String {
        try await errors.call(cancel) { call in
            try await handle.importIdentity(
                file: try file.carried(), key: try key.carried(), cancel: call)
        }
    }
}

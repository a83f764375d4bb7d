import Foundation
internal import PlicoFFI

/// What there is of a backup; see ``Account/backups(cancel:)``.
public struct BackupStatus: Sendable, Hashable {
    /// Whether it is under a passphrase; otherwise under a host's secret.
    public let passphrase: Bool
    /// When it was stored, by the directory's word.
    public let stored: Date
}

extension Account {
    /// Stores a backup of this identity at the directory, which can't open it, in place of
    /// an earlier one of the same kind: so a passphrase is changed. The earlier one is
    /// deleted, and its device revoked, so that a copy of it is worth nothing, either.
    /// Safe to call again after an error, also with another passphrase.
    ///
    /// - Throws: `INVALID_ARGUMENT` for a passphrase of fewer than 12 characters, a secret
    ///   of other than 32 bytes, or an identity that has 32 devices already.
    public func storeBackup(key: FileKey, cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.storeBackup(key: try key.carried(), cancel: call)
        }
    }

    /// Gets the identity of `userID` back from its backup, in place of
    /// ``register(userID:cancel:enrolment:)``: this account becomes a device of it. Safe to
    /// call again after an error. The directory allows five wrong tries at once, and one
    /// more each half hour.
    ///
    /// - Returns: the identity's id.
    /// - Throws: `BACKUP_REFUSED` if there is none, or `key` is not the one that protects
    ///   it; `TOO_MANY_TRIES`; `BACKUP_INVALID` if the directory gives another one than
    ///   `key` protects; `IDENTITY_DISABLED`; and as
    ///   ``importIdentity(_:key:cancel:)``.
    @discardableResult
    public func restoreBackup(
        of userID: String, key: FileKey, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> String {
        try await errors.call(cancel) { call in
            try await handle.restoreBackup(
                userId: try userID.carried(), key: try key.carried(), cancel: call)
        }
    }

    /// The backups that this identity has at the directory: at most one under a passphrase,
    /// and one under a host's secret.
    ///
    /// - Throws: `NOT_REGISTERED`.
    public func backups(cancel: CancelToken? = nil) async throws(PlicoError) -> [BackupStatus] {
        try await errors.call(cancel) { call in
            try await handle.backups(cancel: call).map(BackupStatus.init)
        }
    }

    /// Deletes all backups of this identity at the directory, and revokes their devices:
    /// then none of its private keys is at any server. Safe to call again after an error.
    ///
    /// - Throws: `CONFLICT` after many lost races.
    public func deleteBackups(cancel: CancelToken? = nil) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.deleteBackups(cancel: call)
        }
    }
}

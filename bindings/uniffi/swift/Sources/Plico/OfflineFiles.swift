import Foundation
internal import PlicoFFI

/// What an offline file held; see ``Plico/openOfflineFile(_:identity:key:context:cancel:)``.
public struct OfflineOpened: Sendable {
    /// The content.
    public let content: Decrypted
    /// When the directory signed what the file says. What has changed since, say a
    /// revocation, no file can tell.
    public let asOf: Date
}

extension Account {
    /// One envelope that this account may open, as a file with which an identity file of
    /// the same person (``exportIdentity(key:cancel:)``) opens it without a network: see
    /// ``Plico/openOfflineFile(_:identity:key:context:cancel:)``. It holds the envelope and
    /// the signed histories that it is verified with, some kilobytes.
    ///
    /// - Throws: as ``decrypt(_:context:cancel:)``.
    public func offlineFile(
        _ envelope: Data, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> Data {
        try await errors.call(cancel) { call in
            try await handle.offlineFile(envelope: try envelope.carried(), cancel: call)
        }
    }
}

extension Plico {
    /// Opens an offline file (``Account/offlineFile(_:cancel:)``) with an identity file
    /// (``Account/exportIdentity(key:cancel:)``) of the same person, without a network and
    /// without a store. Every signature, proof and commitment in it is verified, as it
    /// would be with the directory at hand. It does not prove that the file is up to date,
    /// nor that the directory has shown the same to others.
    ///
    /// - Throws: `OFFLINE_FILE_INVALID`, also for another person's identity;
    ///   `IDENTITY_FILE_INVALID`; `WRONG_PASSPHRASE`; `INVALID_ARGUMENT`, also for a
    ///   passphrase where a secret is needed, or the reverse; `WRONG_TENANT`;
    ///   `DEVICE_REVOKED` if the identity file had been withdrawn when the offline file was
    ///   made; `CANCELLED`; and as ``Account/decrypt(_:context:cancel:)``.
    public static func openOfflineFile(
        _ file: Data, identity: Data, key: FileKey, context: Context? = nil,
        cancel: CancelToken? = nil
    ) async throws(PlicoError) -> OfflineOpened {
        try await HostErrors().call(cancel) { call in
            OfflineOpened(
                try await PlicoFFI.openOfflineFile(
                    file: try file.carried(), identity: try identity.carried(),
                    key: try key.carried(), context: try context?.carried(), cancel: call))
        }
    }
}

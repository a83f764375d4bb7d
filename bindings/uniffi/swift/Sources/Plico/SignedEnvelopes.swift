import Foundation
internal import PlicoFFI

/// An envelope, and who says to have written it.
public struct SignedEnvelope: Sendable, Hashable {
    /// The envelope, as ``EncryptionSession/encrypt(_:context:cancel:)`` makes it.
    public let envelope: Data
    /// The signature of the writer's device over envelope, context and session: 183 bytes,
    /// to be kept beside the envelope.
    public let signature: Data
}

/// Who wrote an envelope.
public enum WrittenBy: Sendable, Hashable {
    /// Whoever could read the session then: nobody has signed.
    case unsigned
    /// This person, on this device; verified.
    case signed(Writer)
}

/// A writer, verified.
public struct Writer: Sendable, Hashable {
    /// Who.
    public let identityID: String
    /// The app's own name for them, if its backend vouches for one; ``description`` leaves
    /// it out.
    public let userID: String?
    /// On which device, which was not revoked at that place of their history.
    public let deviceID: String
    /// When, by their clock.
    public let at: Date
}

extension Writer: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Names no person.
    public var description: String {
        "Writer(identityID: \(identityID), deviceID: \(deviceID), at: \(at))"
    }
    public var debugDescription: String { description }
    public var customMirror: Mirror {
        let children: KeyValuePairs<String, Any> = [
            "identityID": identityID, "deviceID": deviceID, "at": at,
        ]
        return Mirror(self, children: children)
    }
}

/// What was in an envelope, and who wrote it.
public struct DecryptedSigned: Sendable {
    /// The content.
    public let content: Decrypted
    /// Who wrote it.
    public let writtenBy: WrittenBy
}

extension EncryptionSession {
    /// Encrypts as ``encrypt(_:context:cancel:)`` does, and signs with this device's key.
    /// Without a signature, any reader of the session could have written an item.
    ///
    /// - Throws: as ``encrypt(_:context:cancel:)``.
    public func encryptSigned(
        _ data: Data, context: Context? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> SignedEnvelope {
        try await errors.call(cancel) { call in
            let signed = try await handle.encryptSigned(
                plaintext: try data.carried(), context: try context?.carried(), cancel: call)
            return SignedEnvelope(envelope: signed.envelope, signature: signed.signature)
        }
    }

    /// This device's signature over an envelope of this session, which it need not have
    /// written: 183 bytes.
    ///
    /// - Throws: `WRONG_SESSION`, `NOT_AN_ENVELOPE`.
    public func sign(
        _ envelope: Data, context: Context? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> Data {
        try await errors.call(cancel) { call in
            try await handle.sign(
                envelope: try envelope.carried(), context: try context?.carried(), cancel: call)
        }
    }

    /// Opens an envelope of this session and says who wrote it.
    ///
    /// - Parameters:
    ///   - signature: as it was kept beside the envelope; `nil`: there is none, and the
    ///     result says so.
    /// - Throws: as ``decrypt(_:context:cancel:)``; `ENVELOPE_SIGNATURE_INVALID` for a
    ///   signature that is not one over this envelope in this place, or by somebody who
    ///   never could read the session.
    public func decryptSigned(
        _ envelope: Data, signature: Data?, context: Context? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> DecryptedSigned {
        try await errors.call(cancel) { call in
            DecryptedSigned(
                try await handle.decryptSigned(
                    envelope: try envelope.carried(), signature: try signature?.carried(),
                    context: try context?.carried(), cancel: call))
        }
    }
}

extension Account {
    /// Opens an envelope of any session that this account may open, and says who wrote it.
    ///
    /// - Throws: as ``EncryptionSession/decryptSigned(_:signature:context:cancel:)``, and
    ///   `SESSION_NOT_FOUND` if this account was never a recipient.
    public func decryptSigned(
        _ envelope: Data, signature: Data?, context: Context? = nil, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> DecryptedSigned {
        try await errors.call(cancel) { call in
            DecryptedSigned(
                try await handle.decryptSigned(
                    envelope: try envelope.carried(), signature: try signature?.carried(),
                    context: try context?.carried(), cancel: call))
        }
    }
}

extension DecryptedSigned {
    init(_ opened: PlicoFFI.PlicoSignedOpened) {
        let writer = opened.writer.map {
            Writer(identityID: $0.identityId, userID: $0.userId, deviceID: $0.deviceId, at: $0.at)
        }
        self.init(
            content: Decrypted(opened.content),
            writtenBy: writer.map(WrittenBy.signed) ?? .unsigned)
    }
}

internal import PlicoFFI

/// One's own identity and another person's, as an account sees them, to be compared with
/// what the other sees: by voice, on paper, or with a camera. No secret.
public struct Fingerprint: Sendable, Hashable {
    /// 40 digits in eight groups of five, with a space between: the same on both sides.
    public let digits: String
    /// What to show as a QR code, 138 characters. The other person's app gives what it
    /// reads to ``Account/verifyFingerprint(of:shown:cancel:)``.
    public let toScan: String
}

extension Account {
    /// The fingerprint of this identity and that of `userID`, for two people who compare
    /// what each of them is shown.
    ///
    /// - Throws: `RECIPIENTS_NOT_FOUND`, `IDENTITY_CHANGED`, `ATTESTATION_INVALID`.
    public func fingerprint(
        of userID: String, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> Fingerprint {
        try await errors.call(cancel) { call in
            Fingerprint(try await handle.fingerprint(userId: try userID.carried(), cancel: call))
        }
    }

    /// Compares what the other person's app shows with what this one sees, and remembers
    /// the identity of `userID` as verified.
    ///
    /// - Parameters:
    ///   - userID: the other person.
    ///   - shown: the other's digits, with or without spaces, or what was scanned.
    ///   - cancel: cancels this call.
    /// - Throws: `FINGERPRINT_MISMATCH`: one of the two is shown somebody else; nothing is
    ///   remembered, and an earlier mark is taken away. Otherwise as
    ///   ``fingerprint(of:cancel:)``.
    public func verifyFingerprint(
        of userID: String, shown: String, cancel: CancelToken? = nil
    ) async throws(PlicoError) {
        try await errors.call(cancel) { call in
            try await handle.verifyFingerprint(
                userId: try userID.carried(), shown: try shown.carried(), cancel: call)
        }
    }

    /// Whether the identity that stands behind `userID` now was verified on this device, or
    /// on the one that this one was paired with. One that has changed was not.
    ///
    /// - Throws: as ``fingerprint(of:cancel:)``.
    public func isVerified(
        _ userID: String, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> Bool {
        try await errors.call(cancel) { call in
            try await handle.isVerified(userId: try userID.carried(), cancel: call)
        }
    }
}

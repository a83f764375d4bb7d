internal import PlicoFFI

extension Account {
    /// What a new device shows, as text and as a QR code, to be read by one that the person
    /// has already: 26 letters and digits in groups of five, 31 characters with the
    /// hyphens. Then ``joinByPairing(cancel:)``. The same code until it has been used.
    ///
    /// - Throws: `ALREADY_REGISTERED` if this account has an identity.
    public func pairingCode(cancel: CancelToken? = nil) async throws(PlicoError) -> String {
        try await errors.call(cancel) { call in
            try await handle.pairingCode(cancel: call)
        }
    }

    /// Waits until a device of the person has read the ``pairingCode(cancel:)``, and
    /// becomes a device of that identity, with access to everything, in place of
    /// ``register(userID:cancel:enrolment:)``.
    ///
    /// - Returns: the identity's id: check it, or its user id, against whom the app expects
    ///   here.
    /// - Throws: `PAIRING_EXPIRED` if nobody has read the code within ten minutes;
    ///   `PAIRING_INVALID` if somebody in between has changed a message: the next code is
    ///   another one; `HISTORY_SHORTENED` and `HISTORY_FORKED` if the directory shows
    ///   another history than the other device has seen; `ALREADY_REGISTERED`.
    @discardableResult
    public func joinByPairing(cancel: CancelToken? = nil) async throws(PlicoError) -> String {
        try await errors.call(cancel) { call in
            try await handle.joinByPairing(cancel: call)
        }
    }

    /// Makes the device that shows `code` a device of this identity. Reading the code from
    /// that device's own screen is the approval. Safe to call again with the same code
    /// after an error.
    ///
    /// - Parameters:
    ///   - code: in any case, with or without the hyphens.
    ///   - cancel: cancels this call.
    /// - Returns: the new device's id.
    /// - Throws: `PAIRING_CODE_INVALID`; `PAIRING_EXPIRED` if the other device does not
    ///   answer within ten minutes; `PAIRING_INVALID` if what answers is not the device
    ///   that shows the code; `INVALID_ARGUMENT` when the identity has 32 devices already;
    ///   `CONFLICT` after many lost races.
    @discardableResult
    public func approvePairing(
        code: String, cancel: CancelToken? = nil
    ) async throws(PlicoError) -> String {
        try await errors.call(cancel) { call in
            try await handle.approvePairing(code: try code.carried(), cancel: call)
        }
    }
}

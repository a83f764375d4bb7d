package org.plico

import org.plico.ffi.PlicoFingerprint

/**
 * One's own identity and another person's, as this account sees them, to be
 * compared with what the other sees: by voice, on paper, or with a camera. No
 * secret.
 *
 * @property digits 40 digits in eight groups of five, with a space between: the same
 *   on both sides.
 * @property toScan what to show as a QR code, 138 characters. The other person's app
 *   gives what it reads to [Account.verifyFingerprint].
 */
public data class Fingerprint(
    public val digits: String,
    public val toScan: String,
) {
    internal companion object {
        fun ofCore(core: PlicoFingerprint) = Fingerprint(core.digits, core.toScan)
    }
}

/**
 * One's own identity and another person's, as this account sees them, to be
 * compared with what the other sees: by voice, on paper, or with a camera. No
 * secret.
 */
export interface Fingerprint {
  /** 40 digits in eight groups of five, with a space between: the same on both sides. */
  readonly digits: string;
  /**
   * What to show as a QR code, 138 characters. The other person's app gives what
   * it reads to {@link Account.verifyFingerprint}.
   */
  readonly toScan: string;
}

import { addon } from "./native";

/**
 * Whose the ciphers of payloads are: `RustCrypto` or `AWS-LC`. Chosen when the
 * package was built; both give the same bytes.
 */
export function cipherBackend(): string {
  return addon.cipherBackend();
}

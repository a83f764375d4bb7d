import type { NativeBackupStatus } from "./native";

/** What there is of a backup. */
export interface BackupStatus {
  /** Whether it is under a passphrase; otherwise under a host's secret. */
  readonly passphrase: boolean;
  /** When it was stored, by the directory's word. */
  readonly stored: Date;
}

/** @internal */
export function backupStatus({ passphrase, storedMs }: NativeBackupStatus): BackupStatus {
  return { passphrase, stored: new Date(storedMs) };
}

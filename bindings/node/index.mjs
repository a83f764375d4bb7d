import plico from "./dist/index.js";

export const {
  Account,
  EncryptionSession,
  Plico,
  PlicoError,
  RecoveryKey,
  generatePassphrase,
  openOfflineFile,
} = plico;

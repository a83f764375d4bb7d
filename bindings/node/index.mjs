import plico from "./dist/index.js";

export const {
  AccessList,
  Account,
  EncryptionSession,
  Group,
  Plico,
  PlicoError,
  RecoveryKey,
  generatePassphrase,
  openOfflineFile,
} = plico;

import plico from "./dist/index.js";

export const {
  Account,
  EncryptionSession,
  EnvelopeReader,
  Plico,
  PlicoError,
  RecoveryKey,
  SealedFolder,
  cipherBackend,
  generatePassphrase,
  openOfflineFile,
} = plico;

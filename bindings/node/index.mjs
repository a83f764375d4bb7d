import plico from "./dist/index.js";

export const {
  AccessList,
  Account,
  EncryptionSession,
  EnvelopeReader,
  Group,
  Plico,
  PlicoError,
  RecoveryKey,
  SealedFolder,
  Service,
  cipherBackend,
  generatePassphrase,
  openOfflineFile,
} = plico;

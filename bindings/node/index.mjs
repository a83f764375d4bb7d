import plico from "./dist/index.js";

export const { Account, EncryptionSession, Plico, PlicoError, generatePassphrase } = plico;

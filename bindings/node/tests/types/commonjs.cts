// The same types for `require`.

import plico = require("plico");
import testing = require("plico/testing");

export async function usage(): Promise<plico.EncryptionSession> {
  const directory = await testing.TestDirectory.start();
  const person: testing.TestPerson = await directory.person("dr.a");
  const account: plico.Account = person.account;
  return account.createSession();
}

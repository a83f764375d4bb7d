// What an app has already: a backend that signs tokens, a place for keys, and
// other users. Here a development directory and files stand in for them.

import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

/** The store's key; an app keeps it in the platform's key storage. */
export function storeKey() {
  try {
    writeFileSync("quickstart.key", randomBytes(32), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  return readFileSync("quickstart.key");
}

/**
 * A token that binds `userId` to the identity. A development directory signs
 * them for anybody; your backend signs them for who has signed in.
 */
export async function askMyBackend(userId, identityId) {
  const { PLICO_DIRECTORY, PLICO_TENANT } = process.env;
  const answer = await fetch(`${PLICO_DIRECTORY}/dev/tenants/${PLICO_TENANT}/enrolment`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user_id: userId, identity_id: identityId }),
  });
  if (!answer.ok) throw new Error(`the directory answered ${answer.status}`);
  return (await answer.json()).token;
}

/** Others sign up, so that something can be encrypted for them. */
export async function signUp(plico, userIds) {
  for (const userId of userIds) {
    const account = await plico.account({ store: `${userId}.plicostore`, key: storeKey() });
    const enrolment = ({ identityId }) => askMyBackend(userId, identityId);
    await account.register({ userId, enrolment });
    await account.close();
  }
}

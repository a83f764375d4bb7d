import { randomBytes } from "node:crypto";
import { TestDirectory } from "plico/testing";

/** A file key that costs no time: Argon2id takes some, where the kind of key does not matter. */
export const hostKey = () => ({ hostSecret: randomBytes(32) });

/** A doctor with a second device to be, a patient, and a session of the patient's for both. */
export async function ward() {
  const directory = await TestDirectory.start();
  const [laptop, patient] = await Promise.all(
    ["dr.a", "patient.7"].map((userId) => directory.person(userId)),
  );
  const session = await patient.account.createSession({ recipients: [{ userId: "dr.a" }] });
  const sealed = await session.encrypt(Buffer.from("before"));
  const phone = await directory.visitor("dr.a");
  return { directory, laptop, phone, patient, session, sealed };
}

/** What somebody opens, as text. */
export const opened = async (account, sealed) => (await account.decrypt(sealed)).data.toString();

/** A program that is told of events, with a device of the identity of `account`. */
export async function listener(directory, account) {
  const events = [];
  const plico = await directory.plico({ onEvent: (event) => events.push(event) });
  const device = await plico.account({ inMemory: true });
  const key = hostKey();
  await device.importIdentity(await account.exportIdentity(key), key);
  const later = () => new Promise((resolve) => setTimeout(resolve, 30));
  await later();
  events.length = 0; // its own coming
  const told = async (type) => {
    await later();
    return events.filter((it) => it.type === type);
  };
  return { device, told };
}

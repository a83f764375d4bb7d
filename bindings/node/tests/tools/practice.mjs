import assert from "node:assert/strict";
import { TestDirectory } from "plico/testing";

export const DAY_MS = 86_400_000;

/** A practice: its owner, a nurse who is in it, a locum who is not yet; and a patient. */
export async function practice(options = {}) {
  const directory = await TestDirectory.start();
  const people = ["dr.a", "nurse.b", "locum.c", "patient.7"].map((it) => directory.person(it));
  const [doctor, nurse, locum, patient] = await Promise.all(people);
  const members = [{ userId: "nurse.b" }];
  const group = await doctor.account.createGroup({ name: "the practice", members, ...options });
  /** The patient's record, which the practice has rights in. */
  const record = (rights = ["read"]) =>
    patient.account.createSession({ recipients: [{ group: group.id, rights }] });
  return { directory, doctor, nurse, locum, patient, group, record };
}

export async function opens({ account }, sealed, text) {
  assert.equal((await account.decrypt(sealed)).data.toString(), text);
}

/** What it knew may be older than the freshness bound. */
export function refused({ account }, sealed, code) {
  return assert.rejects(account.maxStaleness(0).decrypt(sealed), { name: "PlicoError", code });
}

export const epochOf = (sealed) => sealed.readUInt32BE(22);

// Until when sessions last, the tags by which they are found, and what the operator withdraws.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TestDirectory } from "plico/testing";
import { DAY_MS, opens, refused } from "./tools/practice.mjs";

async function ward(options) {
  const directory = await TestDirectory.start();
  const people = ["dr.a", "patient.7"].map((it) => directory.person(it));
  const [doctor, patient] = await Promise.all(people);
  const recipients = [{ userId: "patient.7" }];
  const session = await doctor.account.createSession({ recipients, ...options });
  const sealed = await session.encrypt(Buffer.from("findings"));
  return { directory, doctor, patient, session, sealed };
}

test("a session ends at its time, which can be moved until then", async () => {
  const { directory, doctor, patient, session, sealed } = await ward();
  const inDays = (days) => new Date(directory.clock.now().getTime() + days * DAY_MS);
  assert.deepEqual(await session.expiry(), { at: undefined, afterIdleMs: undefined });
  assert.equal(await session.endsAt(), undefined);

  const at = inDays(10);
  await session.setExpiry({ at });
  assert.deepEqual(await session.expiry(), { at, afterIdleMs: undefined });
  assert.deepEqual(await patient.account.session(session.id).maxStaleness(0).endsAt(), at);
  await session.setExpiry({ at: inDays(20) });
  await session.setExpiry({});
  assert.equal(await session.endsAt(), undefined);

  await session.setExpiry({ at });
  directory.clock.advance(9 * DAY_MS);
  await opens(patient, sealed, "findings");
  directory.clock.advance(2 * DAY_MS);
  await refused(patient, sealed, "SESSION_ENDED");
  await refused(doctor, sealed, "SESSION_ENDED");
});

test("who may not say it, and what is no end", async () => {
  const { patient, session } = await ward();
  const theirs = patient.account.session(session.id);
  await assert.rejects(theirs.setExpiry({}), { code: "NOT_ALLOWED" });
  await assert.rejects(session.setExpiry({ at: new Date(1) }), { code: "ENTRY_INVALID" });
  await assert.rejects(session.setExpiry({ afterIdleMs: 59_999 }), { code: "INVALID_ARGUMENT" });
});

test("a session ends when nobody uses it, and use keeps it", async () => {
  const expiry = { afterIdleMs: 4 * DAY_MS };
  const { directory, patient, session, sealed } = await ward({ expiry });
  assert.deepEqual(await session.expiry(), { at: undefined, afterIdleMs: 4 * DAY_MS });
  for (let day = 0; day < 6; day += 2) {
    directory.clock.advance(2 * DAY_MS);
    await opens(patient, sealed, "findings");
  }
  directory.clock.advance(5 * DAY_MS);
  await refused(patient, sealed, "SESSION_ENDED");
});

test("terms are there from the beginning", async () => {
  const at = new Date(Date.now() + 400 * DAY_MS);
  const metadata = Buffer.from("the title");
  const { directory, patient, session } = await ward({
    expiry: { at, afterIdleMs: 30 * DAY_MS },
    tag: "case 42",
    metadata,
  });
  const theirs = patient.account.session(session.id);
  assert.deepEqual(await theirs.metadata(), metadata);
  assert.equal(await theirs.tag(), "case 42");
  assert.deepEqual(await theirs.expiry(), { at, afterIdleMs: 30 * DAY_MS });
  assert.deepEqual(await directory.findSessions("case 42"), [session.id]);
});

test("by a tag, sessions are found by recipients and by the backend", async () => {
  const { directory, doctor, patient, session } = await ward();
  assert.equal(await session.tag(), undefined);
  await session.setTag("case 42");
  assert.equal(await session.tag(), "case 42");
  const other = await doctor.account.createSession({ tag: "case 42" });
  const both = [session.id, other.id].sort();

  const sorted = async (account) => {
    const { items, more } = await account.sessionsTagged("case 42");
    assert.equal(more, false);
    return [...items].sort();
  };
  assert.deepEqual(await sorted(doctor.account), both);
  assert.deepEqual(await sorted(patient.account), [session.id]);
  const found = await directory.findSessions("case 42");
  assert.deepEqual([...found].sort(), both);
  assert.deepEqual(await directory.findSessions("case 42", found[0]), [found[1]]);
  const after = await doctor.account.sessionsTagged("case 42", { after: found[0] });
  assert.deepEqual(after, { items: [found[1]], more: false });

  await session.setTag(undefined);
  assert.equal(await session.tag(), undefined);
  assert.deepEqual(await sorted(patient.account), []);
  await assert.rejects(session.setTag(""), { code: "INVALID_ARGUMENT" });
  await assert.rejects(session.setTag("x".repeat(129)), { code: "TOO_LARGE" });
  const theirs = patient.account.session(session.id);
  await assert.rejects(theirs.setTag("x"), { code: "NOT_ALLOWED" });
});

test("what the operator withdraws is refused, said, and given back", async () => {
  const { directory, patient } = await ward();
  const events = [];
  const plico = await directory.plico({ onEvent: (event) => events.push(event) });
  const account = await plico.account({ inMemory: true });
  const enrolment = ({ identityId }) => directory.enrol("dr.b", identityId);
  await account.register({ userId: "dr.b", enrolment });
  const session = await account.createSession({ recipients: [{ userId: "patient.7" }] });
  const sealed = await session.encrypt(Buffer.from("x"));
  await opens(patient, sealed, "x");
  const who = { identityId: patient.account.identityId };
  const told = async (type) => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    return events.filter((it) => it.type === type);
  };
  const withdrawn = async () => {
    const { mayRead } = await session.whoMayRead();
    return mayRead.find(({ userId }) => userId === "patient.7").withdrawn;
  };
  assert.equal(await withdrawn(), false);

  await directory.withdraw(session.id, who);
  await refused(patient, sealed, "ACCESS_WITHDRAWN");
  assert.equal(await withdrawn(), true);
  assert.match((await session.whoMayRead()).toTree(), /withdrawn by the operator/);
  const wanted = (type) => [{ type, sessionId: session.id }];
  assert.deepEqual(await told("recipientWithdrawn"), wanted("recipientWithdrawn"));

  directory.clock.advance(2_000);
  await directory.lift(session.id, who);
  await session.refresh();
  assert.equal(await withdrawn(), false);
  await opens({ account: patient.account.maxStaleness(0) }, sealed, "x");
  assert.deepEqual(await told("withdrawalLifted"), wanted("withdrawalLifted"));
});

test("the operator destroys a session, and withdraws from groups", async () => {
  const { directory, doctor, patient, session, sealed } = await ward();
  await directory.destroy(session.id);
  await refused(doctor, sealed, "SESSION_ENDED");

  const group = await doctor.account.createGroup({ members: [{ userId: "patient.7" }] });
  const through = await doctor.account.createSession({ recipients: [{ group: group.id }] });
  const inside = await through.encrypt(Buffer.from("y"));
  await opens(patient, inside, "y");
  await directory.withdraw(group.id, { identityId: patient.account.identityId });
  await refused(patient, inside, "SESSION_NOT_FOUND");
  await opens(doctor, inside, "y");
  await assert.rejects(directory.destroy("A".repeat(43)), { code: "SESSION_NOT_FOUND" });
  const who = { userId: "patient.7" };
  await assert.rejects(directory.withdraw(group.id, who), { code: "INVALID_ARGUMENT" });
  await assert.rejects(directory.lift("x", { group: group.id }), { code: "INVALID_ARGUMENT" });
});

// Groups: the practice, the ward, and who comes and goes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { AccessList, Group } from "plico";
import { DAY_MS, epochOf, opens, practice, refused } from "./tools/practice.mjs";

const seal = (session, text) => session.encrypt(Buffer.from(text));
const locumC = { userId: "locum.c" };

test("a locum joins and leaves, and no session is touched", async () => {
  const { doctor, nurse, locum, patient, group, record: make } = await practice();
  assert.ok(group instanceof Group);
  assert.match(group.id, /^[\w-]{43}$/);
  const record = await make();
  const sealed = await seal(record, "finding");
  await opens(doctor, sealed, "finding");
  await opens(nurse, sealed, "finding");
  await refused(locum, sealed, "SESSION_NOT_FOUND");
  assert.equal(await nurse.account.group(group.id).name(), "the practice");
  await assert.rejects(locum.account.group(group.id).name(), { name: "PlicoError" });
  const unnamed = await doctor.account.createGroup();
  assert.equal(await unnamed.name(), undefined);

  // The locum opens what was there before, and the patient's program does nothing for it.
  const before = patient.connection.urls.length;
  await group.add(locumC);
  await opens(locum, sealed, "finding");
  assert.equal(patient.connection.urls.length, before);
  const members = await group.members();
  assert.deepEqual(members.map((it) => it.userId).sort(), ["dr.a", "locum.c", "nurse.b"]);
  const added = members.find((it) => it.userId === "locum.c");
  assert.equal(added.role, "member");
  assert.deepEqual(added.who, { identityId: locum.account.identityId });
  assert.equal(added.addedBy, doctor.account.identityId);
  assert.ok(added.addedAt instanceof Date);
  assert.equal(added.expiresAt, undefined);

  // Gone: what is written afterwards, by whoever has seen it, is closed.
  await group.remove(added.who);
  await record.refresh();
  const after = await seal(record, "later");
  assert.notEqual(epochOf(after), epochOf(sealed));
  await opens(nurse, after, "later");
  await opens(doctor, sealed, "finding");
  await refused(locum, after, "SESSION_NOT_FOUND");
});

test("members act for their group", async () => {
  const { doctor, nurse, locum, patient, group, record: make } = await practice();
  const record = await make(["read", "forward"]);
  const sealed = await seal(record, "finding");
  // A plain member grants what the practice may, and no more than it may.
  const nurses = nurse.account.session(record.id);
  await nurses.grant(locumC);
  await opens(locum, sealed, "finding");
  await assert.rejects(nurses.revoke(locumC), { code: "NOT_ALLOWED" });
  await assert.rejects(nurses.grant(locumC, { rights: ["owner"] }), { code: "NOT_ALLOWED" });
  await group.rotate();
  const written = await seal(nurses.maxStaleness(0), "by the nurse");
  await opens(patient, written, "by the nurse");
  await opens(doctor, written, "by the nurse");

  // Only managers change the group; owners alone act on owners, and the last one stays.
  const members = nurse.account.group(group.id);
  await assert.rejects(members.add({ userId: "patient.7" }), { code: "NOT_ALLOWED" });
  await assert.rejects(members.rename("x"), { code: "NOT_ALLOWED" });
  await group.add({ userId: "nurse.b" }, { role: "manager" });
  await members.add({ userId: "patient.7" });
  await members.rename("the wards");
  await group.refresh();
  assert.equal(await group.name(), "the wards");
  await assert.rejects(members.remove({ userId: "dr.a" }), { code: "NOT_ALLOWED" });
  await assert.rejects(group.leave(), { code: "NOT_ALLOWED" });
  await assert.rejects(group.rename("x".repeat(4_097)), { code: "TOO_LARGE" });
  await group.transfer({ userId: "nurse.b" });
  await members.refresh();
  const roles = (await members.members()).map((it) => it.role);
  assert.deepEqual(roles.sort(), ["member", "owner"]);
  await opens(nurse, written, "by the nurse");

  // Whoever leaves needs no right; whoever hands over may stay something.
  await patient.account.group(group.id).leave();
  await members.add({ userId: "dr.a" });
  await members.transfer({ userId: "dr.a" }, { keep: "manager" });
  const left = (await members.members()).map(({ userId, role }) => [userId, role]);
  assert.deepEqual(left.sort(), [
    ["dr.a", "owner"],
    ["nurse.b", "manager"],
  ]);
});

test("groups in groups", async () => {
  const { doctor, nurse, locum, patient, group } = await practice();
  const around = (inner) => doctor.account.createGroup({ members: [{ group: inner.id }] });
  const clinic = await around(group);
  const network = await around(clinic);
  const session = await patient.account.createSession({ recipients: [{ group: network.id }] });
  const sealed = await seal(session, "finding");
  await opens(nurse, sealed, "finding");
  await refused(locum, sealed, "SESSION_NOT_FOUND");
  const inner = (await clinic.members()).find((it) => it.who.group !== undefined);
  assert.deepEqual([inner.who, inner.userId], [{ group: group.id }, undefined]);
  await group.add(locumC);
  await opens(locum, sealed, "finding");
  await group.remove(locumC);
  for (const it of [clinic, network, session]) await it.refresh();
  const after = await seal(session, "later");
  await opens(nurse, after, "later");
  await refused(locum, after, "SESSION_NOT_FOUND");

  // No circle, and no fifth level.
  const circle = group.add({ group: network.id });
  await assert.rejects(circle, { code: "ENTRY_INVALID" });
  const fourth = await around(network);
  await assert.rejects(around(fourth), { code: "ENTRY_INVALID" });
});

test("from now on means so", async () => {
  const { nurse, locum, group, record: make } = await practice({ fromNowOn: true });
  const record = await make();
  const sealed = await seal(record, "before");
  await opens(nurse, sealed, "before");
  await group.add(locumC);
  await record.refresh();
  const after = await seal(record, "after");
  await opens(locum, after, "after");
  await opens(nurse, sealed, "before");
  await assert.rejects(locum.account.decrypt(sealed), { code: "EPOCH_UNAVAILABLE" });
});

test("a deleted group opens nothing more", async () => {
  const { doctor, nurse, patient, group, record: make } = await practice();
  const record = await make();
  const sealed = await seal(record, "finding");
  await opens(nurse, sealed, "finding");
  await assert.rejects(nurse.account.group(group.id).delete(), { code: "NOT_ALLOWED" });
  await group.delete();
  await refused(nurse, sealed, "SESSION_NOT_FOUND");
  await record.refresh();
  const after = await seal(record, "later");
  assert.notEqual(epochOf(after), epochOf(sealed));
  await opens(patient, after, "later");
  const session = await doctor.account.createSession();
  const to = { group: group.id };
  await assert.rejects(session.grant(to), { code: "GROUP_NOT_FOUND" });
  await assert.rejects(doctor.account.createGroup({ members: [to] }), { code: "GROUP_NOT_FOUND" });
});

test("membership for a time", async () => {
  const { directory, nurse, locum, group, record: make } = await practice();
  const record = await make();
  const sealed = await seal(record, "finding");
  const expiresAt = new Date(directory.clock.now().getTime() + 30 * DAY_MS);
  await assert.rejects(group.add(locumC, { role: "owner", expiresAt }), { code: "NOT_ALLOWED" });
  await assert.rejects(group.add(locumC, { expiresAt: new Date(0) }), { code: "ENTRY_INVALID" });
  await group.add(locumC, { expiresAt });
  const added = (await group.members()).find((it) => it.userId === "locum.c");
  assert.equal(added.expiresAt.getTime(), expiresAt.getTime());
  await opens(locum, sealed, "finding");
  directory.clock.advance(31 * DAY_MS);
  await assert.rejects(locum.account.maxStaleness(0).decrypt(sealed), ({ code }) =>
    ["SESSION_NOT_FOUND", "ACCESS_EXPIRED"].includes(code),
  );
  await group.refresh();
  assert.equal((await group.members()).length, 2);
  await record.refresh();
  const after = await seal(record, "later");
  await opens(nurse, after, "later");
  await refused(locum, after, "SESSION_NOT_FOUND");
});

test("what one is in is listed", async () => {
  const { nurse, locum, group, record: make } = await practice();
  const record = await make();
  const { account } = nurse;
  const own = await account.createSession();
  const two = [own.id, (await account.createSession()).id].sort((a, b) =>
    Buffer.compare(Buffer.from(a, "base64url"), Buffer.from(b, "base64url")),
  );
  assert.deepEqual(await account.sessions(), { items: two, more: false });
  assert.deepEqual((await account.sessions({ after: two[0] })).items, [two[1]]);
  assert.deepEqual((await account.sessions({ after: two[1] })).items, []);
  assert.deepEqual(await account.groups(), { items: [group.id], more: false });
  assert.deepEqual((await account.groups({ after: group.id })).items, []);
  assert.deepEqual((await account.sessionsOfGroup(group.id)).items, [record.id]);
  assert.deepEqual((await account.sessionsOfGroup(group.id, { after: record.id })).items, []);
  await assert.rejects(locum.account.sessionsOfGroup(group.id), { code: "GROUP_NOT_FOUND" });
});

test("after a restart and without the network, what was opened through a group opens", async () => {
  const { directory, nurse, record: make } = await practice();
  const sealed = await seal(await make(), "finding");
  await opens(nurse, sealed, "finding");
  const again = await nurse.restart();
  again.connection.down(true);
  assert.equal((await again.account.offline().decrypt(sealed)).data.toString(), "finding");
  await assert.rejects(again.account.offline().createGroup(), { code: "OFFLINE" });
  assert.equal(directory.told, 0);
});

test("who may read, through which path; and no name gets into a log", async () => {
  const { directory, doctor, patient, locum, group } = await practice();
  const clinic = await doctor.account.createGroup({ members: [{ group: group.id }] });
  const expiresAt = new Date(directory.clock.now().getTime() + 30 * DAY_MS);
  const recipients = [{ group: clinic.id, expiresAt }, locumC];
  const session = await patient.account.createSession({ recipients });
  await session.revoke(locumC);
  directory.clock.advance(3 * DAY_MS);
  const list = await session.whoMayRead();
  assert.ok(list instanceof AccessList);
  assert.ok(Math.abs(list.asOf - directory.clock.now()) < 1_000);
  const nurse = list.mayRead.find((it) => it.userId === "nurse.b");
  assert.deepEqual(nurse.path, [clinic.id, group.id]);
  assert.deepEqual(nurse.rights, ["read"]);
  assert.equal(nurse.grantedBy, doctor.account.identityId);
  assert.equal(nurse.grantedByUserId, "dr.a");
  assert.equal(nurse.expiresAt.getTime(), expiresAt.getTime());
  assert.equal(list.former.length, 1);
  const [{ who, userId, cause, by, at }] = list.former;
  assert.deepEqual(who, { identityId: locum.account.identityId });
  assert.deepEqual([userId, cause, by], ["locum.c", "revoked", patient.account.identityId]);
  assert.ok(at instanceof Date);

  const lines = list.toTree().split("\n");
  assert.ok(lines.includes("patient.7: owns, by patient.7, 3 days ago"), list.toTree());
  assert.ok(lines.includes("    nurse.b: reads, by dr.a, 3 days ago, for 27 more days"));
  assert.ok(lines.includes("no more: locum.c, revoked, 3 days ago"));

  const logged = [list, nurse, list.former, await group.members(), await session.recipients()];
  for (const it of logged) {
    const text = `${it} ${inspect(it, { depth: 9, showHidden: true, getters: true })}`;
    assert.doesNotMatch(text, /nurse\.b|dr\.a|locum\.c|patient\.7/);
    assert.match(text, /expiresAt|former|cause/);
  }
});

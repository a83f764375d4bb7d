// Many sessions, recipients and members in one call, each with its own result; and one
// person in everything.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EncryptionSession, PlicoError } from "plico";
import { DAY_MS, opens, practice, refused } from "./tools/practice.mjs";

/** `ok`, or the code. */
function words(results) {
  return results.map((it) => {
    if (it.status === "fulfilled") return "ok";
    assert.ok(it.reason instanceof PlicoError);
    return it.reason.code;
  });
}

const user = (userId) => ({ userId });

test("many sessions are made, each with its own result", async () => {
  const { doctor, nurse, group } = await practice();
  const before = doctor.connection.urls.length;
  const made = await doctor.account.createSessions([
    { recipients: [user("nurse.b")], tag: "one" },
    { recipients: [user("nobody"), user("nobody.too")] },
    { recipients: [user("nobody"), user("nurse.b")], onMissing: "skip" },
    { recipients: [{ group: group.id, rights: ["read", "forward"] }], suite: 2 },
    { tag: "x".repeat(129) },
    { expiry: { afterIdleMs: 1 } },
    {},
  ]);
  assert.deepEqual(words(made), [
    "ok",
    "RECIPIENTS_NOT_FOUND",
    "ok",
    "ok",
    "TOO_LARGE",
    "INVALID_ARGUMENT",
    "ok",
  ]);
  assert.deepEqual(made[1].reason.recipients, ["nobody", "nobody.too"]);
  assert.ok(made[0].value instanceof EncryptionSession);
  assert.deepEqual(made[2].value.missingRecipients, ["nobody"]);
  assert.equal(await made[0].value.tag(), "one");
  for (const at of [0, 2, 3]) {
    await opens(nurse, await made[at].value.encrypt(Buffer.from("x")), "x");
  }

  const start = doctor.connection.urls.length;
  const hundred = await doctor.account.createSessions(
    Array.from({ length: 100 }, () => ({ recipients: [user("locum.c")] })),
  );
  assert.equal(new Set(hundred.map(({ value }) => value.id)).size, 100, "all are different");
  const sent = doctor.connection.urls.length - start;
  assert.ok(start > before && sent < 20, `${sent} requests`);
  assert.deepEqual(await doctor.account.createSessions([]), []);
});

test("rights are given and taken for many recipients", async () => {
  const { doctor, nurse, locum, patient } = await practice();
  const session = await doctor.account.createSession();
  const sealed = await session.encrypt(Buffer.from("x"));
  const expiresAt = new Date(Date.now() + DAY_MS);
  const given = await session.grantAll([
    { userId: "nurse.b", rights: ["read", "forward"] },
    user("nobody"),
    { userId: "locum.c", expiresAt },
    user("dr.a"),
  ]);
  assert.deepEqual(words(given), ["ok", "RECIPIENTS_NOT_FOUND", "ok", "INVALID_ARGUMENT"]);
  assert.deepEqual(given[1].reason.recipients, ["nobody"]);
  const infos = await session.recipients();
  const info = (name) => infos.find(({ userId }) => userId === name);
  assert.deepEqual(info("nurse.b").rights, ["read", "forward"]);
  assert.deepEqual(info("locum.c").expiresAt, expiresAt);
  await opens(nurse, sealed, "x");

  // Only what one has oneself.
  const theirs = nurse.account.session(session.id);
  const more = await theirs.grantAll([user("patient.7"), { userId: "locum.c", rights: ["owner"] }]);
  assert.deepEqual(words(more), ["ok", "NOT_ALLOWED"]);
  await opens(patient, sealed, "x");

  const taken = await session.revokeAll([user("nurse.b"), user("nobody"), user("locum.c")], {
    cascade: true,
  });
  assert.deepEqual(words(taken), ["ok", "RECIPIENTS_NOT_FOUND", "ok"]);
  for (const person of [nurse, locum, patient]) await refused(person, sealed, "ACCESS_REVOKED");
  assert.deepEqual(words(await session.revokeAll([user("nurse.b")])), ["ok"], "done already");
});

test("rights are given and taken in many sessions", async () => {
  const { doctor, nurse, locum, patient } = await practice();
  const theirs = await patient.account.createSession({ recipients: [user("dr.a")] });
  const made = await doctor.account.createSessions([{}, {}]);
  const ids = [...made.map(({ value }) => value.id), theirs.id];
  const sealed = await made[1].value.encrypt(Buffer.from("x"));
  const given = await doctor.account.grantMany(ids, [user("nurse.b"), user("locum.c")]);
  assert.deepEqual(given.map(words), [
    ["ok", "ok"],
    ["ok", "ok"],
    ["NOT_ALLOWED", "NOT_ALLOWED"],
  ]);
  await opens(nurse, sealed, "x");
  await opens(locum, sealed, "x");
  const taken = await doctor.account.revokeMany(ids.slice(0, 2), [user("locum.c"), user("nobody")]);
  assert.deepEqual(taken.map(words), [
    ["ok", "RECIPIENTS_NOT_FOUND"],
    ["ok", "RECIPIENTS_NOT_FOUND"],
  ]);
  await refused(locum, sealed, "ACCESS_REVOKED");
  await opens(nurse, sealed, "x");
  await assert.rejects(doctor.account.offline().grantMany(ids, [user("nurse.b")]), {
    code: "OFFLINE",
  });
});

test("many members are added and removed", async () => {
  const { directory, doctor, nurse, locum, group } = await practice();
  const session = await doctor.account.createSession({ recipients: [{ group: group.id }] });
  const sealed = await session.encrypt(Buffer.from("x"));
  const added = await group.addMembers([
    user("locum.c"),
    user("nobody"),
    { userId: "patient.7", role: "manager" },
  ]);
  assert.deepEqual(words(added), ["ok", "RECIPIENTS_NOT_FOUND", "ok"]);
  const roles = (await group.members()).map(({ userId, role }) => `${userId} ${role}`);
  const wanted = ["dr.a owner", "locum.c member", "nurse.b member", "patient.7 manager"];
  assert.deepEqual(roles.sort(), wanted);
  await opens(locum, sealed, "x");

  const removed = await group.removeMembers([user("locum.c"), user("patient.7")]);
  assert.deepEqual(words(removed), ["ok", "ok"]);
  assert.equal((await group.members()).length, 2);
  const after = await session.maxStaleness(0).encrypt(Buffer.from("y"));
  await opens(nurse, after, "y");
  await assert.rejects(locum.account.maxStaleness(0).decrypt(after), { name: "PlicoError" });
  assert.equal(directory.told, 0);
});

/** 130 sessions for the nurse, two groups, and a session that stays readable through one. */
async function house() {
  const world = await practice();
  const { doctor, patient, group } = world;
  const made = await doctor.account.createSessions(
    Array.from({ length: 130 }, () => ({ recipients: [user("nurse.b")] })),
  );
  const foreign = await patient.account.createGroup({
    members: [user("nurse.b"), user("dr.a")],
  });
  const through = await doctor.account.createSession({ recipients: [{ group: foreign.id }] });
  const theirs = await patient.account.createSession({
    recipients: [user("nurse.b"), user("dr.a")],
  });
  return { ...world, made, foreign, through, theirs, managed: group };
}

test("somebody is taken out of everything, and where not, is said", async () => {
  const { doctor, nurse, made, foreign, through, theirs } = await house();
  const sealed = await made[129].value.encrypt(Buffer.from("x"));
  const told = [];
  const summary = await doctor.account.revokeEverywhere(user("nurse.b"), {
    onProgress: (it) => told.push(it),
  });
  const { done, changed, failed, stillThrough, reduced, cursor, interrupted } = summary;
  assert.deepEqual(
    { done, changed, failed, stillThrough, reduced, cursor, interrupted },
    {
      done: 2 + 130 + 2,
      changed: 1 + 130,
      failed: 2,
      stillThrough: 1,
      reduced: 0,
      cursor: undefined,
      interrupted: undefined,
    },
  );
  const { error: _, ...ofGroup } = summary.issues.find((it) => it.group === foreign.id);
  assert.deepEqual(ofGroup, { session: undefined, group: foreign.id, problem: "failed" });
  const ofSession = summary.issues.find((it) => it.session === theirs.id);
  assert.ok(ofSession.error instanceof PlicoError);
  assert.equal(ofSession.error.code, "NOT_ALLOWED");
  assert.deepEqual(
    summary.issues.find((it) => it.session === through.id),
    { session: through.id, group: undefined, problem: "stillThrough", through: foreign.id },
  );
  assert.equal(summary.issues.length, 3);
  assert.equal(told.at(-1).done, done, "the last step is told, too");
  assert.equal(typeof told.at(-1).cursor, "string");
  await refused(nurse, sealed, "ACCESS_REVOKED");

  const again = await doctor.account.revokeEverywhere(user("nurse.b"));
  assert.equal(again.changed, 0);
  await assert.rejects(doctor.account.revokeEverywhere(user("dr.a")), {
    code: "INVALID_ARGUMENT",
  });
  await assert.rejects(doctor.account.revokeEverywhere(user("nobody")), {
    code: "RECIPIENTS_NOT_FOUND",
  });
});

test("a walk is stopped, and goes on where it was", async () => {
  const { doctor } = await house();
  const controller = new AbortController();
  doctor.connection.slow(400); // so that this thread hears of the first step during the second
  const first = await doctor.account.revokeEverywhere(user("nurse.b"), {
    sessionsOnly: true,
    stop: controller.signal,
    onProgress: () => controller.abort(),
  });
  assert.ok(first.done >= 64 && first.done < 132, `${first.done} were looked at`);
  assert.equal(typeof first.cursor, "string");
  assert.equal(first.interrupted, undefined);
  doctor.connection.slow(0);
  const { cursor: after } = first;
  const second = await doctor.account.revokeEverywhere(user("nurse.b"), {
    sessionsOnly: true,
    after,
  });
  assert.equal(first.done + second.done, 132);
  assert.equal(first.changed + second.changed, 130);
  assert.equal(second.cursor, undefined);

  const stopped = await doctor.account.revokeEverywhere(user("nurse.b"), {
    stop: AbortSignal.abort(),
  });
  assert.equal(stopped.done, 0);
});

test("a walk that is aborted ends at once, and its last progress says where to go on", async () => {
  const { doctor, nurse, made } = await house();
  const sealed = await Promise.all(made.map(({ value }) => value.encrypt(Buffer.from("x"))));
  const controller = new AbortController();
  doctor.connection.slow(400);
  let after;
  const walk = doctor.account.revokeEverywhere(user("nurse.b"), {
    signal: controller.signal,
    onProgress({ cursor, done }) {
      after = cursor;
      if (done >= 64) controller.abort("enough");
    },
  });
  await assert.rejects(walk, { code: "CANCELLED", cause: "enough" });
  doctor.connection.slow(0);
  const rest = await doctor.account.revokeEverywhere(user("nurse.b"), { after });
  assert.ok(rest.done < 134, `${rest.done} were looked at`);
  assert.equal(rest.cursor, undefined);
  await Promise.all(sealed.map((it) => refused(nurse, it, "ACCESS_REVOKED")));
  await assert.rejects(doctor.account.revokeEverywhere(user("nurse.b"), { after: "x" }), {
    code: "INVALID_ARGUMENT",
  });
});

test("a listener that throws cancels, and a directory that is gone interrupts", async () => {
  const { doctor } = await house();
  const trouble = new Error("trouble");
  const walk = doctor.account.revokeEverywhere(user("nurse.b"), {
    onProgress() {
      throw trouble;
    },
  });
  await assert.rejects(walk, { name: "PlicoError", code: "CANCELLED", cause: trouble });

  const [from, to, sessionsOnly] = [user("nurse.b"), user("locum.c"), true];
  doctor.connection.slow(400);
  const first = await doctor.account.giveAllOf(from, to, {
    sessionsOnly,
    onProgress: () => doctor.connection.down(true),
  });
  doctor.connection.down(false);
  doctor.connection.slow(0);
  assert.ok(first.interrupted instanceof PlicoError);
  assert.equal(first.interrupted.code, "NETWORK");
  assert.ok(first.done < 132);
  const second = await doctor.account.giveAllOf(from, to, { sessionsOnly, after: first.cursor });
  assert.equal(second.interrupted, undefined);
  assert.equal(first.done + second.done, 132);
});

test("somebody gets all that another one has", async () => {
  const { doctor, locum, group, patient } = await practice();
  const expiresAt = new Date(Date.now() + DAY_MS);
  const [ours] = await doctor.account.createSessions([
    { recipients: [{ userId: "nurse.b", rights: ["read", "forward"], expiresAt }] },
  ]);
  // The doctor may grant no more than reading here.
  const theirs = await patient.account.createSession({
    recipients: [
      { userId: "nurse.b", rights: ["read", "revoke"] },
      { userId: "dr.a", rights: ["read", "forward"] },
    ],
  });
  const sealed = await ours.value.encrypt(Buffer.from("x"));
  const summary = await doctor.account.giveAllOf(user("nurse.b"), user("locum.c"));
  assert.deepEqual([summary.done, summary.changed, summary.reduced], [3, 3, 1]);
  assert.deepEqual(summary.issues, [
    { session: theirs.id, group: undefined, problem: "reduced" },
  ]);
  const info = (await ours.value.recipients()).find(({ userId }) => userId === "locum.c");
  assert.deepEqual([info.rights, info.expiresAt], [["read", "forward"], expiresAt]);
  assert.ok((await group.members()).some(({ userId }) => userId === "locum.c"));
  await opens(locum, sealed, "x");
});

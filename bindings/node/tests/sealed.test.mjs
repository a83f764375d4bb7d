// A program of the backend seals for people and groups, and can't read what it sealed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { Service } from "plico";
import { practice } from "./tools/practice.mjs";

const user = (userId) => ({ userId });
const context = { table: "letters", row: 7 };
const data = Buffer.from("the lab's report");

test("what was sealed opens for those whom it is for, and for nobody else", async () => {
  const { directory, doctor, nurse, locum, patient, group } = await practice();
  const { service, connection } = await directory.service();
  assert.ok(service instanceof Service);
  const to = [user("patient.7"), { group: group.id }];
  const { bytes, missing } = await service.sealFor(to, data, { context });
  assert.deepEqual(missing, []);
  assert.ok(connection.urls.length > 0);

  const mine = await patient.account.openSealed(bytes, { context });
  assert.deepEqual(mine.data, data);
  const { identityId } = patient.account;
  assert.deepEqual(mine.openedAs, { identityId });
  assert.equal(mine.recipients.length, 2);
  for (const it of [{ identityId }, { group: group.id }]) {
    assert.ok(mine.recipients.some((one) => JSON.stringify(one) === JSON.stringify(it)));
  }
  assert.deepEqual(mine.writtenBy, { signed: false });
  const theirs = await nurse.account.openSealed(bytes, { context });
  assert.deepEqual([theirs.data, theirs.openedAs], [data, { group: group.id }]);

  const refused = (account, sealed, options, code) =>
    assert.rejects(account.openSealed(sealed, options), { name: "PlicoError", code });
  await refused(locum.account, bytes, { context }, "NOT_ALLOWED");
  await refused(patient.account, bytes, {}, "CONTEXT_REQUIRED");
  await refused(patient.account, bytes, { context: { row: 8 } }, "CONTEXT_MISMATCH");
  await refused(patient.account, data, {}, "NOT_AN_ENVELOPE");
  const spoiled = Buffer.from(bytes);
  spoiled[spoiled.length - 1] ^= 1;
  await refused(patient.account, spoiled, { context }, "ENVELOPE_DAMAGED");

  await group.add(user("locum.c")); // all that the group may open
  const late = await locum.account.openSealed(bytes, { context });
  assert.deepEqual(late.data, data);
  assert.deepEqual((await doctor.account.openSealed(bytes, { context })).data, data);
});

test("whom nobody can seal for", async () => {
  const { directory } = await practice();
  const { service } = await directory.service();
  const refused = (to, code, options) =>
    assert.rejects(service.sealFor(to, data, options), { name: "PlicoError", code });
  await assert.rejects(service.sealFor([user("nobody"), user("patient.7")], data), {
    code: "RECIPIENTS_NOT_FOUND",
    recipients: ["nobody"],
  });
  await refused([user("nobody")], "RECIPIENTS_NOT_FOUND", { onMissing: "skip" });
  await refused([], "INVALID_ARGUMENT");
  await refused([user("dr.a"), user("dr.a")], "INVALID_ARGUMENT");
  await refused(Array(257).fill(user("dr.a")), "TOO_LARGE");
  await refused([{ group: "A".repeat(43) }], "GROUP_NOT_FOUND");
  const options = { onMissing: "skip", suite: 2 };
  const item = await service.sealFor([user("nobody"), user("dr.a")], data, options);
  assert.deepEqual(item.missing, ["nobody"]);
  assert.doesNotMatch(inspect(item), /nobody/);
});

test("the app signs tokens, when the last one is nearly over", async () => {
  const { directory, patient } = await practice();
  const plico = await directory.plico();
  const asked = [];
  const service = await plico.service({
    token(request) {
      asked.push(request);
      return directory.serviceToken();
    },
  });
  assert.deepEqual(asked, [], "nothing is asked for yet");
  const to = [user("patient.7")];
  await service.sealFor(to, data);
  const { bytes } = await service.sealFor(to, data);
  assert.deepEqual(asked, [{ tenantId: directory.tenant }]);
  assert.deepEqual((await patient.account.openSealed(bytes)).data, data);
  directory.clock.advance(290_000);
  await service.sealFor(to, data);
  assert.equal(asked.length, 2);
});

test("a token function may fail, or give nonsense", async () => {
  const { directory } = await practice();
  const plico = await directory.plico();
  const to = [user("patient.7")];
  const trouble = new Error("no key here");
  for (const token of [
    () => {
      throw trouble;
    },
    () => Promise.reject(trouble),
  ]) {
    const service = await plico.service({ token });
    const failed = { name: "PlicoError", code: "ENROLMENT_FAILED", cause: trouble };
    await assert.rejects(service.sealFor(to, data), failed);
    await assert.rejects(service.acceptIdentityChange("patient.7"), failed);
  }
  const noText = await plico.service({ token: () => 7 });
  await assert.rejects(noText.sealFor(to, data), (error) => {
    assert.equal(error.code, "ENROLMENT_FAILED");
    assert.equal(error.cause.code, "INVALID_ARGUMENT");
    return true;
  });
  for (const wrong of ["", "a.b.c"]) {
    const service = await plico.service({ token: async () => wrong });
    await assert.rejects(service.sealFor(to, data), { code: "ENROLMENT_INVALID" });
  }
  let good = false;
  const recovers = await plico.service({
    token() {
      if (!good) throw trouble;
      return directory.serviceToken();
    },
  });
  await assert.rejects(recovers.sealFor(to, data), { code: "ENROLMENT_FAILED" });
  good = true;
  await recovers.sealFor(to, data);
});

test("a service holds the directory to what it has seen", async () => {
  const { directory } = await practice();
  const { service } = await directory.service();
  const to = [user("patient.7")];
  await service.sealFor(to, data);
  const anew = await directory.visitor("patient.7");
  await anew.register(2);
  await assert.rejects(service.sealFor(to, data), { code: "IDENTITY_CHANGED" });
  const { identityId } = anew.account;
  assert.equal(await service.acceptIdentityChange("patient.7"), identityId);
  const { bytes } = await service.sealFor(to, data);
  assert.deepEqual((await anew.account.openSealed(bytes)).data, data);
});

test("a service is closed by itself, by its connection, and by `using`", async () => {
  const { directory } = await practice();
  const to = [user("patient.7")];
  const token = () => directory.serviceToken();
  const plico = await directory.plico();
  const [one, two] = await Promise.all([plico.service({ token }), plico.service({ token })]);
  await one.close();
  await one.close();
  await assert.rejects(one.sealFor(to, data), { code: "CLOSED" });
  await two.sealFor(to, data);
  await plico.close();
  await assert.rejects(two.sealFor(to, data), { code: "CLOSED" });
  await assert.rejects(plico.service({ token }), { code: "CLOSED" });
  const { service } = await directory.service();
  await service[Symbol.asyncDispose]();
  await assert.rejects(service.sealFor(to, data), { code: "CLOSED" });
});

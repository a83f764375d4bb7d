// What an app does every day, from open to revoke.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Account, EncryptionSession, Plico } from "plico";
import { TestDirectory } from "plico/testing";
import { temporaryFolder } from "./tools/folder.mjs";

const DAY_MS = 86_400_000;

test("an account on the disk is registered, and is there after a restart", async (t) => {
  const directory = await TestDirectory.start();
  const store = `${temporaryFolder(t)}/dr-a.plicostore`;
  const key = randomBytes(32);
  const plico = await directory.plico();
  assert.ok(plico instanceof Plico);
  assert.equal(plico.tenantId, directory.tenant);

  const account = await plico.account({ store, key });
  assert.ok(account instanceof Account);
  assert.equal(account.identityId, undefined);
  const asked = [];
  const enrolment = async ({ identityId }) => {
    asked.push(identityId);
    return directory.enrol("dr.a", identityId);
  };
  const id = await account.register({ userId: "dr.a", enrolment });
  assert.match(id, /^[\w-]{43}$/);
  assert.equal(account.identityId, id);
  assert.deepEqual(asked, [id]);
  assert.equal(await account.register({ userId: "dr.a", enrolment }), id, "nothing is done twice");
  const session = await account.createSession();
  const sealed = await session.encryptText("kept");
  await plico.close();

  const again = await (await directory.plico()).account({ store, key });
  assert.equal(again.identityId, id);
  assert.equal(await again.decryptText(sealed), "kept");
  const other = (await directory.plico()).account({ store, key: randomBytes(32) });
  await assert.rejects(other, { name: "PlicoError", code: "STORE_WRONG_KEY" });
});

test("what is encrypted for somebody opens for them, until they are revoked", async () => {
  const directory = await TestDirectory.start();
  const [doctor, patient, insurer] = await Promise.all(
    ["dr.a", "patient.7", "insurer.3"].map((userId) => directory.person(userId)),
  );
  const session = await doctor.account.createSession({ recipients: [{ userId: "patient.7" }] });
  assert.ok(session instanceof EncryptionSession);
  const context = { table: "notes", row: 42 };
  const sealed = await session.encrypt(Buffer.from("120/80"), { context });

  const opened = await patient.account.decrypt(sealed, { context });
  assert.ok(Buffer.isBuffer(opened.data));
  assert.equal(opened.data.toString(), "120/80");
  assert.equal(opened.sessionId, session.id);
  assert.equal(opened.writtenOffline, false);
  assert.equal(opened.knownAt.getTime(), directory.clock.now().getTime());

  const refused = insurer.account.decrypt(sealed, { context });
  await assert.rejects(refused, { code: "SESSION_NOT_FOUND" });
  const expiresAt = new Date(directory.clock.now().getTime() + 30 * DAY_MS);
  await session.grant({ userId: "insurer.3" }, { rights: ["read", "forward"], expiresAt });
  assert.equal((await insurer.account.decrypt(sealed, { context })).data.toString(), "120/80");
  const recipients = await session.recipients();
  const info = recipients.find((it) => it.userId === "insurer.3");
  assert.deepEqual(info, {
    identityId: insurer.account.identityId,
    userId: "insurer.3",
    rights: ["read", "forward"],
    grantedBy: doctor.account.identityId,
    grantedAt: directory.clock.now(),
    expiresAt,
  });
  const owner = recipients.find((it) => it.userId === "dr.a");
  assert.deepEqual(owner.rights, ["read", "forward", "revoke", "owner"]);
  assert.equal(owner.expiresAt, undefined);

  await session.revoke({ identityId: insurer.account.identityId });
  const after = await session.encrypt(Buffer.from("130/90"));
  await assert.rejects(insurer.account.maxStaleness(0).decrypt(after), { code: "ACCESS_REVOKED" });
  assert.equal((await patient.account.decrypt(after)).data.toString(), "130/90");
});

test("bytes, text and JSON come back as they were", async () => {
  const directory = await TestDirectory.start();
  const { account } = await directory.person("dr.a");
  const session = await account.createSession({ suite: 2 });
  for (const length of [0, 1, 16_384, 65_536, 65_537, 1_000_000]) {
    const data = randomBytes(length);
    const { data: opened } = await account.decrypt(await session.encrypt(data));
    assert.ok(opened.equals(data), `${length} bytes`);
  }
  const view = randomBytes(200_000).subarray(1000, 150_000);
  assert.ok((await session.decrypt(await session.encrypt(view))).data.equals(view), "a view");
  for (const text of ["", "a\0b", "Grüße, 日本語, \u{1f600}"]) {
    const sealed = await session.encryptText(text);
    assert.match(sealed, /^plc1\.[\w-]+$/);
    assert.equal(await session.decryptText(sealed), text);
    assert.equal(await account.decryptText(sealed), text);
  }
  for (const value of [null, 0, "x", [1, { a: true }], { name: "Ada", born: [1815, 12, 10] }]) {
    const sealed = await session.encryptJson(value, { context: { table: "people" } });
    assert.deepEqual(await session.decryptJson(sealed, { context: { table: "people" } }), value);
    assert.deepEqual(await account.decryptJson(sealed, { context: { table: "people" } }), value);
  }
  const notJson = await session.encryptText("{secret");
  await assert.rejects(session.decryptJson(notJson), (error) => {
    assert.equal(error.code, "INVALID_ARGUMENT");
    assert.ok(!error.message.includes("secret"), "the plaintext is not in the message");
    return true;
  });
});

test("contexts of all kinds bind, and what differs does not open", async () => {
  const directory = await TestDirectory.start();
  const { account } = await directory.person("dr.a");
  const session = await account.createSession();
  const contexts = [
    {},
    { table: "notes", row: 42 },
    { row: 42n, table: "notes" },
    { row: "42", table: "notes" },
    { flag: true, none: false, bytes: new Uint8Array([0, 1]) },
    { big: 2n ** 63n - 1n, small: -(2n ** 63n) },
    Object.assign(Object.create(null), { a: 1 }),
    new Uint8Array(0),
    Buffer.from("notes/42"),
  ];
  const same = (a, b) =>
    a === b ||
    (contexts.indexOf(a) + contexts.indexOf(b) === 3 && a !== contexts[0] && b !== contexts[0]);
  for (const context of contexts) {
    const sealed = await session.encryptText("here", { context });
    for (const other of contexts) {
      const opening = session.decryptText(sealed, { context: other });
      if (same(context, other)) assert.equal(await opening, "here");
      else await assert.rejects(opening, { code: "CONTEXT_MISMATCH" });
    }
    await assert.rejects(session.decryptText(sealed), { code: "CONTEXT_REQUIRED" });
  }
  const bare = await session.encryptText("here");
  const unexpected = session.decryptText(bare, { context: {} });
  await assert.rejects(unexpected, { code: "CONTEXT_UNEXPECTED" });
});

test("sessions are found, listed, kept and left in every way", async () => {
  const directory = await TestDirectory.start();
  const [doctor, patient] = await Promise.all(
    ["dr.a", "patient.7"].map((id) => directory.person(id)),
  );
  const recipients = [
    { userId: "patient.7", rights: ["read", "forward", "revoke"] },
    { userId: "nobody" },
  ];
  await assert.rejects(doctor.account.createSession({ recipients }), {
    code: "RECIPIENTS_NOT_FOUND",
    recipients: ["nobody"],
  });
  const session = await doctor.account.createSession({ recipients, onMissing: "skip" });
  assert.deepEqual(session.missingRecipients, ["nobody"]);
  const sealed = await session.encrypt(Buffer.from("x"));
  assert.equal((await patient.account.sessionOf(sealed)).id, session.id);
  assert.equal((await patient.account.sessionOf(sealed.subarray(0, 26))).id, session.id);

  const theirs = patient.account.session(session.id);
  assert.equal(theirs.id, session.id);
  assert.deepEqual(theirs.missingRecipients, []);
  assert.equal(await theirs.metadata(), undefined);
  await session.setMetadata(Buffer.from("title"));
  await theirs.refresh();
  assert.equal((await theirs.metadata()).toString(), "title");
  await session.rotate();
  const results = await patient.account.prefetch([session.id, "A".repeat(43)]);
  assert.deepEqual(results[0], { status: "fulfilled", value: undefined });
  assert.equal(results[1].status, "rejected");
  assert.equal(results[1].reason.code, "SESSION_NOT_FOUND");
  assert.equal(await patient.account.settle(), 0);

  patient.connection.down(true);
  const offline = await theirs.offline().encrypt(Buffer.from("y"));
  assert.equal((await doctor.account.decrypt(offline)).writtenOffline, true);
  await assert.rejects(theirs.offline().rotate(), { code: "OFFLINE" });
  patient.connection.down(false);

  await assert.rejects(session.leave(), { code: "NOT_ALLOWED" });
  await session.transfer({ userId: "patient.7" }, { keep: ["read"] });
  await theirs.refresh();
  await theirs.forget();
  assert.equal((await theirs.decrypt(sealed)).data.toString(), "x");
  await session.leave();
  await assert.rejects(session.maxStaleness(0).encryptText("z"), { code: "ACCESS_REVOKED" });
  await theirs.end();
  await assert.rejects(theirs.encryptText("z"), { code: "SESSION_ENDED" });
});

test("an identity that has changed is accepted by word only", async () => {
  const directory = await TestDirectory.start();
  const [doctor, before] = await Promise.all(
    ["dr.a", "patient.7"].map((id) => directory.person(id)),
  );
  await doctor.account.createSession({ recipients: [{ userId: "patient.7" }] });
  const after = await directory.visitor("patient.7");
  const id = await after.register(2);
  assert.notEqual(id, before.account.identityId);
  const again = () => doctor.account.createSession({ recipients: [{ userId: "patient.7" }] });
  await assert.rejects(again(), { code: "IDENTITY_CHANGED" });
  assert.equal(await doctor.account.acceptIdentityChange("patient.7"), id);
  await again();
});

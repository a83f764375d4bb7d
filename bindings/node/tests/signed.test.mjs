// Signed envelopes: who wrote it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { practice } from "./tools/practice.mjs";

test("a signed envelope says who wrote it", async () => {
  const { nurse, patient, record: make } = await practice();
  const record = await make();
  const context = { row: 42 };
  const session = nurse.account.session(record.id);
  const { envelope, signature } = await session.encryptSigned(Buffer.from("by the nurse"), {
    context,
  });
  assert.equal(signature.length, 183);
  for (const on of [patient.account, record]) {
    const { content, writtenBy } = await on.decryptSigned(envelope, signature, { context });
    assert.equal(content.data.toString(), "by the nurse");
    assert.equal(content.sessionId, record.id);
    const { signed, identityId, userId, deviceId, at } = writtenBy;
    assert.equal(signed, true);
    assert.equal(userId, "nurse.b");
    assert.equal(identityId, nurse.account.identityId);
    assert.equal(deviceId, nurse.account.deviceId);
    assert.ok(Math.abs(Date.now() - at) < 600_000);
    assert.doesNotMatch(inspect({ writtenBy }), /nurse\.b/);
    // Without one, it says so; and it is an envelope as any other.
    const unsigned = await on.decryptSigned(envelope, undefined, { context });
    assert.equal(unsigned.content.data.toString(), "by the nurse");
    assert.deepEqual(unsigned.writtenBy, { signed: false });
    assert.equal((await on.decrypt(envelope, { context })).data.toString(), "by the nurse");
  }
  // Another device, or another person, may sign what it has not written.
  const witnessed = await record.sign(envelope, { context });
  const by = (await record.decryptSigned(envelope, witnessed, { context })).writtenBy;
  assert.equal(by.userId, "patient.7");
});

test("what is not its signature is refused", async () => {
  const { nurse, locum, patient, record: make } = await practice();
  const record = await make();
  const context = { row: 42 };
  const session = nurse.account.session(record.id);
  const { envelope, signature } = await session.encryptSigned(Buffer.from("x"), { context });
  const other = await session.encryptSigned(Buffer.from("y"), { context });
  const elsewhere = await session.sign(envelope, { context: { row: 43 } });
  const altered = Buffer.from(signature);
  altered[altered.length - 1] ^= 1;
  const cases = {
    another: other.signature,
    elsewhere,
    altered,
    short: signature.subarray(0, 100),
    none: new Uint8Array(0),
  };
  for (const [name, wrong] of Object.entries(cases)) {
    for (const on of [patient.account, record]) {
      await assert.rejects(
        on.decryptSigned(envelope, wrong, { context }),
        { name: "PlicoError", code: "ENVELOPE_SIGNATURE_INVALID" },
        name,
      );
    }
  }
  await assert.rejects(record.decryptSigned(envelope, signature), { code: "CONTEXT_REQUIRED" });
  // Somebody who never could read can't have written it.
  const own = await locum.account.createSession();
  await assert.rejects(own.sign(envelope, { context }), { code: "WRONG_SESSION" });
  await assert.rejects(own.sign(Buffer.from("no envelope")), { code: "NOT_AN_ENVELOPE" });
  const forged = await locum.account.session(record.id).sign(envelope, { context });
  await assert.rejects(patient.account.decryptSigned(envelope, forged, { context }), {
    code: "ENVELOPE_SIGNATURE_INVALID",
  });
});

// A new device shows a code, an old one reads it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { opened, ward } from "./tools/ward.mjs";

test("a code makes a device that knows what its owner has seen", async () => {
  const { laptop, phone, patient, sealed } = await ward();
  const [old, device] = [laptop.account, phone.account];
  const { digits } = await patient.account.fingerprint("dr.a");
  await old.verifyFingerprint("patient.7", digits);

  const shown = await device.pairingCode();
  assert.match(shown, /^([0-9A-Z]{5}-){5}[0-9A-Z]$/);
  assert.equal(await device.pairingCode(), shown);
  assert.equal((await phone.restart()).account.identityId, undefined);
  const typed = shown.toLowerCase().replaceAll("-", " ");
  const [id, approved] = await Promise.all([device.joinByPairing(), old.approvePairing(typed)]);
  assert.equal(id, old.identityId);
  assert.equal(approved, device.deviceId);
  assert.equal(await opened(device, sealed), "before");
  assert.equal(await device.isVerified("patient.7"), true);
  const again = await phone.restart();
  assert.equal(again.account.deviceId, approved);
  for (const refused of [() => device.pairingCode(), () => device.joinByPairing()]) {
    await assert.rejects(refused(), { name: "PlicoError", code: "ALREADY_REGISTERED" });
  }
});

test("codes that are none, and a device that may not", async () => {
  const { laptop, phone, directory } = await ward();
  for (const code of ["", "12345", "UUUUU-UUUUU-UUUUU-UUUUU-UUUUU-U", "Z".repeat(26), "\0"]) {
    await assert.rejects(laptop.account.approvePairing(code), { code: "PAIRING_CODE_INVALID" });
  }
  const shown = await phone.account.pairingCode();
  await assert.rejects(phone.account.approvePairing(shown), { code: "NOT_REGISTERED" });
  await Promise.all([phone.account.joinByPairing(), laptop.account.approvePairing(shown)]);
  await laptop.account.revokeDevice(phone.account.deviceId);
  const next = await (await directory.visitor("dr.a")).account.pairingCode();
  await assert.rejects(phone.account.approvePairing(next), { code: "DEVICE_REVOKED" });
});

test("nobody waits for ever, nor longer than the app", async () => {
  const { directory, laptop, phone, sealed } = await ward();
  const shown = await phone.account.pairingCode();
  for (const wait of [
    (options) => phone.account.joinByPairing(options),
    (options) => laptop.account.approvePairing(shown, options),
  ]) {
    const reason = new Error("enough");
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 30);
    const start = performance.now();
    await assert.rejects(wait({ signal: controller.signal }), { code: "CANCELLED", cause: reason });
    assert.ok(performance.now() - start < 20_000, "at once");
    // It counts from when it has begun, which may be later than now.
    const passing = setInterval(() => directory.clock.advance(601_000), 100);
    await assert.rejects(wait(), { code: "PAIRING_EXPIRED" });
    clearInterval(passing);
    assert.equal(phone.account.identityId, undefined);
  }
  // The same code as before, and it works.
  await Promise.all([phone.account.joinByPairing(), laptop.account.approvePairing(shown)]);
  assert.equal(await opened(phone.account, sealed), "before");
});

test("a directory in between is caught on the side that it deceives", async () => {
  const { directory, laptop, phone, sealed } = await ward();
  for (const lie of ["PairingOfferReplaced", "PairingAnswerReplaced"]) {
    const shown = await phone.account.pairingCode();
    directory.tell(lie);
    const controller = new AbortController();
    const { signal } = controller;
    const join = phone.account.joinByPairing({ signal });
    const approve = laptop.account.approvePairing(shown, { signal });
    const [deceived, other] =
      lie === "PairingOfferReplaced" ? [join, approve] : [approve, join];
    const ended = Promise.allSettled([other]);
    await assert.rejects(deceived, { code: "PAIRING_INVALID" });
    // What the other one was told meanwhile depends on the moment.
    controller.abort();
    const [{ reason }] = await ended;
    assert.match(reason.code, /^(CANCELLED|PAIRING_INVALID)$/);
    assert.ok(directory.told > 0, lie);
    directory.honest();
    assert.equal(phone.account.identityId, undefined);
    assert.equal((await laptop.account.devices()).length, 1);
    const next = await phone.account.pairingCode();
    // Whoever deceived the new device knew its code.
    assert.equal(next === shown, lie === "PairingAnswerReplaced");
  }
  const code = await phone.account.pairingCode();
  await Promise.all([phone.account.joinByPairing(), laptop.account.approvePairing(code)]);
  assert.equal(await opened(phone.account, sealed), "before");
});

test("closing ends the waiting", async () => {
  const { laptop, phone } = await ward();
  const shown = await phone.account.pairingCode();
  const both = [phone.account.joinByPairing(), laptop.account.approvePairing(shown)];
  // The first rejection must not be one that nobody has asked for.
  const ended = Promise.all(both.map((it) => assert.rejects(it, { code: "CLOSED" })));
  await phone.account.close();
  await laptop.account.close();
  await ended;
});

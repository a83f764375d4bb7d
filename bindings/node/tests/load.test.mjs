// Many calls at once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TestDirectory } from "plico/testing";

test("2,000 calls at once on one account are all right", async () => {
  const directory = await TestDirectory.start();
  const [doctor, patient] = await Promise.all(
    ["dr.a", "patient.7"].map((id) => directory.person(id)),
  );
  const sessions = await Promise.all(
    Array.from({ length: 20 }, () =>
      doctor.account.createSession({ recipients: [{ userId: "patient.7" }] }),
    ),
  );
  const results = await Promise.all(
    Array.from({ length: 2000 }, async (_, at) => {
      const session = sessions[at % 20];
      switch (at % 4) {
        case 0: {
          const data = Buffer.alloc(at * 10, at);
          const sealed = await session.encrypt(data, { context: { at } });
          return (await doctor.account.decrypt(sealed, { context: { at } })).data.equals(data);
        }
        case 1: {
          const sealed = await session.encryptText(`note ${at}`);
          return (await patient.account.decryptText(sealed)) === `note ${at}`;
        }
        case 2:
          return (await session.recipients()).length === 2;
        default:
          await assert.rejects(session.decryptText("plc1.AAAA"), { code: "NOT_AN_ENVELOPE" });
          return true;
      }
    }),
  );
  assert.equal(results.length, 2000);
  assert.ok(results.every((it) => it === true));
});

test("buffers that the garbage collector may have do not lose what is in them", async () => {
  const directory = await TestDirectory.start();
  const { account } = await directory.person("dr.a");
  const session = await account.createSession();
  const sealed = await Promise.all(
    Array.from({ length: 100 }, (_, at) => session.encrypt(Buffer.alloc(1_000_000, at))),
  );
  const opened = await Promise.all(sealed.map((it) => account.decrypt(Buffer.from(it))));
  for (const [at, { data }] of opened.entries()) {
    assert.ok(data.every((byte) => byte === at));
    data.fill(0);
  }
});

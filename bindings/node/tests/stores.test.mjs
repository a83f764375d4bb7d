// A store of the app's own, and how it may fail: never a crash, never a hang.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TestDirectory } from "plico/testing";

/** A store as an app would write it, whose next calls can be made to fail. */
class MapStore {
  map = new Map();
  fail = undefined;
  calls = 0;

  check() {
    this.calls += 1;
    if (this.fail !== undefined) return this.fail();
  }

  async get(key) {
    return this.check() ?? this.map.get(key);
  }

  async scan(prefix) {
    const pairs = [...this.map].filter(([key]) => key.startsWith(prefix));
    return this.check() ?? pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  async commit(changes, expected) {
    const failed = this.check();
    if (failed !== undefined) return failed;
    const holds = ({ key, value }) => {
      const there = this.map.get(key);
      return value === null ? there === undefined : there !== undefined && value.equals(there);
    };
    if (!expected.every(holds))
      throw Object.assign(new Error("changed"), { code: "STORE_CONFLICT" });
    for (const { key, value } of changes) {
      if (value === null) this.map.delete(key);
      else this.map.set(key, value);
    }
  }
}

test("an account lives in a store of the app's own", async () => {
  const directory = await TestDirectory.start();
  const store = new MapStore();
  const open = async () => (await directory.plico()).account({ store });
  const account = await open();
  const enrolment = ({ identityId }) => directory.enrol("dr.a", identityId);
  const id = await account.register({ userId: "dr.a", enrolment });
  const sealed = await (await account.createSession()).encryptText("kept");
  assert.ok(store.map.size > 2);
  await account.close();
  const again = await open();
  assert.equal(again.identityId, id);
  directory.down(true);
  assert.equal(await again.offline().decryptText(sealed), "kept");
});

test("two programs that register at once with one store make one identity", async () => {
  const directory = await TestDirectory.start();
  const store = new MapStore();
  const enrolment = ({ identityId }) => directory.enrol("dr.a", identityId);
  const accounts = await Promise.all(
    [1, 2].map(async () => (await directory.plico()).account({ store })),
  );
  const results = await Promise.allSettled(
    accounts.map((it) => it.register({ userId: "dr.a", enrolment })),
  );
  const done = results.filter((it) => it.status === "fulfilled");
  assert.ok(done.length >= 1);
  for (const it of results) {
    if (it.status === "rejected") assert.match(it.reason.code, /^(STORE|CONFLICT)$/);
  }
  const again = await (await directory.plico()).account({ store });
  const id = await again.register({ userId: "dr.a", enrolment });
  assert.deepEqual(new Set([id, ...done.map((it) => it.value)]), new Set([id]));
});

const failures = {
  throws: [
    () => {
      throw new Error("secret");
    },
    "STORE",
  ],
  "throws nothing": [
    () => {
      throw undefined;
    },
    "STORE",
  ],
  rejects: [() => Promise.reject(new Error("secret")), "STORE"],
  "gives text": [() => "secret", "STORE"],
  "gives a number": [() => 7, "STORE"],
  "is full": [
    () => {
      throw Object.assign(new Error(), { code: "STORE_FULL" });
    },
    "STORE_FULL",
  ],
  "is read-only": [
    () => {
      throw Object.assign(new Error(), { code: "STORE_READ_ONLY" });
    },
    "STORE_READ_ONLY",
  ],
  "is busy": [
    () => {
      throw Object.assign(new Error(), { code: "STORE_BUSY" });
    },
    "STORE_BUSY",
  ],
  "throws an error whose code throws": [
    () => {
      throw {
        get code() {
          throw new Error("secret");
        },
      };
    },
    "STORE",
  ],
  "gives bytes that nobody wrote": [() => Buffer.from("garbage"), /^(STORE|NEEDS_NEWER_CLIENT)/],
};

for (const [what, [fail, code]] of Object.entries(failures)) {
  test(`a store that ${what}`, async () => {
    const directory = await TestDirectory.start();
    const store = new MapStore();
    const plico = await directory.plico();
    const account = await plico.account({ store });
    const enrolment = ({ identityId }) => directory.enrol("dr.a", identityId);
    await account.register({ userId: "dr.a", enrolment });
    store.fail = fail;
    const failed = (error) => {
      assert.match(error.code, code instanceof RegExp ? code : new RegExp(`^${code}$`));
      assert.doesNotMatch(error.message, /secret/);
      return true;
    };
    await assert.rejects(plico.account({ store }), failed);
    if (!(code instanceof RegExp)) await assert.rejects(account.createSession(), failed);
    store.fail = undefined;
    const session = await account.createSession();
    assert.equal(await session.decryptText(await session.encryptText("goes on")), "goes on");
  });
}

test("a store that never answers is given up with the call", async () => {
  const directory = await TestDirectory.start();
  const store = new MapStore();
  store.fail = () => new Promise(() => {});
  const plico = await directory.plico();
  const call = plico.account({ store, signal: AbortSignal.timeout(50) });
  await assert.rejects(call, { code: "CANCELLED" });
});

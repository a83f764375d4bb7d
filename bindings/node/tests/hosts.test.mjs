// What the app supplies, and how it may fail: never a crash, never a hang.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { test } from "node:test";
import { Plico } from "plico";
import { TestDirectory } from "plico/testing";

const tenant = "A".repeat(43);

const transports = {
  "throws in the call": { send() { throw new Error("secret"); } },
  "rejects": { async send() { throw Object.assign(new Error("secret"), { code: "ECONNRESET" }); } },
  "rejects with nothing": { send: () => Promise.reject() },
  "gives nothing": { async send() {} },
  "gives no promise": { send: () => 7 },
  "gives text": { async send() { return "secret"; } },
  "gives a body of text": { async send() { return { status: 200, body: "secret" }; } },
  "gives shared memory": { async send() { return { status: 200, body: new Uint8Array(new SharedArrayBuffer(1)) }; } },
  "gives no status": { async send() { return { status: "200", body: new Uint8Array() }; } },
  "gives a wild status": { async send() { return { status: 1e9, body: new Uint8Array() }; } },
  "gives too much": { async send() { return { status: 200, body: new Uint8Array(65 * 1024 * 1024) }; } },
  "has a getter that throws": { async send() { return { get status() { throw new Error("secret"); } }; } },
  "never answers": { send: () => new Promise(() => {}) },
};

for (const [what, transport] of Object.entries(transports)) {
  test(`a transport that ${what}`, async () => {
    const options = { directory: "https://keys.example.org", tenant, transport, attempts: 2, requestTimeoutMs: 200 };
    const plico = await Plico.open(options);
    await assert.rejects(plico.account({ inMemory: true }), (error) => {
      assert.equal(error.code, "NETWORK");
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });
}

test("a transport that answers with garbage is not a directory", async () => {
  const transport = { async send() { return { status: 200, body: Buffer.from("<html>") }; } };
  const open = Plico.open({ directory: "https://keys.example.org", tenant, transport });
  await assert.rejects(open, { code: "PROTOCOL_ERROR" });
});

test("a transport gets whole requests", async () => {
  const seen = [];
  const transport = { async send(request) { seen.push(request); throw new Error(); } };
  await Plico.open({ directory: "https://keys.example.org/", tenant, transport, attempts: 1 });
  assert.equal(seen.length, 1);
  assert.equal(seen[0].method, "GET");
  assert.equal(seen[0].url, `https://keys.example.org/v1/tenants/${tenant}?from=0`);
  assert.equal(seen[0].body, undefined);
  assert.equal(typeof seen[0].headers, "object");
});

test("the built-in HTTP client follows no redirect and waits no longer than it may", async (t) => {
  const server = createServer((request, response) => {
    if (request.url.includes("/slow/")) return;
    response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
  });
  t.after(() => { server.closeAllConnections(); server.close(); });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}`;
  await assert.rejects(Plico.open({ directory: url, tenant, attempts: 1 }), { code: "PROTOCOL_ERROR" });
  const slow = await Plico.open({ directory: `${url}/slow`, tenant, attempts: 1, requestTimeoutMs: 100 });
  await assert.rejects(slow.account({ inMemory: true }), { code: "NETWORK" });
});

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
    if (!expected.every(holds)) throw Object.assign(new Error("changed"), { code: "STORE_CONFLICT" });
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
  const accounts = await Promise.all([1, 2].map(async () => (await directory.plico()).account({ store })));
  const results = await Promise.allSettled(accounts.map((it) => it.register({ userId: "dr.a", enrolment })));
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
  "throws": [() => { throw new Error("secret"); }, "STORE"],
  "throws nothing": [() => { throw undefined; }, "STORE"],
  "rejects": [() => Promise.reject(new Error("secret")), "STORE"],
  "gives text": [() => "secret", "STORE"],
  "gives a number": [() => 7, "STORE"],
  "is full": [() => { throw Object.assign(new Error(), { code: "STORE_FULL" }); }, "STORE_FULL"],
  "is read-only": [() => { throw Object.assign(new Error(), { code: "STORE_READ_ONLY" }); }, "STORE_READ_ONLY"],
  "is busy": [() => { throw Object.assign(new Error(), { code: "STORE_BUSY" }); }, "STORE_BUSY"],
  "throws an error whose code throws": [
    () => { throw { get code() { throw new Error("secret"); } }; },
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

test("the app's own enrolment call fails", async () => {
  const directory = await TestDirectory.start();
  const account = await (await directory.plico()).account({ inMemory: true });
  const register = (enrolment) => account.register({ userId: "dr.a", enrolment });
  const cause = new Error("the backend is down");
  const fails = { code: "ENROLMENT_FAILED", cause };
  await assert.rejects(register(() => { throw cause; }), fails);
  await assert.rejects(register(async () => { throw cause; }), fails);
  await assert.rejects(register(() => Promise.reject()), { code: "ENROLMENT_FAILED", cause: undefined });
  await assert.rejects(register(async () => 7), (error) => {
    assert.equal(error.code, "ENROLMENT_FAILED");
    assert.equal(error.cause.code, "INVALID_ARGUMENT");
    return true;
  });
  await assert.rejects(register(async () => "no token"), { code: "ENROLMENT_INVALID" });
  const never = account.register({
    userId: "dr.a",
    enrolment: () => new Promise(() => {}),
    signal: AbortSignal.timeout(50),
  });
  await assert.rejects(never, { code: "CANCELLED" });
  const forAnother = ({ identityId }) => directory.enrol("dr.b", identityId);
  await assert.rejects(register(forAnother), { code: "ENROLMENT_INVALID" });
  await register(({ identityId }) => directory.enrol("dr.a", identityId));
});

test("hooks are told, in order, and may throw", async () => {
  const directory = await TestDirectory.start();
  const warnings = [];
  const onWarning = (warning) => warnings.push(warning);
  process.on("warning", onWarning);
  const events = [];
  const lines = [];
  const plico = await directory.plico({
    attempts: 1,
    onEvent(event) {
      events.push(event);
      throw new TypeError("a bug in the app");
    },
    onLog: async (record) => {
      lines.push(record);
      throw new RangeError("another");
    },
  });
  const account = await plico.account({ inMemory: true });
  await account.register({ userId: "dr.a", enrolment: ({ identityId }) => directory.enrol("dr.a", identityId) });
  directory.down(true);
  await assert.rejects(account.createSession(), { code: "NETWORK" });
  directory.down(false);
  directory.clock.advance(10_000);
  await account.createSession();
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.off("warning", onWarning);
  assert.deepEqual(events.map((it) => it.type), ["offline", "online", "settled"]);
  assert.deepEqual(events[0], { type: "offline" });
  assert.equal(events[2].done, true);
  assert.ok(lines.length > 4);
  for (const { level, message } of lines) {
    assert.match(level, /^(debug|info|warn)$/);
    assert.doesNotMatch(message, /dr\.a/);
  }
  const ours = warnings.filter((it) => it.code === "PLICO_HOOK");
  assert.equal(ours.length, events.length + lines.length);
  assert.ok(ours.every((it) => /^on(Event|Log) threw: (TypeError|RangeError)$/.test(it.message)));
});

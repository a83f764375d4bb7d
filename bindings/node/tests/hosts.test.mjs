// What the app supplies, and how it may fail: never a crash, never a hang.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { test } from "node:test";
import { Plico } from "plico";
import { TestDirectory } from "plico/testing";

const tenant = "A".repeat(43);

const transports = {
  "throws in the call": {
    send() {
      throw new Error("secret");
    },
  },
  rejects: {
    async send() {
      throw Object.assign(new Error("secret"), { code: "ECONNRESET" });
    },
  },
  "rejects with nothing": { send: () => Promise.reject() },
  "gives nothing": { async send() {} },
  "gives no promise": { send: () => 7 },
  "gives text": {
    async send() {
      return "secret";
    },
  },
  "gives a body of text": {
    async send() {
      return { status: 200, body: "secret" };
    },
  },
  "gives shared memory": {
    async send() {
      return { status: 200, body: new Uint8Array(new SharedArrayBuffer(1)) };
    },
  },
  "gives no status": {
    async send() {
      return { status: "200", body: new Uint8Array() };
    },
  },
  "gives a wild status": {
    async send() {
      return { status: 1e9, body: new Uint8Array() };
    },
  },
  "gives too much": {
    async send() {
      return { status: 200, body: new Uint8Array(65 * 1024 * 1024) };
    },
  },
  "has a getter that throws": {
    async send() {
      return {
        get status() {
          throw new Error("secret");
        },
      };
    },
  },
  "never answers": { send: () => new Promise(() => {}) },
};

for (const [what, transport] of Object.entries(transports)) {
  test(`a transport that ${what}`, async () => {
    const options = {
      directory: "https://keys.example.org",
      tenant,
      transport,
      attempts: 2,
      requestTimeoutMs: 200,
    };
    const plico = await Plico.open(options);
    await assert.rejects(plico.account({ inMemory: true }), (error) => {
      assert.equal(error.code, "NETWORK");
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });
}

test("a transport that answers with garbage is not a directory", async () => {
  const transport = {
    async send() {
      return { status: 200, body: Buffer.from("<html>") };
    },
  };
  const open = Plico.open({ directory: "https://keys.example.org", tenant, transport });
  await assert.rejects(open, { code: "PROTOCOL_ERROR" });
});

test("a transport gets whole requests", async () => {
  const seen = [];
  const transport = {
    async send(request) {
      seen.push(request);
      throw new Error();
    },
  };
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
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}`;
  await assert.rejects(Plico.open({ directory: url, tenant, attempts: 1 }), {
    code: "PROTOCOL_ERROR",
  });
  const slow = await Plico.open({
    directory: `${url}/slow`,
    tenant,
    attempts: 1,
    requestTimeoutMs: 100,
  });
  await assert.rejects(slow.account({ inMemory: true }), { code: "NETWORK" });
});

test("the app's own enrolment call fails", async () => {
  const directory = await TestDirectory.start();
  const account = await (await directory.plico()).account({ inMemory: true });
  const register = (enrolment) => account.register({ userId: "dr.a", enrolment });
  const cause = new Error("the backend is down");
  const fails = { code: "ENROLMENT_FAILED", cause };
  await assert.rejects(
    register(() => {
      throw cause;
    }),
    fails,
  );
  await assert.rejects(
    register(async () => {
      throw cause;
    }),
    fails,
  );
  await assert.rejects(
    register(() => Promise.reject()),
    { code: "ENROLMENT_FAILED", cause: undefined },
  );
  await assert.rejects(
    register(async () => 7),
    (error) => {
      assert.equal(error.code, "ENROLMENT_FAILED");
      assert.equal(error.cause.code, "INVALID_ARGUMENT");
      return true;
    },
  );
  await assert.rejects(
    register(async () => "no token"),
    { code: "ENROLMENT_INVALID" },
  );
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

test("hooks are told, in order, and may throw", async (t) => {
  const directory = await TestDirectory.start();
  const warn = t.mock.method(process, "emitWarning", () => {});
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
  await account.register({
    userId: "dr.a",
    enrolment: ({ identityId }) => directory.enrol("dr.a", identityId),
  });
  directory.down(true);
  await assert.rejects(account.createSession(), { code: "NETWORK" });
  directory.down(false);
  directory.clock.advance(10_000);
  await account.createSession();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(
    events.map((it) => it.type),
    ["offline", "online", "settled"],
  );
  assert.deepEqual(events[0], { type: "offline" });
  assert.equal(events[2].done, true);
  assert.ok(lines.length > 4);
  for (const { level, message } of lines) {
    assert.match(level, /^(debug|info|warn)$/);
    assert.doesNotMatch(message, /dr\.a/);
  }
  const warnings = warn.mock.calls.map((it) => it.arguments);
  assert.equal(warnings.length, events.length + lines.length);
  for (const [message, options] of warnings) {
    assert.match(message, /^on(Event|Log) threw: (TypeError|RangeError)$/);
    assert.equal(options.code, "PLICO_HOOK");
  }
});

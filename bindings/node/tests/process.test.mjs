// The package in processes and worker threads: they end by themselves, and nothing ends them.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

const here = new URL(".", import.meta.url);

/** Runs a module's text in a process of its own. */
async function run(source) {
  const args = ["--input-type=module", "--unhandled-rejections=strict", "-e", source];
  return promisify(execFile)(process.execPath, args, { cwd: here, timeout: 20_000 });
}

const begin = `
  import { Plico } from "plico";
  import { TestDirectory } from "plico/testing";
  const directory = await TestDirectory.start();
  const plico = await directory.plico({ onEvent() {}, onLog() {} });
  const account = await plico.account({ inMemory: true });
  await account.register({ userId: "dr.a", enrolment: ({ identityId }) => directory.enrol("dr.a", identityId) });
  const session = await account.createSession();
`;

test("a process ends by itself when nothing is under way", async () => {
  const closed = await run(
    `${begin} await session.encryptText("x"); await plico.close(); console.log("end");`,
  );
  assert.equal(closed.stdout, "end\n");
  const open = await run(`${begin} await session.encryptText("x"); console.log("end");`);
  assert.equal(open.stdout, "end\n");
  const transport = await run(`
    import { Plico } from "plico";
    const transport = { send: async () => { throw new Error(); } };
    await Plico.open({ directory: "https://x", tenant: "A".repeat(43), transport, attempts: 1 });
    console.log("end");
  `);
  assert.equal(transport.stdout, "end\n");
});

test("a process stays for what is under way", async () => {
  const { stdout } = await run(`${begin}
    session.encrypt(Buffer.alloc(50_000_000)).then((it) => console.log(it.length > 50_000_000));
  `);
  assert.equal(stdout, "true\n");
});

test("a process may exit in the middle of everything", async () => {
  const { stdout } = await run(`${begin}
    for (let at = 0; at < 50; at += 1) session.encrypt(Buffer.alloc(2_000_000)).catch(() => {});
    for (let at = 0; at < 50; at += 1) session.rotate().catch(() => {});
    process.on("exit", () => console.log("exit"));
    setTimeout(() => process.exit(0), 20);
  `);
  assert.equal(stdout, "exit\n");
});

test("no rejection is unhandled, whatever is refused", async () => {
  const { stdout, stderr } = await run(`${begin}
    const refused = await Promise.allSettled([
      session.encrypt(null),
      session.decryptText("x"),
      session.encryptFile("/nowhere/a", "/nowhere/b", { onProgress() {} }),
      account.createSession({ recipients: [{ userId: "nobody" }] }),
      session.refresh({ signal: AbortSignal.abort() }),
      account.register({ userId: "dr.b", enrolment() { throw 1; } }),
      plico.account({ store: { get() { throw 1; }, scan() {}, commit() {} } }),
    ]);
    await plico.close();
    console.log(refused.map((it) => it.reason.code).join(" "));
  `);
  assert.equal(
    stdout,
    "INVALID_ARGUMENT NOT_AN_ENVELOPE IO RECIPIENTS_NOT_FOUND CANCELLED ALREADY_REGISTERED STORE\n",
  );
  assert.equal(stderr, "");
});

const start = (...argv) => new Worker(new URL("tools/worker.cjs", import.meta.url), { argv });

test("worker threads have it, too, one after the other and at once", async () => {
  for (let round = 0; round < 2; round += 1) {
    const workers = [start(), start(), start()];
    const all = (event) => Promise.all(workers.map((it) => once(it, event)));
    const [messages, codes] = await Promise.all([all("message"), all("exit")]);
    assert.deepEqual(messages.flat(), Array(3).fill("from a worker"));
    assert.deepEqual(codes.flat(), [0, 0, 0]);
  }
});

test("a worker thread may be stopped in the middle of everything", async () => {
  for (let round = 0; round < 5; round += 1) {
    const running = start("go on");
    await once(running, "message");
    await new Promise((resolve) => setTimeout(resolve, 10 * round));
    await running.terminate();
  }
});

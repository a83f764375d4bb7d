// What a worker thread of process.test.mjs does.

const { parentPort } = require("node:worker_threads");
const { TestDirectory } = require("plico/testing");

(async () => {
  const directory = await TestDirectory.start();
  const { account } = await directory.person("dr.a");
  const session = await account.createSession();
  parentPort.postMessage(await session.decryptText(await session.encryptText("from a worker")));
  while (process.argv[2] === "go on") {
    await Promise.all([session.encrypt(Buffer.alloc(1_000_000)), session.recipients()]);
  }
})();

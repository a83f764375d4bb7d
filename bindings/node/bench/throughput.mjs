// How many bytes a second go through the package, one call after the other: the
// Node side of scripts/bench-bindings. It measures the addon that was built last
// (`npm run build` for the release). The file is made in PLICO_BENCH_FOLDER,
// which had better be in memory.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TestDirectory } from "plico/testing";

const KIB = 1024;
const MIB = 1024 * KIB;
const SIZES = { "1 KiB": KIB, "1 MiB": MIB, "16 MiB": 16 * MIB };
const FILE = 256 * MIB;
/** How long one measurement takes at least, in milliseconds. */
const TIME_MS = 400;

function report(what, bytes, ms) {
  const entry = { language: "node", what, bytes_per_second: (bytes * 1000) / ms };
  console.log(JSON.stringify(entry));
}

/** Calls `work`, one call after the other, for at least TIME_MS; one call before does not count. */
async function repeat(what, size, work) {
  await work();
  const start = performance.now();
  let bytes = 0;
  while (performance.now() - start < TIME_MS) {
    await work();
    bytes += size;
  }
  report(what, bytes, performance.now() - start);
}

const directory = await TestDirectory.start();
const { account } = await directory.person("dr.a");
const session = await account.createSession();
for (const [name, size] of Object.entries(SIZES)) {
  const plaintext = Buffer.alloc(size, 0x5a);
  await repeat(`encrypt ${name}`, size, () => session.encrypt(plaintext));
  const envelope = await session.encrypt(plaintext);
  await repeat(`decrypt ${name}`, size, () => session.decrypt(envelope));
}

const folder = mkdtempSync(join(process.env.PLICO_BENCH_FOLDER ?? tmpdir(), "plico-bench-"));
try {
  const [source, target] = [join(folder, "plain"), join(folder, "sealed")];
  writeFileSync(source, Buffer.alloc(FILE, 0x5a));
  // The first one makes the pages that the second one writes to.
  await session.encryptFile(source, target);
  const start = performance.now();
  await session.encryptFile(source, target);
  report("encrypt_file 256 MiB", FILE, performance.now() - start);
} finally {
  rmSync(folder, { recursive: true });
}

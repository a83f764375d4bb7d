import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that is gone after the test. */
export function temporaryFolder(t) {
  const folder = mkdtempSync(join(tmpdir(), "plico-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A file that takes so long that a call can be aborted before it ends; it takes no room. */
export function longFile(path) {
  writeFileSync(path, "");
  truncateSync(path, 256 * 1024 * 1024);
}

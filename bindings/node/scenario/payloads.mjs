// Verbs that only some languages have: streams and ranges.

import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";

const options = (world, args, signal) => ({ ...world.context(args.context), ...signal });
/** A megabyte at a time: a file of 100 MiB is not many turns of the event loop. */
const source = (world, args) =>
  createReadStream(world.path(args.source), { highWaterMark: 1024 * 1024 });

export const payloads = {
  async encrypt_stream(world, args, session, signal) {
    const sealed = session.encryptStream(source(world, args), options(world, args, signal));
    await pipeline(sealed, createWriteStream(world.path(args.target)));
    return null;
  },
  async decrypt_stream(world, args, account, signal) {
    const hash = createHash("sha256");
    const plain = account.decryptStream(source(world, args), options(world, args, signal));
    for await (const part of plain) hash.update(part);
    return hash.digest("hex");
  },
  async read_range(world, args, account, signal) {
    const path = world.path(args.source);
    const reader = await account.openEnvelope(path, options(world, args, signal));
    const part = await reader.read(args.offset, args.length, signal);
    await reader.close();
    return part;
  },
};

// What a phase remembers, and the values that the file writes down.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StepError } from "./file.mjs";

export class World {
  #names = new Map();

  constructor(args) {
    this.args = args;
  }

  path(name) {
    return join(this.args.work, name);
  }

  remember(name, value) {
    this.#names.set(name, value);
  }

  /** What an earlier step remembers; nothing if no name is given. */
  named(name) {
    if (name === undefined) return undefined;
    if (!this.#names.has(name)) throw new StepError(`nothing is remembered as ${name}`);
    return this.#names.get(name);
  }

  save(name, value) {
    if (typeof value !== "string" && !(value instanceof Uint8Array)) {
      throw new StepError("this can't be saved");
    }
    writeFileSync(this.path(name), value);
  }

  bytes(value) {
    if (typeof value === "string" && value.startsWith("$")) {
      return Buffer.from(this.named(value.slice(1)));
    }
    const [[form, what] = [], ...more] = Object.entries(value ?? {});
    if (more.length > 0) throw new StepError("these are no bytes");
    switch (form) {
      case "utf8":
        return Buffer.from(what);
      case "base64":
        return Buffer.from(what, "base64");
      case "repeat":
        return Buffer.from(what[0].repeat(what[1]));
      case "load":
        return readFileSync(this.path(what));
      case "flip": {
        const bytes = Buffer.from(this.bytes(what[0]));
        bytes[what[1] < 0 ? bytes.length + what[1] : what[1]] ^= 1;
        return bytes;
      }
      case "cut":
        return this.bytes(what[0]).subarray(0, what[1]);
      default:
        throw new StepError("these are no bytes");
    }
  }

  text(value) {
    if (typeof value === "string" && !value.startsWith("$")) return value;
    return this.bytes(value).toString("utf8");
  }

  context(value) {
    if (value === undefined) return {};
    if ("raw" in value) return { context: this.bytes(value.raw) };
    const fields = Object.entries(value.fields).map(([name, it]) => [name, this.#field(it)]);
    return { context: Object.fromEntries(fields) };
  }

  #field(value) {
    if (typeof value === "object" && "integer" in value) return BigInt(value.integer);
    return typeof value === "object" ? this.bytes(value) : value;
  }

  recipient({ user, identity, group }) {
    if (group !== undefined) return { group: this.text(group) };
    return user === undefined ? { identityId: this.text(identity) } : { userId: this.text(user) };
  }

  /** Who gets what. */
  granted(recipients = []) {
    return recipients.map((it) => ({ ...this.recipient(it), ...this.grant(it) }));
  }

  fileKey({ passphrase, host_secret: hostSecret }) {
    return passphrase === undefined
      ? { hostSecret: this.bytes(hostSecret) }
      : { passphrase: this.text(passphrase) };
  }

  grant({ rights, expires_in_ms: expiresInMs }) {
    return {
      ...(rights === undefined ? {} : { rights }),
      ...(expiresInMs === undefined ? {} : { expiresAt: new Date(Date.now() + expiresInMs) }),
    };
  }
}

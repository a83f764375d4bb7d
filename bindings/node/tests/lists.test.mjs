// What stands in two places is the same in both.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { PlicoError } from "plico";
import * as esm from "plico";
import * as esmTesting from "plico/testing";

const require = createRequire(import.meta.url);
const { addon } = require("../dist/testing/native.js");
const { invalid, cancelled } = require("../dist/errors.js");

/** The members of a union of strings, and the rows of the table above it. */
function union(file, type) {
  const source = readFileSync(new URL(file, import.meta.url), "utf8");
  const members = source.slice(source.indexOf(`export type ${type} =`));
  const rows = [...source.matchAll(/^ \* \| `(\w+)` \| (.*) \|$/gm)].map(([, name, what]) => [
    name,
    what,
  ]);
  return { members: [...members.matchAll(/\| "(\w+)"/g)].map(([, name]) => name), rows };
}

test("the codes of errors are those of the SDK", () => {
  const native = addon.errorCodes();
  const { members, rows } = union("../ts/codes.ts", "PlicoErrorCode");
  assert.ok(native.length > 60);
  assert.deepEqual(
    members,
    native.map(({ code }) => code),
  );
  assert.deepEqual(
    rows,
    native.map(({ code, sentence }) => [code, sentence]),
  );
  for (const error of [invalid("x"), cancelled("y")]) {
    const { sentence } = native.find(({ code }) => code === error.code);
    assert.ok(error.message.startsWith(`${error.code}: ${sentence}`));
  }
});

test("the lies are those of the testing kit", () => {
  const native = addon.lies();
  const { members, rows } = union("../ts/testing/lies.ts", "Lie");
  assert.ok(native.length > 100);
  assert.deepEqual(
    members,
    native.map(({ name }) => name),
  );
  assert.deepEqual(
    rows,
    native.map(({ name, what }) => [name, what]),
  );
});

test("import and require give the same names and the same classes", () => {
  for (const [module, name] of [
    [esm, "plico"],
    [esmTesting, "plico/testing"],
  ]) {
    const required = require(name);
    assert.deepEqual(Object.keys(module).sort(), Object.keys(required).sort());
    for (const key of Object.keys(module)) assert.equal(module[key], required[key]);
  }
  assert.deepEqual(Object.keys(esm).sort(), [
    "AccessList",
    "Account",
    "EncryptionSession",
    "EnvelopeReader",
    "Group",
    "Plico",
    "PlicoError",
    "RecoveryKey",
    "SealedFolder",
    "Service",
    "cipherBackend",
    "generatePassphrase",
    "openOfflineFile",
  ]);
});

test("an error is an Error, with a name, a code and a stack", () => {
  const error = new PlicoError("NETWORK", "NETWORK: x", { cause: 7 });
  assert.ok(error instanceof Error);
  assert.equal(error.name, "PlicoError");
  assert.equal(error.cause, 7);
  assert.deepEqual(error.recipients, []);
  assert.match(error.stack, /^PlicoError: NETWORK: x\n/);
  assert.ok(!("cause" in new PlicoError("NETWORK", "x")));
});

// The Node runner of bindings/scenario/scenario.json; see the README there.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PlicoError } from "plico";
import { checkTimes, matches } from "./compare.mjs";
import { StepError, steps } from "./file.mjs";
import { verbs } from "./verbs.mjs";
import { World } from "./world.mjs";

const names = ["scenario", "phase", "language", "languages", "directory", "tenant", "work"];
const joined = [];
for (const arg of process.argv.slice(2)) {
  // A tenant's id may begin with a hyphen, so `--tenant ID` is made `--tenant=ID`.
  if (/^--\w+$/.test(joined.at(-1) ?? "")) joined.push(`${joined.pop()}=${arg}`);
  else joined.push(arg);
}
const options = Object.fromEntries(names.map((name) => [name, { type: "string" }]));
const { values: given } = parseArgs({ args: joined, options });
for (const name of names) if (given[name] === undefined) throw new Error(`--${name} is missing`);
const args = { ...given, languages: given.languages.split(",") };

const folder = join(args.work, args.language);
mkdirSync(folder, { recursive: true });

/** What earlier phases have left. */
function record(name) {
  try {
    return JSON.parse(readFileSync(join(folder, name), "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return {};
    throw error;
  }
}

/** The option that cancels a call as a step says. */
function cancelling(when) {
  switch (when) {
    case undefined:
      return {};
    case "before":
      return { signal: AbortSignal.abort() };
    case "after":
      return { signal: AbortSignal.timeout(4_000) };
    default:
      throw new StepError("`cancel` is before or after");
  }
}

/** Does a step, and throws what is wrong with it. */
async function play(world, step, errors) {
  let result;
  try {
    const verb = verbs[step.verb];
    if (verb === undefined) throw new StepError(`no verb ${step.verb}`);
    const signal = cancelling(step.cancel);
    result = await verb(world, step.args ?? {}, world.named(step.on), signal);
  } catch (error) {
    if (!(error instanceof PlicoError)) throw error;
    if (step.error === undefined) throw new StepError(`got ${error.message}`);
    errors[step.id] = { code: error.code, message: error.message };
    if (error.code !== step.error)
      throw new StepError(`expected ${step.error}, got ${error.message}`);
    const listed = step.recipients ?? error.recipients;
    if (JSON.stringify(listed) !== JSON.stringify(error.recipients)) {
      throw new StepError("the list of recipients is another one");
    }
    return;
  }
  if (step.error !== undefined) throw new StepError(`expected ${step.error}, but it succeeded`);
  checkTimes(result);
  if ("gives" in step && !matches(world, step.gives, result)) {
    throw new StepError("another value than expected");
  }
  if (step.save !== undefined) world.save(step.save, result);
  if (step.as !== undefined) world.remember(step.as, result);
}

const [results, errors] = [record("results.json"), record("errors.json")];
const world = new World(args);
let [passed, failed] = [0, 0];
for (const step of steps(args)) {
  try {
    await play(world, step, errors);
    results[step.id] = "passed";
    passed += 1;
  } catch (error) {
    const why = error instanceof StepError ? error.message : `${error?.name}: the runner's own`;
    console.log(`FAILED ${step.id}: ${why}`);
    results[step.id] = "failed";
    failed += 1;
  }
}
for (const [name, value] of [
  ["results.json", results],
  ["errors.json", errors],
]) {
  writeFileSync(join(folder, name), JSON.stringify(value, null, 2));
}
console.log(`scenario ${args.language} ${args.phase}: ${passed} steps passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

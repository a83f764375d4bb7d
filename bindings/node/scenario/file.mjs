// The scenario's file: its steps, with placeholders filled in.

import { readFileSync } from "node:fs";

/** A step that did not do what it was to do, or that can't be done; safe to print. */
export class StepError extends Error {}

const MEMBERS = [
  "id",
  "verb",
  "on",
  "args",
  "as",
  "save",
  "each",
  "cancel",
  "gives",
  "error",
  "recipients",
];

/** The steps of the phase that `args` names, `each` of them unfolded. */
export function steps(args) {
  const { format, phases } = JSON.parse(readFileSync(args.scenario, "utf8"));
  if (format !== 1) throw new Error(`the scenario has format ${format}`);
  const phase = phases.find(({ name }) => name === args.phase);
  if (phase === undefined) throw new Error(`the scenario has no phase ${args.phase}`);
  const { language, languages, directory, tenant } = args;
  const next = languages[(languages.indexOf(language) + 1) % languages.length];
  const known = { lang: language, next, directory, tenant };
  return phase.steps.flatMap(({ each, ...step }) => {
    const unknown = Object.keys(step).filter((name) => !MEMBERS.includes(name));
    if (unknown.length > 0) throw new Error(`${step.id} has ${unknown}`);
    if (each === undefined) return [fill(step, known, args)];
    if (each !== "other") throw new Error('`each` is always "other"');
    return args.languages.map((other) => {
      const unfolded = fill(step, { ...known, other }, args);
      return { ...unfolded, id: `${unfolded.id}/${other}` };
    });
  });
}

/** `value` with the placeholders in its strings replaced, and lists over languages unfolded. */
function fill(value, known, args) {
  if (typeof value === "string") {
    return value.replaceAll(
      /\{(lang|next|other|every|directory|tenant)\}/g,
      (all, name) => known[name] ?? all,
    );
  }
  if (Array.isArray(value)) {
    return value.flatMap((item) =>
      isEvery(item)
        ? args.languages.map((every) => fill(item.every, { ...known, every }, args))
        : [fill(item, known, args)],
    );
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, fill(inner, known, args)]),
    );
  }
  return value;
}

const isEvery = (item) =>
  typeof item === "object" && item !== null && Object.keys(item).join() === "every";

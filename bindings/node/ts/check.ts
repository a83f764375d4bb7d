/** Arguments are what the types say, also where nobody has compiled against them. */

import { types } from "node:util";
import { fileURLToPath } from "node:url";
import { invalid } from "./errors";

const MAX_U32 = 0xffff_ffff;

// As the language has it: a subclass may have another `buffer`.
const bufferOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  "buffer",
)?.get as (this: Uint8Array) => ArrayBufferLike;

/** A plain object, which options are; `undefined` counts as an empty one. */
export function options<T extends object>(value: T | undefined, name = "options"): T {
  if (value === undefined) return {} as T;
  return object(value, name);
}

export function object<T extends object>(value: T, name: string): T {
  if (typeof value !== "object" || value === null) throw invalid(`${name} is an object`);
  return value;
}

/** Text; a string with half a surrogate pair has no UTF-8, and would come back as another. */
export function text(value: string, name: string): string {
  if (typeof value !== "string") throw invalid(`${name} is a string`);
  if (!value.isWellFormed()) throw invalid(`${name} has a lone surrogate`);
  return value;
}

/**
 * Bytes, which another thread may read while the call goes on: not shared
 * memory, and not memory that may shrink or has gone elsewhere.
 */
export function bytes(value: Uint8Array, name: string): Uint8Array {
  if (!types.isUint8Array(value)) throw invalid(`${name} is a Uint8Array`);
  const buffer = bufferOf.call(value);
  if (types.isSharedArrayBuffer(buffer)) throw invalid(`${name} must not be in shared memory`);
  if ((buffer as { resizable?: boolean }).resizable === true) {
    throw invalid(`${name} must not be in a resizable buffer`);
  }
  if (value.byteLength === 0 && isDetached(buffer)) throw invalid(`${name} was transferred`);
  return value;
}

function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

export function boolean(value: boolean, name: string): boolean {
  if (typeof value !== "boolean") throw invalid(`${name} is a boolean`);
  return value;
}

export function list<T>(value: readonly T[], name: string): readonly T[] {
  if (!Array.isArray(value)) throw invalid(`${name} is an array`);
  return value as readonly T[];
}

export function oneOf<T extends string | number>(value: T, all: readonly T[], name: string): T {
  if (!all.includes(value)) {
    throw invalid(`${name} is one of ${all.map((it) => JSON.stringify(it)).join(", ")}`);
  }
  return value;
}

/** A function of the app's. */
export function callable<T>(value: T, name: string): T {
  if (typeof value !== "function") throw invalid(`${name} is a function`);
  return value;
}

/** Milliseconds, 0 or more. */
export function milliseconds(value: number, name: string): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
    throw invalid(`${name} is a number of milliseconds, 0 or more`);
  }
  return value;
}

/** A whole number from `least` on. */
export function count(value: number, least: number, name: string): number {
  if (!Number.isInteger(value) || value < least || value > MAX_U32) {
    throw invalid(`${name} is a whole number, ${least} or more`);
  }
  return value;
}

/** A time, as milliseconds since 1970. */
export function date(value: Date, name: string): number {
  if (!types.isDate(value)) throw invalid(`${name} is a Date`);
  const time = Date.prototype.getTime.call(value);
  if (Number.isNaN(time)) throw invalid(`${name} is not a valid Date`);
  return time;
}

/** The path of a file. */
export function path(value: string | URL, name: string): string {
  const path = value instanceof URL ? fileURLToPath(value) : text(value, name);
  if (path === "" || path.includes("\0")) throw invalid(`${name} is a path`);
  return path;
}

/** A signal, from this realm or another. */
export function signal(value: AbortSignal | undefined): AbortSignal | undefined {
  if (value === undefined) return undefined;
  const signal = object(value, "signal");
  if (typeof signal.aborted !== "boolean" || typeof signal.addEventListener !== "function") {
    throw invalid("signal is an AbortSignal");
  }
  return signal;
}

/** What `value` gives, if there is one. */
export function maybe<T, U>(
  value: T | undefined,
  then: (value: T, name: string) => U,
  name: string,
): U | undefined {
  return value === undefined ? undefined : then(value, name);
}

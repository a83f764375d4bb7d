import { invalid } from "./errors";
import { bytes, object, text } from "./check";
import { types } from "node:util";
import type { NativeContext, NativeContextField } from "./native";

/**
 * The value of a context's field: text, an integer (a number must be a safe
 * integer; a bigint has 64 bits, signed), a boolean, or bytes. `1` and `1n`
 * are the same; `1` and `"1"` are not.
 */
export type ContextValue = string | number | bigint | boolean | Uint8Array;

/**
 * The place that an envelope belongs to (table, row, column, version). It is
 * not stored, and must be given again to open.
 *
 * Named fields, in any order: at most 64, each name 1 to 64 bytes of UTF-8; or
 * bytes that the app makes by itself. At most 64 KiB in all.
 */
export type Context = Readonly<Record<string, ContextValue>> | Uint8Array;

/** @internal */
export function context(value: Context | undefined): NativeContext | undefined {
  if (value === undefined) return undefined;
  if (types.isUint8Array(value)) return { raw: bytes(value, "context") };
  const fields = object(value, "context");
  // A Map or a Date has no fields to speak of, and would pass for an empty context.
  const prototype = Object.getPrototypeOf(fields) as object | null;
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw invalid("context is a plain object or a Uint8Array");
  }
  return { fields: Object.entries(fields).map(([name, value]) => field(name, value)) };
}

function field(key: string, value: ContextValue): NativeContextField {
  const name = text(key, "a field's name");
  switch (typeof value) {
    case "string":
      return { name, text: text(value, "a field's value") };
    case "boolean":
      return { name, flag: value };
    case "number":
      if (!Number.isSafeInteger(value)) throw invalid("a number in a context is a safe integer");
      return { name, integer: BigInt(value) };
    case "bigint":
      if (BigInt.asIntN(64, value) !== value) throw invalid("a bigint in a context has 64 bits");
      return { name, integer: value };
    default:
      return { name, bytes: bytes(value, "a field's value") };
  }
}

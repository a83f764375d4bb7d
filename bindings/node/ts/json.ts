import { invalid } from "./errors";

/** @internal */
export function toJson(value: unknown): string {
  const json: unknown = JSON.stringify(value);
  // Of a function, or of `undefined`, there is none.
  if (typeof json !== "string") throw invalid("value can be written as JSON");
  return json;
}

/** @internal */
export function fromJson<T>(json: string): T {
  try {
    return JSON.parse(json) as T;
  } catch {
    // The parser's own message would quote the plaintext.
    throw invalid("what was encrypted is not JSON");
  }
}

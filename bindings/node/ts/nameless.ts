import { inspect, type InspectOptions } from "node:util";

const NAMES = new Set(["userId", "grantedByUserId", "missing"]);

/**
 * @internal The same object, which says no person's name when it is logged:
 * `console.log`, and whatever else inspects, leaves those out. Who asks for the
 * name gets it, and so does `JSON.stringify`.
 */
export function nameless<T extends object>(value: T): T {
  return Object.defineProperty(value, inspect.custom, {
    enumerable: false,
    value: (depth: number | null, options: InspectOptions, deeper: typeof inspect) => {
      const shown = Object.entries(value).filter(([key]) => !NAMES.has(key));
      return deeper(Object.fromEntries(shown), { ...options, depth });
    },
  });
}

import type { CallOptions } from "./call";
import { maybe, options as checked, text } from "./check";

/** Which part of a list is wanted. */
export interface PageOptions extends CallOptions {
  /** The last id of the page before; the first page if not given. */
  readonly after?: string | undefined;
}

/** A part of a list of ids. */
export interface Page {
  /** In the order of the ids, at most 1,024. */
  readonly items: readonly string[];
  /** Whether there are more: ask again with the last of `items` as `after`. */
  readonly more: boolean;
}

/** @internal */
export function after(options: PageOptions | undefined): string | undefined {
  return maybe(checked(options).after, text, "after");
}

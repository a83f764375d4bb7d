/** `await using` on Node versions that do not have the symbol yet. */

if ((Symbol as { asyncDispose?: symbol }).asyncDispose === undefined) {
  Object.defineProperty(Symbol, "asyncDispose", { value: Symbol("Symbol.asyncDispose") });
}

export {};

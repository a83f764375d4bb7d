import type { Cancel } from "./native";

// One listener for all calls that share a signal: Node warns of a leak when there are eleven.
const followers = new WeakMap<AbortSignal, { calls: Set<Cancel>; abort: () => void }>();

/** @internal Cancels `call` when `signal` is aborted, until what this gives is called. */
export function follow(signal: AbortSignal, call: Cancel): () => void {
  let entry = followers.get(signal);
  if (entry === undefined) {
    const calls = new Set<Cancel>();
    const abort = (): void => calls.forEach((it) => it.cancel());
    entry = { calls, abort };
    followers.set(signal, entry);
    signal.addEventListener("abort", abort);
  }
  const { calls, abort } = entry;
  calls.add(call);
  return () => {
    if (calls.delete(call) && calls.size === 0) {
      signal.removeEventListener("abort", abort);
      followers.delete(signal);
    }
  };
}

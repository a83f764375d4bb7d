/** Calls: arguments in, a promise out, and always an error of ours. */

import { cancelled, fromNative, invalid, PlicoError } from "./errors";
import { signal as checkedSignal } from "./check";
import type { Addon, Cancel } from "./native";
import { follow } from "./signals";

/** What every asynchronous call takes. */
export interface CallOptions {
  /**
   * Ends the call with `CANCELLED`, whose `cause` is the signal's reason. A
   * write that was on its way may have taken place all the same:
   * {@link Account.settle}, or the next write to the same session, finds out.
   */
  readonly signal?: AbortSignal | undefined;
}

/** What reading arguments threw: ours, or an argument's own getter's. */
function refused(thrown: unknown): PlicoError {
  if (thrown instanceof PlicoError) return thrown;
  return fromNative(thrown) ?? invalid("reading it threw; see the cause", { cause: thrown });
}

/** @internal For calls that answer at once. */
export function now<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw refused(thrown);
  }
}

/**
 * @internal Checks arguments, calls, and waits. `start` reads each argument
 * once, before it returns: it is no `async` function, whose errors would come
 * too late to be the arguments'.
 */
export async function call<T>(
  addon: Addon,
  options: () => CallOptions | undefined,
  start: (cancel: Cancel | undefined) => Promise<T>,
): Promise<T> {
  let signal: AbortSignal | undefined;
  let running: Promise<T>;
  let unfollow: (() => void) | undefined;
  try {
    const given = options();
    if (given !== undefined && (typeof given !== "object" || given === null)) {
      throw invalid("options is an object");
    }
    signal = checkedSignal(given?.signal);
    const cancel = signal === undefined ? undefined : new addon.Cancel();
    if (signal?.aborted === true) cancel?.cancel();
    running = start(cancel);
    if (signal !== undefined && cancel !== undefined) unfollow = follow(signal, cancel);
  } catch (thrown) {
    throw refused(thrown);
  }
  try {
    return await running;
  } catch (thrown) {
    if (thrown instanceof PlicoError) throw thrown;
    const error = fromNative(thrown);
    if (error?.code === "CANCELLED" && signal !== undefined) throw cancelled(signal.reason);
    throw error ?? bug(thrown);
  } finally {
    unfollow?.();
  }
}

/** @internal */
export function bug(cause: unknown): PlicoError {
  return new PlicoError("INTERNAL", "INTERNAL: A bug in this SDK: please report it.", { cause });
}

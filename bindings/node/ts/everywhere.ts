import { call, type CallOptions } from "./call";
import {
  boolean,
  callable,
  maybe,
  options as checked,
  signal as checkedSignal,
  text,
} from "./check";
import { PlicoError } from "./errors";
import type {
  Addon,
  Cancel,
  NativeEverywhereInput,
  NativeIssue,
  NativeSummary,
  NativeWalked,
} from "./native";
import { failure } from "./results";
import { follow } from "./signals";

/** How far a walk through everything has come. */
export interface EverywhereProgress {
  /** Groups and sessions that were looked at. */
  readonly done: number;
  /** Those of them that were changed. */
  readonly changed: number;
  /** Those of them where what was wanted could not be done. */
  readonly failed: number;
  /** Where to go on from here, as {@link EverywhereOptions.after}. It is no secret. */
  readonly cursor: string;
}

/** What a walk through everything reaches, where it begins, and how it is stopped. */
export interface EverywhereOptions extends CallOptions {
  /** Whether memberships in groups are left as they are. */
  readonly sessionsOnly?: boolean | undefined;
  /**
   * Whether the sessions are walked through, too, that this account may open through
   * its groups. One that it reaches in several ways is looked at several times.
   */
  readonly throughGroups?: boolean | undefined;
  /** Goes on where another walk for the same was: the cursor of its progress or summary. */
  readonly after?: string | undefined;
  /**
   * Is told after each step of up to 64 groups or sessions. If it throws, the call is
   * cancelled, with what it threw as the error's `cause`.
   */
  readonly onProgress?: ((progress: EverywhereProgress) => void) | undefined;
  /**
   * Stops the walk once the step is done that was begun: the promise is fulfilled, and
   * the summary's `cursor` says where to go on. (`signal` ends the call at once, with
   * `CANCELLED` and without a summary; then the last progress says it.)
   */
  readonly stop?: AbortSignal | undefined;
}

/** How somebody is taken out of everything. */
export interface RevokeEverywhereOptions extends EverywhereOptions {
  /** Whether those to whom the revoked one had granted fall with it. */
  readonly cascade?: boolean | undefined;
}

/** A session or a group, by its id; one of both is there. */
export interface EverywherePlace {
  /** The session's id. */
  readonly session: string | undefined;
  /** The group's id. */
  readonly group: string | undefined;
}

/**
 * What is to be said of one session or group. `failed`: it could not be done, nothing was
 * changed. `stillThrough`: whoever was revoked has no rights of their own there, but still
 * reads through a group, which this account could not, or was not to, take them out of.
 * `reduced`: less was given than the other one has, since this account may not grant more.
 */
export type EverywhereIssue = EverywherePlace &
  (
    | { readonly problem: "failed"; readonly error: PlicoError }
    | { readonly problem: "stillThrough"; readonly through: string }
    | { readonly problem: "reduced" }
  );

/** What has come of a walk through everything. */
export interface EverywhereSummary {
  /** Groups and sessions that were looked at. */
  readonly done: number;
  /** Those of them that were changed. */
  readonly changed: number;
  /** Those of them where what was wanted could not be done. */
  readonly failed: number;
  /** Those of them that whoever was revoked still reads through a group. */
  readonly stillThrough: number;
  /** Those of them where less was given than the other one has. */
  readonly reduced: number;
  /** The first 1,000 of these, with what is to be said of each. */
  readonly issues: readonly EverywhereIssue[];
  /** Where to go on; `undefined`: it has come to the end. */
  readonly cursor: string | undefined;
  /**
   * Why it has not come to the end, unless it was stopped: the directory could not be
   * reached, say.
   */
  readonly interrupted: PlicoError | undefined;
}

function issue({ session, group, failed, stillThrough }: NativeIssue): EverywhereIssue {
  const place = { session, group };
  if (failed !== undefined) return { ...place, problem: "failed", error: failure(failed) };
  if (stillThrough !== undefined) {
    return { ...place, problem: "stillThrough", through: stillThrough };
  }
  return { ...place, problem: "reduced" };
}

function summary(it: NativeSummary): EverywhereSummary {
  return {
    done: it.done,
    changed: it.changed,
    failed: it.failed,
    stillThrough: it.stillThrough,
    reduced: it.reduced,
    issues: it.issues.map(issue),
    cursor: it.cursor,
    interrupted: it.interrupted === undefined ? undefined : failure(it.interrupted),
  };
}

function input(options: RevokeEverywhereOptions): NativeEverywhereInput {
  const native: NativeEverywhereInput = {
    sessionsOnly: maybe(options.sessionsOnly, boolean, "sessionsOnly") ?? false,
    throughGroups: maybe(options.throughGroups, boolean, "throughGroups") ?? false,
    cascade: maybe(options.cascade, boolean, "cascade") ?? false,
  };
  const cursor = maybe(options.after, text, "after");
  if (cursor !== undefined) native.after = cursor;
  return native;
}

type Start = (
  input: NativeEverywhereInput,
  stop: Cancel | undefined,
  cancel: Cancel,
) => Promise<NativeSummary>;

/** @internal */
export async function everywhere(
  addon: Addon,
  options: RevokeEverywhereOptions | undefined,
  start: Start,
): Promise<EverywhereSummary> {
  let listener: EverywhereOptions["onProgress"];
  let threw: { cause: unknown } | undefined;
  // Always one: a listener that throws cancels, too.
  let cancel: Cancel | undefined;
  let unfollow: (() => void) | undefined;
  let told: string | undefined;
  const tell = ({ done, changed, failed, cursor }: NativeWalked): void => {
    if (listener === undefined || threw !== undefined) return;
    told = cursor;
    try {
      listener({ done, changed, failed, cursor });
    } catch (cause) {
      threw = { cause };
      cancel?.cancel();
    }
  };
  const begin = (given: Cancel | undefined): Promise<NativeSummary> => {
    cancel = given ?? new addon.Cancel();
    const wanted = checked(options);
    const how = input(wanted);
    listener = maybe(wanted.onProgress, callable, "onProgress");
    if (listener !== undefined) how.onProgress = tell;
    const signal = checkedSignal(wanted.stop);
    const stop = signal === undefined ? undefined : new addon.Cancel();
    if (signal?.aborted === true) stop?.cancel();
    const running = start(how, stop, cancel);
    if (signal !== undefined && stop !== undefined) unfollow = follow(signal, stop);
    return running;
  };
  try {
    const done = await call(addon, () => options, begin);
    if (done.last !== undefined && done.last.cursor !== told) tell(done.last);
    if (threw === undefined) return summary(done);
  } catch (error) {
    if (threw === undefined) throw error;
  } finally {
    // What is still under way from the other thread comes too late.
    listener = undefined;
    unfollow?.();
  }
  const message = "CANCELLED: The operation was cancelled. (onProgress threw)";
  throw new PlicoError("CANCELLED", message, threw);
}

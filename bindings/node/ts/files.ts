import { call, type CallOptions } from "./call";
import { boolean, callable, maybe, path } from "./check";
import { context, type Context } from "./context";
import { invalid, PlicoError } from "./errors";
import type { FolderOptions } from "./folders";
import type { Addon, Cancel, NativeFile, NativeProgress } from "./native";

/** How far a file, a folder or a stream has come, in bytes of plaintext. */
export interface Progress {
  /** Bytes done. */
  readonly done: number;
  /** Bytes in all; 0 for a stream, which does not say. */
  readonly total: number;
}

/** How a file, a folder or a stream is encrypted or decrypted. */
export interface FileOptions extends CallOptions {
  /** The place that the file belongs to; the same one opens it again. */
  readonly context?: Context | undefined;
  /**
   * Is told how far the file is: at most 20 times a second, and once more when
   * all is done, before the promise is fulfilled. If it throws, the call is
   * cancelled, with what it threw as the error's `cause`.
   */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * How many threads may work on it, from 1 to 64; the output is the same. If
   * not given, as many as there are cores for files and folders, and 1 for streams.
   */
  readonly threads?: number | undefined;
}

/** @internal */
export function threads(value: number, name: string): number {
  if (!Number.isInteger(value) || value < 1 || value > 64) {
    throw invalid(`${name} is a whole number from 1 to 64`);
  }
  return value;
}

/** @internal Files and folders in both directions, of accounts and of sessions. */
export async function file(
  addon: Addon,
  source: string | URL,
  target: string | URL,
  options: FolderOptions | undefined,
  start: (input: NativeFile, cancel: Cancel) => Promise<NativeProgress>,
): Promise<void> {
  let listener: FileOptions["onProgress"];
  let told = -1;
  let threw: { cause: unknown } | undefined;
  // Always one: a listener that throws cancels, too.
  let cancel: Cancel | undefined;
  const tell = (progress: NativeProgress): void => {
    if (listener === undefined || threw !== undefined) return;
    told = progress.done;
    try {
      listener({ done: progress.done, total: progress.total });
    } catch (cause) {
      threw = { cause };
      cancel?.cancel();
    }
  };
  const thrown = (): PlicoError =>
    new PlicoError(
      "CANCELLED",
      "CANCELLED: The operation was cancelled. (onProgress threw)",
      threw,
    );
  try {
    const last = await call(
      addon,
      () => options,
      (given) => {
        cancel = given ?? new addon.Cancel();
        const place = context(options?.context);
        listener = maybe(options?.onProgress, callable, "onProgress");
        const input: NativeFile = {
          source: path(source, "source"),
          target: path(target, "target"),
        };
        if (place !== undefined) input.context = place;
        const count = maybe(options?.threads, threads, "threads");
        if (count !== undefined) input.threads = count;
        const skipLinks = maybe(options?.skipLinks, boolean, "skipLinks");
        if (skipLinks !== undefined) input.skipLinks = skipLinks;
        if (listener !== undefined) input.onProgress = tell;
        return start(input, cancel);
      },
    );
    if (last.done !== told) tell(last);
  } catch (error) {
    throw threw === undefined ? error : thrown();
  } finally {
    // What is still under way from the other thread comes too late.
    listener = undefined;
  }
  if (threw !== undefined) throw thrown();
}

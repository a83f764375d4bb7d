import { Readable } from "node:stream";
import { ReadableStream, type ReadableStreamDefaultController } from "node:stream/web";
import { bug, now } from "./call";
import { bytes, callable, maybe, object, options as checked, signal as checkedSignal } from "./check";
import { context } from "./context";
import { cancelled, fromNative, invalid, PlicoError } from "./errors";
import { threads, type FileOptions, type Progress } from "./files";
import type { Addon, Cancel, NativeStream, NativeStreamInput } from "./native";
import { follow } from "./signals";

/**
 * Where bytes come from: a web stream, a stream of Node's, an async generator,
 * or anything else that gives pieces one after the other. A long piece is not
 * copied: it must not be changed, transferred or resized until the next one is
 * asked for.
 */
export type ByteSource = AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

/** The most that crosses to the native half at once. */
const PIECE = 1024 * 1024;

/** As often as for files. */
const PAUSE_MS = 50;

interface Reading {
  next(): Promise<{ done?: boolean | undefined; value?: unknown }>;
  /** Nothing more is wanted; `waiting`: the last `next` has not come yet. */
  stop(reason: unknown, waiting: boolean): Promise<unknown>;
}

function reading(source: ByteSource): Reading {
  const given = object(source, "source");
  if (typeof (given as Partial<ReadableStream>).getReader === "function") {
    const reader = (given as ReadableStream<Uint8Array>).getReader();
    return {
      next: () => reader.read(),
      stop: (reason) => reader.cancel(reason),
    };
  }
  const start = (given as Partial<AsyncIterable<Uint8Array>>)[Symbol.asyncIterator];
  if (typeof start !== "function") {
    throw invalid("source is a ReadableStream or another async iterable of bytes");
  }
  const iterator = start.call(given);
  return {
    // What is no promise, or throws in the call, is a failure of the source, too.
    next: async () => object(await iterator.next(), "what the source gives"),
    async stop(reason, waiting) {
      // A generator's `return` waits for what is under way: a stream of Node's does not.
      if (waiting && given instanceof Readable) given.destroy();
      const returned = Promise.resolve(iterator.return?.(reason));
      // Whoever waits for the source can't be waited for.
      if (waiting) returned.catch(() => {});
      else await returned;
    },
  };
}

/** @internal `IO`, because of what the app's own source threw. */
export function sourceFailed(addon: Addon, cause: unknown): PlicoError {
  const sentence = addon.errorCodes().find(({ code }) => code === "IO")?.sentence ?? "";
  return new PlicoError("IO", `IO: ${sentence} (the app's own source; see the cause)`, { cause });
}

/**
 * @internal Encrypts or decrypts a stream: a piece is read from `source` when
 * one is asked for at the other end, and not before.
 */
export function stream(
  addon: Addon,
  source: ByteSource,
  options: FileOptions | undefined,
  counts: "taken" | "given",
  start: (input: NativeStreamInput, cancel: Cancel) => NativeStream,
): ReadableStream<Uint8Array> {
  return now(() => {
    const given = checked(options);
    const input: NativeStreamInput = {};
    const place = context(given.context);
    if (place !== undefined) input.context = place;
    const count = maybe(given.threads, threads, "threads");
    if (count !== undefined) input.threads = count;
    const listener = maybe(given.onProgress, callable, "onProgress");
    const signal = checkedSignal(given.signal);
    const cancel = new addon.Cancel();
    const native = start(input, cancel);
    const pump = new Pump(addon, native, cancel, reading(source), counts, listener, signal);
    return new ReadableStream<Uint8Array>(pump, { highWaterMark: 0 });
  });
}

class Pump {
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Closed, failed or cancelled. */
  #over = false;
  /** The source has come to its end, and so has the native half. */
  #ended = false;
  #rest: Uint8Array = new Uint8Array();
  #waiting = false;
  #unfollow: (() => void) | undefined;
  #done = 0;
  #told = { done: -1, at: -Infinity };

  constructor(
    readonly addon: Addon,
    readonly native: NativeStream,
    readonly cancelled: Cancel,
    readonly source: Reading,
    readonly counts: "taken" | "given",
    readonly listener: ((progress: Progress) => void) | undefined,
    readonly signal: AbortSignal | undefined,
  ) {}

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
    const signal = this.signal;
    if (signal === undefined) return;
    const abort = (): void => this.#fail(cancelled(signal.reason));
    if (signal.aborted) abort();
    else this.#unfollow = follow(signal, { cancel: abort });
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      while (!this.#over) {
        const ready = await this.#step();
        if (this.#over) return;
        this.#tell(false);
        if (ready.byteLength > 0) controller.enqueue(ready);
        if (this.#ended) {
          this.#tell(true);
          this.#finish();
          controller.close();
        }
        if (ready.byteLength > 0) return;
      }
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** The reader wants nothing more. */
  async cancel(reason: unknown): Promise<void> {
    if (this.#over) return;
    this.#finish();
    await this.source.stop(reason, this.#waiting);
  }

  /** Takes one piece, and gives what is ready: nothing, often. */
  async #step(): Promise<Uint8Array> {
    if (this.#rest.byteLength === 0) {
      const { done, value } = await this.#next();
      if (this.#over) return this.#rest;
      if (done === true) {
        const last = await this.native.finish();
        this.#ended = true;
        return this.#count(last, "given");
      }
      this.#rest = bytes(value as Uint8Array, "a piece of the source");
    }
    const piece = this.#rest.subarray(0, PIECE);
    this.#rest = this.#rest.subarray(PIECE);
    const ready = await this.native.write(piece);
    this.#count(piece, "taken");
    return this.#count(ready, "given");
  }

  async #next(): Promise<{ done?: boolean | undefined; value?: unknown }> {
    this.#waiting = true;
    try {
      return await this.source.next();
    } catch (cause) {
      throw sourceFailed(this.addon, cause);
    } finally {
      this.#waiting = false;
    }
  }

  #count(piece: Uint8Array, which: "taken" | "given"): Uint8Array {
    if (which === this.counts) this.#done += piece.byteLength;
    return piece;
  }

  #tell(last: boolean): void {
    if (this.listener === undefined || this.#told.done === this.#done) return;
    const at = performance.now();
    if (!last && at - this.#told.at < PAUSE_MS) return;
    this.#told = { done: this.#done, at };
    try {
      this.listener({ done: this.#done, total: 0 });
    } catch (cause) {
      const message = "CANCELLED: The operation was cancelled. (onProgress threw)";
      throw new PlicoError("CANCELLED", message, { cause });
    }
  }

  #finish(): void {
    this.#over = true;
    this.#rest = new Uint8Array();
    this.#unfollow?.();
    this.cancelled.cancel();
    this.native.abandon();
  }

  #fail(thrown: unknown): void {
    if (this.#over) return;
    const error = thrown instanceof PlicoError ? thrown : (fromNative(thrown) ?? bug(thrown));
    const waiting = this.#waiting;
    this.#finish();
    this.#controller?.error(error);
    this.source.stop(error, waiting).catch(() => {});
  }
}

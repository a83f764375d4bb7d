import { constants } from "node:buffer";
import { call, type CallOptions } from "./call";
import { bytes, callable, maybe, object, options as checked, path } from "./check";
import { context } from "./context";
import "./dispose";
import { invalid, PlicoError } from "./errors";
import { threads } from "./files";
import type { Addon, Cancel, NativeRanges, NativeRangesInput } from "./native";
import type { CryptOptions } from "./session";
import { sourceFailed } from "./streams";

/**
 * One object of which parts can be fetched: by HTTP's `Range`, from an object
 * store. Nothing that it says is trusted: length and bytes are verified. An
 * object that changes meanwhile is noticed.
 *
 * @example
 * ```ts
 * const answer = await fetch(url, { method: "HEAD" });
 * const source: RangedSource = {
 *   length: Number(answer.headers.get("content-length")),
 *   async read(offset, length) {
 *     const range = `bytes=${offset}-${offset + length - 1}`;
 *     const answer = await fetch(url, { headers: { range } });
 *     return new Uint8Array(await answer.arrayBuffer());
 *   },
 * };
 * ```
 */
export interface RangedSource {
  /** How long the object is, in bytes. */
  readonly length: number;
  /** Exactly the `length` bytes from `offset` on; at most 4 MiB and 4 KiB at once. */
  read(offset: number, length: number): Promise<Uint8Array> | Uint8Array;
}

/** How parts of an envelope are decrypted. */
export interface RangeOptions extends CryptOptions {
  /** How many threads may work on it, from 1 to 64; 1 if not given. */
  readonly threads?: number | undefined;
}

/** @internal */
export let makeReader: (addon: Addon, native: NativeRanges, failure: Failure) => EnvelopeReader;

/** @internal What the app's source threw last. */
export interface Failure {
  threw?: { cause: unknown } | undefined;
}

/**
 * Reads parts of what is in an envelope, without the rest. Get it from
 * {@link Account.openEnvelope}.
 *
 * @example
 * ```ts
 * await using scan = await account.openEnvelope("scan.dcm.plico");
 * const header = await scan.read(128, 4);
 * const last = await scan.read(scan.length - 1024, 1024);
 * ```
 */
export class EnvelopeReader implements AsyncDisposable {
  readonly #addon: Addon;
  readonly #native: NativeRanges;
  readonly #failure: Failure;

  static {
    makeReader = (addon, native, failure) => new EnvelopeReader(addon, native, failure);
  }

  private constructor(addon: Addon, native: NativeRanges, failure: Failure) {
    if (addon === undefined) throw invalid("a reader comes from an account");
    this.#addon = addon;
    this.#native = native;
    this.#failure = failure;
  }

  /** How many bytes of data there are. It is proven. */
  get length(): number {
    return this.#native.length();
  }

  /**
   * The `length` bytes of data from `offset` on; what lies beyond the end is
   * left out. Fetches those chunks of 16 KiB that cover them and no others. All
   * of it is in memory; it is yours. Several reads may be under way at a time.
   *
   * Errors: `IO` if the source fails, with what it threw as `cause`;
   * `ENVELOPE_DAMAGED`, `ENVELOPE_TRUNCATED` if it gives something else than what
   * was sealed; `TOO_LARGE`; `CLOSED`; `CANCELLED`.
   */
  async read(offset: number, length: number, options?: CallOptions): Promise<Buffer> {
    return withCause(this.#addon, this.#failure, () =>
      call(
        this.#addon,
        () => options,
        (cancel) => {
          const [start, end] = part(offset, length, this.length);
          return this.#native.read(start, end, cancel);
        },
      ),
    );
  }

  /** Closes the file, and forgets what is known. Closing again does nothing. */
  async close(): Promise<void> {
    this.#native.close();
  }

  /** Closes it: `await using reader = …`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A length or a place, in bytes. */
function whole(value: number, name: string): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw invalid(`${name} is a whole number of bytes, 0 or more`);
  }
  return value;
}

/** @internal Where a part begins and ends of what is `total` bytes long. */
export function part(offset: number, length: number, total: number): [number, number] {
  const start = Math.min(whole(offset, "offset"), total);
  const end = Math.min(start + whole(length, "length"), total);
  if (end - start > constants.MAX_LENGTH) throw invalid("length is more than a Buffer has");
  return [start, end];
}

/** @internal */
export async function withCause<T>(addon: Addon, failure: Failure, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { threw } = failure;
    const isIts = threw !== undefined && error instanceof PlicoError && error.code === "IO";
    throw isIts ? sourceFailed(addon, threw.cause) : error;
  }
}

/** @internal Opens what is in a file, or wherever the app's source has it. */
export function openSource<Native, T>(
  addon: Addon,
  source: string | URL | RangedSource,
  options: RangeOptions | undefined,
  open: (input: NativeRangesInput, cancel: Cancel | undefined) => Promise<Native>,
  make: (addon: Addon, native: Native, failure: Failure) => T,
): Promise<T> {
  const failure: Failure = {};
  return withCause(addon, failure, () =>
    call(
      addon,
      () => options,
      (cancel) => {
        const given = checked(options);
        const input: NativeRangesInput = { how: {} };
        const place = context(given.context);
        if (place !== undefined) input.how.context = place;
        const count = maybe(given.threads, threads, "threads");
        if (count !== undefined) input.how.threads = count;
        if (typeof source === "string" || source instanceof URL) {
          input.path = path(source, "source");
        } else {
          const host = object(source, "source");
          input.length = whole(host.length, "source.length");
          callable(host.read, "source.read");
          input.read = async (offset, length) => {
            try {
              return { data: bytes(await host.read(offset, length), "what the source gives") };
            } catch (cause) {
              failure.threw = { cause };
              return {};
            }
          };
        }
        return open(input, cancel).then((native) => make(addon, native, failure));
      },
    ),
  );
}

import { call, type CallOptions } from "./call";
import { text } from "./check";
import "./dispose";
import { invalid } from "./errors";
import { file, type FileOptions } from "./files";
import type { Addon, NativeFolder } from "./native";
import { part, withCause, type Failure } from "./ranges";

/** How a folder is encrypted. */
export interface FolderOptions extends FileOptions {
  /**
   * Whether links, and whatever else is neither a file nor a folder, are left
   * out. Otherwise they are an error, so that nothing gets lost unseen.
   */
  readonly skipLinks?: boolean | undefined;
}

/** A file or a folder in an encrypted folder. */
export interface FolderMember {
  /** Where it is in the folder; the parts are separated by `/`. */
  readonly path: string;
  /** How many bytes it has; 0 for a folder. */
  readonly size: number;
  /** Whether it is a folder. */
  readonly isFolder: boolean;
  /** When it was last changed, to the second. */
  readonly modified: Date;
}

/** @internal */
export let makeFolder: (addon: Addon, native: NativeFolder, failure: Failure) => SealedFolder;

/**
 * An encrypted folder of which members are listed, and decrypted one by one.
 * Get it from {@link Account.openFolder}.
 *
 * @example
 * ```ts
 * await using study = await account.openFolder("study.plico");
 * for (const { path, size } of study.members) console.log(path, size);
 * await study.extract("series/1/scan.dcm", "slice.dcm");
 * const header = await study.read("series/1/scan.dcm", 128, 4);
 * ```
 */
export class SealedFolder implements AsyncDisposable {
  readonly #addon: Addon;
  readonly #native: NativeFolder;
  readonly #failure: Failure;
  readonly #sizes: ReadonlyMap<string, number>;
  /** Everything in it, in the order of the archive. */
  readonly members: readonly FolderMember[];

  static {
    makeFolder = (addon, native, failure) => new SealedFolder(addon, native, failure);
  }

  private constructor(addon: Addon, native: NativeFolder, failure: Failure) {
    if (addon === undefined) throw invalid("a folder comes from an account");
    this.#addon = addon;
    this.#native = native;
    this.#failure = failure;
    this.members = native.members().map(({ path, size, isFolder, modifiedMs }) => ({
      path,
      size,
      isFolder,
      modified: new Date(modifiedMs),
    }));
    const files = this.members.filter((it) => !it.isFolder);
    this.#sizes = new Map(files.map(({ path, size }) => [path, size]));
  }

  /**
   * Decrypts the file at `path` in the folder into `target`, which appears only
   * when it is whole and on the disk; an existing one is replaced. Reads those
   * chunks of 16 KiB that it is in. `options` have no context: the folder's
   * was given when it was opened.
   *
   * Errors: `INVALID_ARGUMENT` if there is no such file; `IO`, with what a source
   * threw as `cause`; `ENVELOPE_DAMAGED`; `ENVELOPE_TRUNCATED`; `CLOSED`; `CANCELLED`.
   */
  async extract(
    path: string,
    target: string | URL,
    options?: Omit<FileOptions, "context" | "threads">,
  ): Promise<void> {
    // A disk that fails now has nothing to do with a source that failed before.
    this.#failure.threw = undefined;
    return withCause(this.#addon, this.#failure, () =>
      file(this.#addon, "member", target, options, (input, cancel) =>
        this.#native.extract({ ...input, source: text(path, "path") }, cancel),
      ),
    );
  }

  /**
   * The `length` bytes from `offset` on of the file at `path`; what lies beyond its end
   * is left out. Reads, or fetches, those chunks of 16 KiB that cover them and no
   * others. All of it is in memory; it is yours.
   *
   * Errors: as {@link SealedFolder.extract}; `TOO_LARGE`.
   */
  async read(
    path: string,
    offset: number,
    length: number,
    options?: CallOptions,
  ): Promise<Buffer> {
    return withCause(this.#addon, this.#failure, () =>
      call(
        this.#addon,
        () => options,
        (cancel) => {
          const name = text(path, "path");
          const [start, end] = part(offset, length, this.#sizes.get(name) ?? 0);
          return this.#native.read(name, start, end, cancel);
        },
      ),
    );
  }

  /** Closes the file, and forgets what is known. Closing again does nothing. */
  async close(): Promise<void> {
    this.#native.close();
  }

  /** Closes it: `await using folder = …`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

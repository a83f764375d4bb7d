import { bytes, callable, list, object, text } from "./check";
import type { NativeStore, NativeStoreAnswer, NativeStoreEntry } from "./native";

/** A name with its value; `null`: nothing there. */
export interface StoreEntry {
  /** Printable ASCII. */
  readonly key: string;
  /** Opaque bytes, which hold secrets. */
  readonly value: Uint8Array | null;
}

/**
 * A store of the app's own. Values hold secrets: an implementation that writes
 * to a disk encrypts values and names, and keeps them where no backup copies
 * them. Prefer the built-in one: `{ store: path, key }`.
 *
 * What is thrown becomes `STORE`, or, if the error has one of these as its
 * `code`: `STORE_FULL`, `STORE_READ_ONLY`, `STORE_BUSY`, `STORE_DAMAGED`,
 * `STORE_WRONG_KEY`, `STORE_COPIED`.
 */
export interface Store {
  /** The value of `key`; `null` or `undefined` if there is none. */
  get(key: string): Promise<Uint8Array | null | undefined>;

  /** All pairs whose key begins with `prefix`, in the order of the keys' bytes. */
  scan(prefix: string): Promise<readonly (readonly [key: string, value: Uint8Array])[]>;

  /**
   * Applies `changes` (`null` deletes), if everything in `expected` holds
   * (`null`: nothing there); otherwise throws an error whose `code` is
   * `STORE_CONFLICT`, and changes nothing.
   *
   * Once the promise is fulfilled, the changes survive a crash; a crash before
   * leaves all of them or none. Several processes may use one store.
   */
  commit(changes: readonly StoreEntry[], expected: readonly StoreEntry[]): Promise<void>;
}

function failure(thrown: unknown): NativeStoreAnswer {
  const code: unknown =
    typeof thrown === "object" && thrown !== null ? (thrown as { code?: unknown }).code : undefined;
  return { failed: typeof code === "string" ? code : "STORE" };
}

function entries(given: NativeStoreEntry[]): StoreEntry[] {
  return given.map(({ key, value }) => ({ key, value: value ?? null }));
}

/** A copy: the store may go on with its own, while another thread reads this one. */
function copy(value: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes(value, "a store's value"));
}

async function answered(work: () => Promise<NativeStoreAnswer>): Promise<NativeStoreAnswer> {
  try {
    return await work();
  } catch (thrown) {
    try {
      return failure(thrown);
    } catch {
      return { failed: "STORE" };
    }
  }
}

/** @internal */
export function store(value: Store): NativeStore {
  const host = object(value, "store");
  callable(host.get, "store.get");
  callable(host.scan, "store.scan");
  callable(host.commit, "store.commit");
  return {
    get: (key) =>
      answered(async () => {
        const found = await host.get(key);
        return found === undefined || found === null ? {} : { value: copy(found) };
      }),
    scan: (prefix) =>
      answered(async () => {
        const found = list(await host.scan(prefix), "what a store's scan gives");
        const pairs = found.map((pair) => {
          const [key, value] = list(pair, "a pair") as readonly [string, Uint8Array];
          return { key: text(key, "a key"), value: copy(value) };
        });
        return { pairs };
      }),
    commit: ({ changes, expected }) =>
      answered(async () => {
        await host.commit(entries(changes), entries(expected));
        return {};
      }),
  };
}

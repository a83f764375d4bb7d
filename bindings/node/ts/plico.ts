import { makeAccount, type Account } from "./account";
import { call, type CallOptions } from "./call";
import { boolean, bytes, callable, count, maybe, milliseconds, object, path, text } from "./check";
import "./dispose";
import { invalid } from "./errors";
import { guarded, type LogRecord, type PlicoEvent } from "./hooks";
import {
  addon as builtIn,
  type Addon,
  type NativeAccountInput,
  type NativePlico,
  type NativePlicoInput,
} from "./native";
import { service, type Service, type ServiceOptions } from "./service";
import { store as hostStore, type Store } from "./store";
import { transport as hostTransport, type Transport } from "./transport";

/** What may be set about a connection. */
export interface ConnectionOptions extends CallOptions {
  /** Another way for requests to travel; the built-in HTTP client if not given. */
  readonly transport?: Transport | undefined;
  /**
   * How old the knowledge of a session and its recipients may be when something
   * is written or opened, in milliseconds; 300,000 if not given. A revocation
   * is seen at the latest after this time, or when the directory can next be
   * reached. {@link Account.maxStaleness} sets it for some calls only.
   */
  readonly maxStalenessMs?: number | undefined;
  /**
   * How long one try of a request may take, in milliseconds; 60,000 if not
   * given. It covers the upload of up to 16 MiB.
   */
  readonly requestTimeoutMs?: number | undefined;
  /**
   * How often a request that gets no answer is tried in all; 4 if not given.
   * The waits between are about 0.1 s, 0.2 s, 0.4 s and so on up to 5 s, and up
   * to twice that at random.
   */
  readonly attempts?: number | undefined;
  /** How many requests may be under way at a time; 8 if not given. More wait for their turn. */
  readonly parallelRequests?: number | undefined;
  /**
   * Starts without asking the directory: accounts know the tenant from their
   * store, or ask for it when it is needed.
   */
  readonly startOffline?: boolean | undefined;
  /** Is told what concerns the app's users. */
  readonly onEvent?: ((event: PlicoEvent) => void) | undefined;
  /** Is told what goes on, for developers: no secret, no user id, no content. */
  readonly onLog?: ((record: LogRecord) => void) | undefined;
}

/** Which directory, and how. */
export interface PlicoOptions extends ConnectionOptions {
  /** The directory's public URL: it is part of every signature. */
  readonly directory: string;
  /** The tenant's id: 43 characters of base64url. */
  readonly tenant: string;
}

/** An account in an encrypted file. */
export interface DiskAccountOptions extends CallOptions {
  /**
   * The file; it is made with the first write. It survives power loss, and
   * several processes may use it. Keep it out of backups: a restored store is
   * a copy, and an old one.
   */
  readonly store: string | URL;
  /**
   * 32 uniformly random bytes, from the platform's key storage: not a
   * password. Copied before the call returns; whoever has it and the file has
   * the account.
   */
  readonly key: Uint8Array;
  /**
   * Whether a store that was copied here may be used: it is then bound to this
   * place. Set it once, after a move that was meant; two copies in use are two
   * devices with one key.
   */
  readonly acceptCopy?: boolean | undefined;
  /**
   * Something that this machine has and its disk does not (a hardware
   * identifier): then a copy of the whole disk is noticed, too. It must be the
   * same each time; only its hash is kept.
   */
  readonly boundTo?: Uint8Array | undefined;
}

/** An account in a store of the app's own. */
export interface StoreAccountOptions extends CallOptions {
  /** It holds private keys: see {@link Store}. */
  readonly store: Store;
}

/** An account that is gone with the process. */
export interface MemoryAccountOptions extends CallOptions {
  /** Said aloud, because an identity that is lost can't be had back. */
  readonly inMemory: true;
}

/** Where an account lives. */
export type AccountOptions = DiskAccountOptions | StoreAccountOptions | MemoryAccountOptions;

/** @internal */
export let makePlico: (addon: Addon, native: NativePlico) => Plico;

/**
 * A connection to one tenant at one directory. One a process is enough.
 *
 * @example
 * ```ts
 * await using plico = await Plico.open({ directory: "https://keys.example.org", tenant });
 * const account = await plico.account({ store: "./dr-a.plicostore", key });
 * ```
 */
export class Plico implements AsyncDisposable {
  readonly #addon: Addon;
  readonly #native: NativePlico;

  static {
    makePlico = (addon, native) => new Plico(addon, native);
  }

  private constructor(addon: Addon, native: NativePlico) {
    if (addon === undefined) throw invalid("a connection comes from Plico.open");
    this.#addon = addon;
    this.#native = native;
  }

  /**
   * Connects, and verifies the tenant. If the directory can't be reached, this
   * succeeds all the same: accounts then know the tenant from their store.
   *
   * Errors: `INVALID_ARGUMENT`, `PROTOCOL_ERROR`, `TENANT_NOT_FOUND`,
   * `CANCELLED`, and whatever a lying directory is caught with.
   */
  static async open(options: PlicoOptions): Promise<Plico> {
    return call(
      builtIn,
      () => object(options, "options"),
      (cancel) => {
        const directory = text(options.directory, "directory");
        const tenant = text(options.tenant, "tenant");
        const input = connectionInput(options);
        return builtIn
          .openPlico(directory, tenant, input, cancel)
          .then((it) => makePlico(builtIn, it));
      },
    );
  }

  /** The tenant's id. */
  get tenantId(): string {
    return this.#native.tenantId();
  }

  /**
   * Opens the account that a store holds; a new one if it holds none.
   *
   * Errors: the store's own, such as `STORE_WRONG_KEY`; `HISTORY_SHORTENED` or
   * `HISTORY_FORKED` if the tenant is not the one that this account knows;
   * `NETWORK` if it is known neither from the store nor from the directory.
   *
   * @example
   * ```ts
   * const account = await plico.account({ store: "./dr-a.plicostore", key });
   * ```
   */
  async account(options: AccountOptions): Promise<Account> {
    return call(
      this.#addon,
      () => object(options, "options"),
      (cancel) =>
        this.#native
          .account(accountInput(options), cancel)
          .then((it) => makeAccount(this.#addon, it)),
    );
  }

  /**
   * For a program of the app's backend that only seals for others. Nothing is asked for yet.
   *
   * Errors: `NETWORK` if the tenant is not known yet and the directory can't be reached;
   * `CLOSED`; what a lying directory is caught with.
   *
   * @example
   * ```ts
   * const service = await plico.service({ token: ({ tenantId }) => signServiceToken(tenantId) });
   * ```
   */
  async service(options: ServiceOptions): Promise<Service> {
    return service(this.#addon, this.#native, options);
  }

  /**
   * Closes all accounts and services that were opened here, and opens no more: from now on
   * everything says `CLOSED`, calls that are under way included, and no request
   * is sent. Closing again does nothing.
   */
  async close(): Promise<void> {
    this.#native.close();
  }

  /** Closes it: `await using plico = …`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** @internal */
export function connectionInput(options: ConnectionOptions): NativePlicoInput {
  const input: NativePlicoInput = {};
  const set = <K extends keyof NativePlicoInput>(key: K, value: NativePlicoInput[K]): void => {
    if (value !== undefined) input[key] = value;
  };
  const positive = (value: number, name: string): number => count(value, 1, name);
  set("maxStalenessMs", maybe(options.maxStalenessMs, milliseconds, "maxStalenessMs"));
  set("requestTimeoutMs", maybe(options.requestTimeoutMs, milliseconds, "requestTimeoutMs"));
  set("attempts", maybe(options.attempts, positive, "attempts"));
  set("parallelRequests", maybe(options.parallelRequests, positive, "parallelRequests"));
  set("startOffline", maybe(options.startOffline, boolean, "startOffline"));
  set("transport", maybe(options.transport, hostTransport, "transport"));
  const onEvent = maybe(options.onEvent, callable, "onEvent");
  const onLog = maybe(options.onLog, callable, "onLog");
  if (onEvent !== undefined) input.onEvent = guarded("onEvent", onEvent);
  if (onLog !== undefined) input.onLog = guarded("onLog", onLog);
  return input;
}

function accountInput(options: AccountOptions): NativeAccountInput {
  const { store, inMemory, key, acceptCopy, boundTo } = options as Partial<DiskAccountOptions> &
    Partial<MemoryAccountOptions>;
  if ((store === undefined) === (inMemory === undefined)) {
    throw invalid("an account has a store, or is inMemory");
  }
  if (inMemory !== undefined) {
    if (inMemory !== true) throw invalid("inMemory is true");
    return {};
  }
  if (typeof store === "object" && !(store instanceof URL)) {
    return { store: hostStore(store as unknown as Store) };
  }
  if (key === undefined) throw invalid("a store in a file has a key");
  const input: NativeAccountInput = {
    path: path(store as string | URL, "store"),
    key: bytes(key, "key"),
  };
  const accept = maybe(acceptCopy, boolean, "acceptCopy");
  const machine = maybe(boundTo, bytes, "boundTo");
  if (accept !== undefined) input.acceptCopy = accept;
  if (machine !== undefined) input.boundTo = machine;
  return input;
}

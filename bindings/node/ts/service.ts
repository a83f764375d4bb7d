import { call, type CallOptions } from "./call";
import { bytes, callable, list, object, oneOf, options as checked, text } from "./check";
import { context, type Context } from "./context";
import "./dispose";
import { invalid } from "./errors";
import { nameless } from "./nameless";
import type { Addon, NativePlico, NativeSealInput, NativeService } from "./native";
import { recipient, type Recipient } from "./recipients";
import { tokens, withCause, type Thrown } from "./register";

/** What the app's backend must sign for a {@link Service}. */
export interface ServiceTokenRequest {
  /** The tenant: the token's `aud`. */
  readonly tenantId: string;
}

/** How a program without an identity looks keys up. */
export interface ServiceOptions extends CallOptions {
  /**
   * Signs a token with an enrolment key of the tenant, or asks whoever has it: an EdDSA
   * JWT with `typ` = `plico-service+jwt`, `aud` = the tenant's id, `plico_use` =
   * `read-keys`, `iat`, and `exp` at most 300 s later. It is called when the last token
   * is nearly over, so about every five minutes of use.
   */
  readonly token: (request: ServiceTokenRequest) => Promise<string> | string;
}

/** How something is sealed. */
export interface SealOptions extends CallOptions {
  /** The place that the item belongs to; the same one opens it again. */
  readonly context?: Context | undefined;
  /**
   * What happens with user ids that have no account. `fail` (the default): nothing is
   * done, and the error lists them. `skip`: they are left out, and
   * {@link SealedItem.missing} lists them.
   */
  readonly onMissing?: "fail" | "skip" | undefined;
  /** The cipher. 1 (the default): ChaCha20-Poly1305. 2: AES-256-GCM. */
  readonly suite?: 1 | 2 | undefined;
}

/** What {@link Service.sealFor} made. */
export interface SealedItem {
  /** To be stored or sent, and opened by {@link Account.openSealed}. */
  readonly bytes: Buffer;
  /** User ids that have no account and were left out. Left out by `console.log`, too. */
  readonly missing: readonly string[];
}

/** @internal */
export let makeService: (addon: Addon, native: NativeService, thrown?: Thrown) => Service;

/**
 * A program of the app's backend that seals for others, without an identity and without
 * a session: it has no private key, so it can't read what it has sealed. Get it from
 * {@link Plico.service}, and keep one for the life of the process: what it has seen of
 * chains and user ids, it holds the directory to.
 *
 * Errors of all calls, besides those that are named: `INVALID_ARGUMENT`; `CANCELLED`;
 * `CLOSED` once it is closed; `ENROLMENT_FAILED` if the app's `token` throws, with what
 * it threw as `cause`; `ENROLMENT_INVALID` and `ENROLMENT_EXPIRED` for its token;
 * `NETWORK`; and whatever a lying directory is caught with.
 *
 * @example
 * ```ts
 * const service = await plico.service({ token: ({ tenantId }) => signServiceToken(tenantId) });
 * const { bytes } = await service.sealFor([{ userId: "patient.7" }], report, { context });
 * ```
 */
export class Service implements AsyncDisposable {
  readonly #addon: Addon;
  readonly #native: NativeService;
  readonly #thrown: Thrown;

  static {
    makeService = (addon, native, thrown = {}) => new Service(addon, native, thrown);
  }

  private constructor(addon: Addon, native: NativeService, thrown: Thrown) {
    if (addon === undefined) throw invalid("a service comes from Plico.service");
    this.#addon = addon;
    this.#native = native;
    this.#thrown = thrown;
  }

  /**
   * Seals `data` for `recipients`, 1 to 256 user ids, identities and groups, under their
   * newest keys as the directory shows them now, each verified as an account would. Its
   * length is padded.
   *
   * Who can open it is fixed with this call; there is no grant and no revocation
   * afterwards. It names nobody as its writer: whoever knows the recipients' public keys,
   * and that is everybody in the tenant, can make one.
   *
   * Errors: `RECIPIENTS_NOT_FOUND` with the list, `IDENTITY_NOT_FOUND`,
   * `GROUP_NOT_FOUND`; `INVALID_ARGUMENT` for no recipient at all, or one that is named
   * twice; `TOO_LARGE` for more than 256; `IDENTITY_CHANGED`.
   *
   * @param data Not copied if it is long: it must not be changed, transferred
   * or resized until the promise settles.
   */
  async sealFor(
    recipients: readonly Recipient[],
    data: Uint8Array,
    options?: SealOptions,
  ): Promise<SealedItem> {
    try {
      return await call(
        this.#addon,
        () => options,
        (cancel) => {
          const given = checked(options);
          const { onMissing = "fail", suite = 1 } = given;
          const input: NativeSealInput = {
            recipients: list(recipients, "recipients").map(recipient),
            skipMissing: oneOf(onMissing, ["fail", "skip"], "onMissing") === "skip",
            aes: oneOf(suite, [1, 2], "suite") === 2,
          };
          const place = context(given.context);
          if (place !== undefined) input.context = place;
          const sealed = this.#native.sealFor(bytes(data, "data"), input, cancel);
          return sealed.then(nameless);
        },
      );
    } catch (error) {
      throw withCause(error, this.#thrown);
    }
  }

  /**
   * Accepts that another identity stands behind `userId` from now on, if the app's
   * backend vouches for it: see {@link Account.acceptIdentityChange}.
   *
   * Errors: `RECIPIENTS_NOT_FOUND`, `ATTESTATION_INVALID`.
   */
  async acceptIdentityChange(userId: string, options?: CallOptions): Promise<string> {
    try {
      return await call(
        this.#addon,
        () => options,
        (cancel) => this.#native.acceptIdentityChange(text(userId, "userId"), cancel),
      );
    } catch (error) {
      throw withCause(error, this.#thrown);
    }
  }

  /** From now on every call says `CLOSED`. Closing again does nothing. */
  async close(): Promise<void> {
    this.#native.close();
  }

  /** Closes it: `await using service = …`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** @internal */
export async function service(
  addon: Addon,
  plico: NativePlico,
  options: ServiceOptions,
): Promise<Service> {
  const thrown: Thrown = {};
  return call(
    addon,
    () => object(options, "options"),
    (cancel) => {
      const token = callable(options.token, "token");
      const ask = tokens((tenantId: string) => token({ tenantId }), thrown);
      return plico.service(ask, cancel).then((it) => makeService(addon, it, thrown));
    },
  );
}

import { call, type CallOptions } from "./call";
import { callable, object, text } from "./check";
import { PlicoError } from "./errors";
import type { Addon, NativeAccount, NativeToken } from "./native";

/** How to register. */
export interface RegisterOptions extends CallOptions {
  /** The app's own name for the person, 1 to 256 bytes of UTF-8. */
  readonly userId: string;
  /**
   * Asks the app's own backend for an enrolment token: an EdDSA JWT, valid for
   * at most five minutes, that vouches for this identity under this user id.
   * The backend signs it after the person has signed in there.
   */
  readonly enrolment: (request: EnrolmentRequest) => Promise<string> | string;
}

/** What the app's backend must vouch for. */
export interface EnrolmentRequest {
  /** The new identity: goes into the token's `plico_identity`. */
  readonly identityId: string;
}

/** @internal What a function of the app's threw, if its last call did. */
export interface Thrown {
  failed?: { cause: unknown };
}

/** @internal A function that gives tokens, as the native half calls it: it never throws. */
export function tokens<T>(
  ask: (request: T) => Promise<string> | string,
  thrown: Thrown,
): (request: T) => Promise<NativeToken> {
  return async (request) => {
    try {
      delete thrown.failed;
      return { token: text(await ask(request), "the token") };
    } catch (cause) {
      thrown.failed = { cause };
      return {};
    }
  };
}

/** @internal The error, with what the app's function threw as its cause. */
export function withCause(error: unknown, { failed }: Thrown): unknown {
  const isTheirs = error instanceof PlicoError && error.code === "ENROLMENT_FAILED";
  return failed !== undefined && isTheirs
    ? new PlicoError(error.code, error.message, failed)
    : error;
}

/** @internal */
export async function register(
  addon: Addon,
  account: NativeAccount,
  options: RegisterOptions,
): Promise<string> {
  const thrown: Thrown = {};
  try {
    return await call(
      addon,
      () => object(options, "options"),
      (cancel) => {
        const enrolment = callable(options.enrolment, "enrolment");
        const ask = tokens((identityId: string) => enrolment({ identityId }), thrown);
        return account.register(text(options.userId, "userId"), ask, cancel);
      },
    );
  } catch (error) {
    throw withCause(error, thrown);
  }
}

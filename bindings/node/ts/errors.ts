import type { PlicoErrorCode } from "./codes";

/**
 * Something went wrong. Branch on {@link PlicoError.code}; the message is for
 * people, and holds no secret and no personal data.
 *
 * @example
 * ```ts
 * try {
 *   await account.createSession({ recipients: [{ userId: "patient.7" }] });
 * } catch (error) {
 *   if (error instanceof PlicoError && error.code === "RECIPIENTS_NOT_FOUND") {
 *     invite(error.recipients);
 *   } else throw error;
 * }
 * ```
 */
export class PlicoError extends Error {
  /** The stable code. */
  readonly code: PlicoErrorCode;

  /**
   * With `RECIPIENTS_NOT_FOUND`: the user ids that have no account, otherwise
   * empty. Not part of the message, so that logging the error logs no person.
   */
  readonly recipients: readonly string[];

  /**
   * Apps only catch these; an app's own tests may make them.
   *
   * @param cause With `CANCELLED`, the signal's reason; with
   * `ENROLMENT_FAILED`, what the app's own function threw; with
   * `INVALID_ARGUMENT`, what a getter of the argument threw.
   */
  constructor(
    code: PlicoErrorCode,
    message: string,
    options?: { readonly recipients?: readonly string[]; readonly cause?: unknown },
  ) {
    super(message, options !== undefined && "cause" in options ? { cause: options.cause } : {});
    this.code = code;
    this.recipients = Object.freeze([...(options?.recipients ?? [])]);
  }

  static {
    // On the prototype, as for the language's own errors: not an own property that loggers print.
    Object.defineProperty(this.prototype, "name", {
      value: "PlicoError",
      configurable: true,
      writable: true,
    });
  }
}

/** @internal `INVALID_ARGUMENT` with what is wrong. */
export function invalid(what: string, cause?: { readonly cause: unknown }): PlicoError {
  const sentence = "An argument is not one that this call takes; see the message.";
  return new PlicoError("INVALID_ARGUMENT", `INVALID_ARGUMENT: ${sentence} (${what})`, cause);
}

/** @internal `CANCELLED`, because of `reason`. */
export function cancelled(reason: unknown): PlicoError {
  const message = "CANCELLED: The operation was cancelled.";
  return new PlicoError("CANCELLED", message, { cause: reason });
}

/** @internal What the native half throws, and rejects with: an error with a code of ours. */
export function fromNative(thrown: unknown): PlicoError | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown) || !("recipients" in thrown)) {
    return undefined;
  }
  return new PlicoError(thrown.code as PlicoErrorCode, thrown.message, {
    recipients: thrown.recipients as string[],
  });
}

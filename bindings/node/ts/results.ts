import type { PlicoErrorCode } from "./codes";
import { PlicoError } from "./errors";
import type { NativeDone, NativeFailure } from "./native";

/** @internal */
export function failure({ code, message, recipients }: NativeFailure): PlicoError {
  return new PlicoError(code as PlicoErrorCode, message, { recipients });
}

/** @internal In the form of `Promise.allSettled`. */
export function settled({ failed }: NativeDone): PromiseSettledResult<void> {
  return failed === undefined
    ? { status: "fulfilled", value: undefined }
    : { status: "rejected", reason: failure(failed) };
}

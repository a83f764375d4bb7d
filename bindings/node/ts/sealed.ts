import type { NativeOpenedSealed } from "./native";
import { memberId, type MemberId } from "./recipients";

/** What was in an item that {@link Service.sealFor} made. */
export interface OpenedSealed {
  /** The plaintext. It is yours: `data.fill(0)` when it is no longer needed. */
  readonly data: Buffer;
  /**
   * All for whom it was sealed. Nobody can have added or taken away one of them without
   * being able to open it.
   */
  readonly recipients: readonly MemberId[];
  /** As whom this account has opened it: itself, or a group that it is in. */
  readonly openedAs: MemberId;
  /**
   * Never signed: everybody who knows the recipients' public keys can have made it;
   * nothing in it says who did.
   */
  readonly writtenBy: { readonly signed: false };
}

/** @internal */
export function openedSealed({ data, recipients, openedAs }: NativeOpenedSealed): OpenedSealed {
  return {
    data,
    recipients: recipients.map(memberId),
    openedAs: memberId(openedAs),
    writtenBy: { signed: false },
  };
}

import { call, type CallOptions } from "./call";
import { bytes, list, object } from "./check";
import type { PlicoErrorCode } from "./codes";
import { context, type Context } from "./context";
import { decrypted, type Decrypted } from "./decrypted";
import { PlicoError } from "./errors";
import type { Addon, Cancel, NativeField, NativeFieldResult } from "./native";

/** One of many payloads to encrypt. */
export interface Field {
  /** The bytes. */
  readonly data: Uint8Array;
  /** The place that it belongs to; the same one opens it again. */
  readonly context?: Context | undefined;
}

/** One of many envelopes to open. */
export interface SealedField {
  /** The envelope. */
  readonly envelope: Uint8Array;
  /** The place that it belongs to. */
  readonly context?: Context | undefined;
}

function field(data: Uint8Array, name: string, place: Context | undefined): NativeField {
  const given = { data: bytes(data, name) };
  const native = context(place);
  return native === undefined ? given : { ...given, context: native };
}

/** @internal */
export function encryptMany(
  addon: Addon,
  fields: readonly Field[],
  options: CallOptions | undefined,
  start: (items: NativeField[], cancel: Cancel | undefined) => Promise<Buffer[]>,
): Promise<Buffer[]> {
  const items = (): NativeField[] =>
    list(fields, "fields").map((it) => {
      const { data, context } = object<Field>(it, "a field");
      return field(data, "data", context);
    });
  return call(addon, () => options, (cancel) => start(items(), cancel));
}

/** @internal */
export function decryptMany(
  addon: Addon,
  fields: readonly SealedField[],
  options: CallOptions | undefined,
  start: (items: NativeField[], cancel: Cancel | undefined) => Promise<NativeFieldResult[]>,
): Promise<PromiseSettledResult<Decrypted>[]> {
  const items = (): NativeField[] =>
    list(fields, "fields").map((it) => {
      const { envelope, context } = object<SealedField>(it, "a field");
      return field(envelope, "envelope", context);
    });
  return call(addon, () => options, (cancel) =>
    start(items(), cancel).then((results) => results.map(settled)),
  );
}

function settled({ opened, code, message }: NativeFieldResult): PromiseSettledResult<Decrypted> {
  if (opened !== undefined) return { status: "fulfilled", value: decrypted(opened) };
  const reason = new PlicoError((code ?? "INTERNAL") as PlicoErrorCode, message ?? "INTERNAL");
  return { status: "rejected", reason };
}

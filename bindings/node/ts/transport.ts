import { bytes, callable, object } from "./check";
import type { NativeRequest, NativeResponse } from "./native";

/** One request. Everything in it is signed: send it as it is. */
export interface TransportRequest {
  /** The method. */
  readonly method: "GET" | "POST";
  /** The whole URL. */
  readonly url: string;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body of a `POST`. */
  readonly body: Uint8Array | undefined;
}

/** What came back, whatever the status. */
export interface TransportResponse {
  /** The HTTP status. */
  readonly status: number;
  /** The whole body, at most 64 MiB. Not to be changed afterwards. */
  readonly body: Uint8Array;
}

/**
 * Carries requests to the directory, where the built-in HTTP client won't do
 * (a proxy with its own log-in, say).
 *
 * Follow no redirects (the signature covers the URL), add no credentials. What
 * is thrown counts as no answer: Plico tries again, and says `NETWORK` in the
 * end. After `requestTimeoutMs` it no longer waits.
 *
 * @example
 * ```ts
 * const transport: Transport = {
 *   async send({ method, url, headers, body }) {
 *     const answer = await fetch(url, { method, headers, body, redirect: "manual" });
 *     return { status: answer.status, body: new Uint8Array(await answer.arrayBuffer()) };
 *   },
 * };
 * ```
 */
export interface Transport {
  /** Sends one request and reads the whole answer. */
  send(request: TransportRequest): Promise<TransportResponse>;
}

const MAX_BODY = 64 * 1024 * 1024;

/** @internal */
export function transport(value: Transport): (request: NativeRequest) => Promise<NativeResponse> {
  const host = object(value, "transport");
  callable(host.send, "transport.send");
  return async ({ method, url, headers, body }) => {
    try {
      const request = { method: method as "GET" | "POST", url, headers, body };
      const answer = object(await host.send(request), "the transport's answer");
      const given = { status: answer.status, body: bytes(answer.body, "body") };
      if (!Number.isInteger(given.status) || given.status < 100 || given.status > 599) {
        return { failed: "the app's transport gave no HTTP status" };
      }
      if (given.body.byteLength > MAX_BODY) return { failed: "the answer is too long" };
      return given;
    } catch (thrown) {
      return { failed: `the app's transport failed: ${kind(thrown)}` };
    }
  };
}

/** Which error it was; not its message, which may hold anything. */
function kind(thrown: unknown): string {
  if (!(thrown instanceof Error)) return typeof thrown;
  const inner = thrown.cause ?? thrown;
  const code = (inner as { code?: unknown }).code;
  const isCode = typeof code === "string" && /^[A-Z][A-Z0-9_]{1,40}$/.test(code);
  return isCode ? `${thrown.name} ${code}` : thrown.name;
}

// Values of wrong types, by what they are asked for as.

import { RecoveryKey } from "plico";

export const trap = () => ({
  get signal() {
    throw new Error("trap");
  },
});
const detached = () => {
  const array = new Uint8Array(8);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
};
export const everything = {
  null: null,
  number: 7,
  "not a number": NaN,
  infinity: Infinity,
  negative: -1,
  fraction: 1.5,
  boolean: true,
  text: "text",
  "lone surrogate": "\ud800",
  bigint: 7n,
  symbol: Symbol("x"),
  function: () => {},
  object: {},
  array: [],
  map: new Map([["a", 1]]),
  date: new Date(),
  "no date": new Date(NaN),
  bytes: new Uint8Array(3),
  detached: detached(),
  "shared bytes": new Uint8Array(new SharedArrayBuffer(8)),
  "resizable bytes": new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 })),
  buffer: new ArrayBuffer(8),
  "shared buffer": new SharedArrayBuffer(8),
  "16-bit": new Uint16Array(8),
  view: new DataView(new ArrayBuffer(8)),
  promise: Promise.resolve(),
  proxy: new Proxy(new Uint8Array(3), {}),
};
export const missing = { undefined };
export const all = { ...missing, ...everything };
export const but = (from, ...allowed) =>
  Object.fromEntries(Object.entries(from).filter(([name]) => !allowed.includes(name)));

// What is wrong where this is asked for.
export const notText = but(all, "text");
export const notBytes = but(all, "bytes");
export const notPath = but(all, "text");
export const notObject = but(
  everything,
  "object",
  "array",
  "map",
  "date",
  "no date",
  "bytes",
  "detached",
  "shared bytes",
  "resizable bytes",
  "buffer",
  "shared buffer",
  "16-bit",
  "view",
  "promise",
  "proxy",
  "function",
);
export const notList = but(everything, "array");
export const notMs = but(everything, "number", "fraction");
const notCount = but(everything, "number");
export const notBoolean = but(everything, "boolean");
const notFunction = but(everything, "function");
export const notDate = but(everything, "date");
export const notContext = but(everything, "object", "bytes");
export const notSignal = everything;
const notFieldValue = but(all, "number", "boolean", "text", "bigint", "bytes", "negative");

export const inside = (wrongs, wrap) =>
  Object.fromEntries(Object.entries(wrongs).map(([name, value]) => [name, wrap(value)]));
export const merge = (...parts) =>
  Object.assign(
    {},
    ...parts.map((part, at) =>
      Object.fromEntries(Object.entries(part).map(([name, value]) => [`${at} ${name}`, value])),
    ),
  );

export const callOptions = merge(
  notObject,
  inside(notSignal, (signal) => ({ signal })),
  { trap: trap() },
);
export const cryptOptions = merge(
  callOptions,
  inside(notContext, (context) => ({ context })),
  inside(notFieldValue, (a) => ({ context: { a } })),
  { "long name": { context: { ["a".repeat(65)]: 1 } } },
  { "no name": { context: { "": 1 } } },
  { "bad name": { context: { "\ud800": 1 } } },
  {
    "too many": {
      context: Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`f${at}`, at])),
    },
  },
  { "too long": { context: { a: "x".repeat(65_536) } } },
  { "too long, raw": { context: new Uint8Array(65_536) } },
  { "too big": { context: { a: 2n ** 63n } } },
  { "not safe": { context: { a: 2 ** 53 } } },
  {
    "field trap": {
      context: {
        get a() {
          throw new Error("trap");
        },
      },
    },
  },
);
const notThreads = merge(but(everything, "number"), { none: 0, "too many": 65 });
export const rangeOptions = merge(
  cryptOptions,
  inside(notThreads, (threads) => ({ threads })),
);
export const fileOptions = merge(
  rangeOptions,
  inside(notFunction, (onProgress) => ({ onProgress })),
);
export const folderOptions = merge(
  fileOptions,
  inside(notBoolean, (skipLinks) => ({ skipLinks })),
);
export const notRecipient = merge(
  notObject,
  inside(but(everything, "text"), (userId) => ({ userId })),
  inside(but(everything, "text"), (identityId) => ({ identityId })),
  inside(but(everything, "text"), (group) => ({ group })),
  { "an id that is none": { identityId: "x" }, "a group that is none": { group: "x" } },
  { both: { userId: "a", identityId: "b" }, "both, too": { userId: "a", group: "b" } },
  { neither: {} },
  {
    trap: {
      get userId() {
        throw new Error("trap");
      },
    },
  },
);
export const notFileKey = merge(
  notObject,
  // Text and bytes of these lengths are wrong, too.
  inside(everything, (passphrase) => ({ passphrase })),
  inside(everything, (hostSecret) => ({ hostSecret })),
  { both: { passphrase: "x".repeat(12), hostSecret: new Uint8Array(32) } },
  { neither: {} },
  {
    trap: {
      get hostSecret() {
        throw new Error("trap");
      },
    },
  },
);
export const notRecoveryKey = {
  ...all,
  "what looks like one": { words: () => Array(24).fill("abandon").join(" ") },
  "made without its class": Object.create(RecoveryKey.prototype),
  "a proxy of one": new Proxy(RecoveryKey.generate(), {}),
};
export const notRole = everything;
export const notRights = merge(
  notList,
  inside(all, (right) => [right]),
  { empty: [] },
);
export const grants = merge(
  inside(notRights, (rights) => ({ rights })),
  inside(notDate, (expiresAt) => ({ expiresAt })),
);
export const connection = merge(
  callOptions,
  inside(notMs, (maxStalenessMs) => ({ maxStalenessMs })),
  inside(notMs, (requestTimeoutMs) => ({ requestTimeoutMs })),
  inside(notCount, (attempts) => ({ attempts })),
  inside(notCount, (parallelRequests) => ({ parallelRequests })),
  inside(notBoolean, (startOffline) => ({ startOffline })),
  inside(notFunction, (onEvent) => ({ onEvent })),
  inside(notFunction, (onLog) => ({ onLog })),
);
export const expiries = merge(
  notObject,
  inside(notDate, (at) => ({ at })),
  inside(notMs, (afterIdleMs) => ({ afterIdleMs })),
  { short: { afterIdleMs: 59_999 } },
);
export const terms = merge(
  inside(expiries, (expiry) => ({ expiry })),
  inside(but(everything, "text"), (tag) => ({ tag })),
  inside(but(everything, "bytes"), (metadata) => ({ metadata })),
  { empty: { tag: "" } },
);
export const everywhereOptions = merge(
  callOptions,
  inside(notBoolean, (sessionsOnly) => ({ sessionsOnly })),
  inside(notBoolean, (throughGroups) => ({ throughGroups })),
  // Not even text is a cursor.
  inside(everything, (after) => ({ after })),
  inside(notFunction, (onProgress) => ({ onProgress })),
  inside(notSignal, (stop) => ({ stop })),
);

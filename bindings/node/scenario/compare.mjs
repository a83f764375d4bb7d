// Whether a step gave what it was to give.

import { StepError } from "./file.mjs";

const HOUR_MS = 3_600_000;
const AHEAD_MS = 5_000;

export function checkTime(date) {
  const now = Date.now();
  const fine = now - HOUR_MS < date.getTime() && date.getTime() < now + AHEAD_MS;
  if (!fine) throw new StepError("a time is far from now");
}

/** Times that no step names lie where they must. */
export function checkTimes(result) {
  if (result?.knownAt !== undefined) checkTime(result.knownAt);
  if (Array.isArray(result)) {
    for (const it of result) if (it.grantedAt !== undefined) checkTime(it.grantedAt);
  }
}

export function matches(world, expected, got) {
  if (got instanceof Uint8Array) return world.bytes(expected).equals(got);
  if (typeof got === "string") return Buffer.from(world.text(expected)).equals(Buffer.from(got));
  if (got?.data !== undefined) return opened(world, expected, got);
  if (got instanceof Set) {
    const wanted = expected.map((it) => world.text(it)).sort();
    return JSON.stringify(wanted) === JSON.stringify([...got].sort());
  }
  if (Array.isArray(got)) {
    const isRecipients = got.some((it) => it.grantedAt !== undefined);
    if (isRecipients) return recipients(expected, got);
    return JSON.stringify(expected.map((it) => world.text(it))) === JSON.stringify(got);
  }
  if (got?.changed !== undefined) {
    return Object.entries(expected).every(([name, count]) => got[name] === count);
  }
  return (got ?? null) === expected;
}

function opened(world, expected, got) {
  return Object.entries(expected).every(([name, value]) => {
    switch (name) {
      case "data":
        return world.bytes(value).equals(got.data);
      case "session":
        return world.text(value) === got.sessionId;
      case "written_offline":
        return value === got.writtenOffline;
      case "written_by":
        return value === got.writtenBy;
      default:
        throw new StepError(`decrypt gives no ${name}`);
    }
  });
}

function recipients(expected, got) {
  const members = got.map(({ userId, rights, expiresAt }) => ({
    user_id: userId,
    rights: rights.includes("owner") ? ["owner"] : rights,
    expires: expiresAt !== undefined,
  }));
  const byName = (a, b) => Buffer.compare(Buffer.from(a.user_id), Buffer.from(b.user_id));
  members.sort(byName);
  const wanted = [...expected].sort(byName);
  return (
    wanted.length === members.length &&
    wanted.every((it, at) =>
      Object.entries(it).every(
        ([name, value]) => JSON.stringify(value) === JSON.stringify(members[at][name]),
      ),
    )
  );
}

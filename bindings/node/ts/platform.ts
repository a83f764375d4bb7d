import { readdirSync } from "node:fs";

/** The name that npm's platform packages use: `linux-x64-gnu`, `darwin-arm64` and so on. */
export function platformName(): string {
  const { platform, arch } = process;
  if (platform === "win32") return `win32-${arch}-msvc`;
  if (platform !== "linux") return `${platform}-${arch}`;
  return `linux-${arch}-${isMusl() ? "musl" : "gnu"}`;
}

function isMusl(): boolean {
  try {
    return readdirSync("/lib").some((name) => name.startsWith("ld-musl-"));
  } catch {
    return false;
  }
}

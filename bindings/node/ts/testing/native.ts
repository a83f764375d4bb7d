/** The testing kit's native half. */

import {
  load,
  type Addon,
  type NativeAccount,
  type NativePlico,
  type NativePlicoInput,
  type NativeRecipient,
  type NativeService,
  type Cancel,
} from "../native";

export interface NativeConnection {
  loseReplies(count: number): void;
  loseRequests(count: number): void;
  unavailable(count: number): void;
  slow(ms: number): void;
  down(down: boolean): void;
  tell(lie: string): void;
  honest(): void;
  told(): number;
  urls(): string[];
}

export interface NativePerson {
  account(): NativeAccount;
  connection(): NativeConnection;
  register(number: number, cancel?: Cancel): Promise<string>;
  restart(): Promise<NativePerson>;
}

export type NativeBackup = object;

export interface NativeDirectory {
  url(): string;
  tenant(): string;
  nowMs(): number;
  advance(ms: number): void;
  back(ms: number): void;
  connection(): NativeConnection;
  plico(
    input: NativePlicoInput,
    connection?: NativeConnection,
    cancel?: Cancel,
  ): Promise<NativePlico>;
  person(userId: string, aheadMs: number): Promise<NativePerson>;
  visitor(userId: string): Promise<NativePerson>;
  accomplice(userId: string): Promise<{ userId: string; identityId: string }>;
  enrol(userId: string, identityId: string, number: number): string;
  setStanding(identityId: string, active: boolean): Promise<void>;
  withdraw(of: string, who: NativeRecipient): Promise<void>;
  lift(of: string, who: NativeRecipient): Promise<void>;
  destroy(of: string): Promise<void>;
  findSessions(tag: string, after?: string): Promise<string[]>;
  serviceToken(): string;
  service(): Promise<{ service: NativeService; connection: NativeConnection }>;
  setUserKeyDays(days: number): Promise<void>;
  down(down: boolean): void;
  restart(): Promise<void>;
  backup(): Promise<NativeBackup>;
  restore(backup: NativeBackup): Promise<void>;
  tell(lie: string): void;
  honest(): void;
  told(): number;
}

export interface TestingAddon extends Addon {
  startDirectory(): Promise<NativeDirectory>;
  lies(): { name: string; what: string; caughtAs: string[] }[];
}

export const addon: TestingAddon = load<TestingAddon>("plico-testing");

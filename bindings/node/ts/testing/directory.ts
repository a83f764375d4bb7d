import { call, now } from "../call";
import { boolean, count, maybe, milliseconds, object, options as checked, text } from "../check";
import { invalid } from "../errors";
import { connectionInput, makePlico, type ConnectionOptions, type Plico } from "../plico";
import { makeConnection, nativeConnection, type TestConnection } from "./connection";
import { recipient, type MemberId } from "../recipients";
import { makeService, type Service } from "../service";
import type { Lie } from "./lies";
import { addon, type NativeBackup, type NativeDirectory } from "./native";
import { makePerson, type TestPerson } from "./person";

/** A clock that stands still until the test moves it; everybody at the directory shares it. */
export interface TestClock {
  /** What it shows, for `expiresAt` say. */
  now(): Date;
  /** Moves the time on by so many milliseconds. */
  advance(ms: number): void;
  /** Moves the time back by so many milliseconds. */
  back(ms: number): void;
  /** Moves the time to `date`. */
  set(date: Date): void;
}

/** A directory's whole content at one moment; see {@link TestDirectory.restore}. */
export interface Backup {
  /** There is nothing to see in it. */
  readonly [kind]: "plico backup";
}
declare const kind: unique symbol;

/** Settings of a client of a {@link TestDirectory}. */
export interface TestPlicoOptions extends Omit<ConnectionOptions, "transport"> {
  /** A connection whose switches the test wants; a new one if not given. */
  readonly connection?: TestConnection | undefined;
}

/** A person's device. */
export interface PersonOptions {
  /** By how many milliseconds the device's clock is ahead of the directory's; may be negative. */
  readonly clockAheadMs?: number | undefined;
}

/** Somebody registered who colludes with the directory. */
export interface Accomplice {
  /** The app's name. */
  readonly userId: string;
  /** The identity. */
  readonly identityId: string;
}

/** A program of the app's backend that seals for others. */
export interface TestService {
  /** The program. */
  readonly service: Service;
  /** Its own connection, with its switches. */
  readonly connection: TestConnection;
}

const backups = new WeakMap<Backup, NativeBackup>();

/**
 * A real directory in the test's own process, with one tenant: its rules, its
 * database, but no socket. Its clock stands at the system's time until it is
 * moved.
 *
 * @example
 * ```ts
 * const directory = await TestDirectory.start();
 * const doctor = await directory.person("dr.a");
 * const insurer = await directory.person("insurer.3");
 * const session = await doctor.account.createSession();
 * const expiresAt = new Date(directory.clock.now().getTime() + 30 * DAY_MS);
 * await session.grant({ userId: "insurer.3" }, { expiresAt });
 * const sealed = await session.encryptText("findings");
 *
 * directory.clock.advance(31 * DAY_MS);
 * await assert.rejects(insurer.account.decryptText(sealed), { code: "ACCESS_EXPIRED" });
 * ```
 */
export class TestDirectory {
  readonly #native: NativeDirectory;

  /** The directory's clock. */
  readonly clock: TestClock;

  private constructor(native: NativeDirectory) {
    if (native === undefined) throw invalid("a directory comes from TestDirectory.start");
    this.#native = native;
    this.clock = Object.freeze({
      now: () => new Date(native.nowMs()),
      advance: (ms: number) => now(() => native.advance(milliseconds(ms, "ms"))),
      back: (ms: number) => now(() => native.back(milliseconds(ms, "ms"))),
      set: (date: Date) =>
        now(() => {
          const by = object(date, "date").getTime() - native.nowMs();
          if (Number.isNaN(by)) throw invalid("date is not a valid Date");
          return by < 0 ? native.back(-by) : native.advance(by);
        }),
    });
  }

  /** Starts an empty directory. It ends when nothing refers to it any more. */
  static async start(): Promise<TestDirectory> {
    return call(
      addon,
      () => undefined,
      () => addon.startDirectory().then((it) => new TestDirectory(it)),
    );
  }

  /** The URL that clients sign. Nothing listens there: see {@link TestDirectory.plico}. */
  get url(): string {
    return this.#native.url();
  }

  /** The tenant's id. */
  get tenant(): string {
    return this.#native.tenant();
  }

  /** A new connection, for {@link TestDirectory.plico}. */
  connection(): TestConnection {
    return makeConnection(this.#native.connection());
  }

  /** What the app's own code gets instead of `Plico.open`. */
  async plico(options?: TestPlicoOptions): Promise<Plico> {
    return call(
      addon,
      () => options,
      (cancel) => {
        const given = checked(options);
        const way = maybe(given.connection, nativeConnection, "connection");
        return this.#native
          .plico(connectionInput(given), way, cancel)
          .then((it) => makePlico(addon, it));
      },
    );
  }

  /** Somebody registered under `userId`. Errors: as {@link Account.register}. */
  async person(userId: string, options?: PersonOptions): Promise<TestPerson> {
    return call(
      addon,
      () => undefined,
      () => {
        const { clockAheadMs: ahead = 0 } = checked(options);
        milliseconds(Math.abs(ahead), "clockAheadMs");
        const person = this.#native.person(text(userId, "userId"), ahead);
        return person.then((it) => makePerson(userId, it));
      },
    );
  }

  /** Somebody who will be `userId`, but has not registered yet. */
  async visitor(userId: string): Promise<TestPerson> {
    return call(
      addon,
      () => undefined,
      () => this.#native.visitor(text(userId, "userId")).then((it) => makePerson(userId, it)),
    );
  }

  /** Somebody registered who colludes with the directory: some lies need one among the recipients. */
  async accomplice(userId: string): Promise<Accomplice> {
    return call(
      addon,
      () => undefined,
      () => this.#native.accomplice(text(userId, "userId")),
    );
  }

  /**
   * What an app's backend does once a person has signed in: a token that
   * vouches for the identity under `userId`, valid for five minutes.
   *
   * @param number Somebody who begins anew under a user id needs a higher one than before.
   */
  enrol(userId: string, identityId: string, number = 1): string {
    return now(() =>
      this.#native.enrol(
        text(userId, "userId"),
        text(identityId, "identityId"),
        count(number, 1, "number"),
      ),
    );
  }

  /**
   * What an app's backend does to disable an identity (`IDENTITY_DISABLED`), or to
   * let it be active again. Errors: `CONFLICT` for a second change within one
   * second of the clock; `IDENTITY_NOT_FOUND`; `IDENTITY_DELETED`.
   */
  async setStanding(identityId: string, active: boolean): Promise<void> {
    return call(
      addon,
      () => undefined,
      () => this.#native.setStanding(text(identityId, "identityId"), boolean(active, "active")),
    );
  }

  /**
   * The operator withdraws a person or a group from a session or a group: they are given
   * nothing and may do nothing in it (`ACCESS_WITHDRAWN`), until that is
   * {@link TestDirectory.lift | lifted}. Errors: `CONFLICT` for a second change within
   * one second of the clock; `SESSION_NOT_FOUND`.
   *
   * @param of The id of a session or of a group.
   */
  async withdraw(of: string, who: MemberId): Promise<void> {
    return call(
      addon,
      () => undefined,
      () => this.#native.withdraw(text(of, "of"), recipient(who)),
    );
  }

  /** And takes it back. Errors: as {@link TestDirectory.withdraw}. */
  async lift(of: string, who: MemberId): Promise<void> {
    return call(
      addon,
      () => undefined,
      () => this.#native.lift(text(of, "of"), recipient(who)),
    );
  }

  /**
   * The operator destroys a session or a group: the directory deletes all but its log.
   * Errors: `SESSION_NOT_FOUND`.
   *
   * @param of The id of a session or of a group.
   */
  async destroy(of: string): Promise<void> {
    return call(
      addon,
      () => undefined,
      () => this.#native.destroy(text(of, "of")),
    );
  }

  /** What the app's backend finds by a tag: the ids of at most 1,024 sessions after `after`. */
  async findSessions(tag: string, after?: string): Promise<string[]> {
    return call(
      addon,
      () => undefined,
      () => this.#native.findSessions(text(tag, "tag"), maybe(after, text, "after")),
    );
  }

  /**
   * What an app's backend signs so that a program of its own may look keys up, valid for
   * five minutes: see {@link Plico.service}.
   */
  serviceToken(): string {
    return this.#native.serviceToken();
  }

  /** A program of the app's backend that seals for others, with a connection of its own. */
  async service(): Promise<TestService> {
    return call(
      addon,
      () => undefined,
      () =>
        this.#native.service().then(({ service, connection }) => ({
          service: makeService(addon, service),
          connection: makeConnection(connection),
        })),
    );
  }

  /** The operator says after how many days user keys are renewed; 0: not by themselves. */
  async setUserKeyDays(days: number): Promise<void> {
    return call(
      addon,
      () => undefined,
      () => this.#native.setUserKeyDays(count(days, 0, "days")),
    );
  }

  /** Whether the directory can be reached at all, for everybody. */
  down(down: boolean): void {
    now(() => this.#native.down(boolean(down, "down")));
  }

  /** Stops the directory's program and starts it again on the same data. */
  async restart(): Promise<void> {
    return call(
      addon,
      () => undefined,
      () => this.#native.restart(),
    );
  }

  /** The directory's whole content now. */
  async backup(): Promise<Backup> {
    return call(
      addon,
      () => undefined,
      () =>
        this.#native.backup().then((native) => {
          const backup = Object.freeze({}) as Backup;
          backups.set(backup, native);
          return backup;
        }),
    );
  }

  /**
   * The directory loses everything that was written after `backup` was made;
   * its keys stay the same. The clock does not move.
   */
  async restore(backup: Backup): Promise<void> {
    return call(
      addon,
      () => undefined,
      () => {
        const native = backups.get(backup);
        if (native === undefined) throw invalid("backup comes from TestDirectory.backup");
        return this.#native.restore(native);
      },
    );
  }

  /**
   * From now on the directory tells this lie to everybody, in every answer to
   * which it applies, in place of any other. A connection's own lie comes first.
   */
  tell(lie: Lie): void {
    now(() => this.#native.tell(text(lie, "lie")));
  }

  /** From now on the directory lies no more, but for connections with a lie of their own. */
  honest(): void {
    this.#native.honest();
  }

  /**
   * In how many answers, on all connections, the last lie was told. A lie that
   * found nothing to apply to proves nothing: let a test look at this.
   */
  get told(): number {
    return this.#native.told();
  }
}

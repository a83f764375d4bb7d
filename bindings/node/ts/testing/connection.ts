import { now } from "../call";
import { boolean, count, milliseconds, text } from "../check";
import { invalid } from "../errors";
import type { Lie } from "./lies";
import type { NativeConnection } from "./native";

/** @internal */
export let makeConnection: (native: NativeConnection) => TestConnection;
/** @internal */
export let nativeConnection: (connection: TestConnection) => NativeConnection;

/**
 * The way of one program to a {@link TestDirectory}, with everything that goes
 * wrong on it. All switches work from the next request on.
 */
export class TestConnection {
  readonly #native: NativeConnection;

  static {
    makeConnection = (native) => new TestConnection(native);
    nativeConnection = (connection) => {
      if (typeof connection !== "object" || connection === null || !(#native in connection)) {
        throw invalid("connection is a TestConnection");
      }
      return connection.#native;
    };
  }

  private constructor(native: NativeConnection) {
    if (native === undefined) throw invalid("a connection comes from a TestDirectory");
    this.#native = native;
  }

  /** The next `number` requests are carried out, but their replies are lost. */
  loseReplies(number: number): void {
    now(() => this.#native.loseReplies(count(number, 0, "number")));
  }

  /** The next `number` requests are lost before the directory sees them. */
  loseRequests(number: number): void {
    now(() => this.#native.loseRequests(count(number, 0, "number")));
  }

  /** The next `number` requests are refused with status 503 and not carried out. */
  unavailable(number: number): void {
    now(() => this.#native.unavailable(count(number, 0, "number")));
  }

  /** Each answer takes so many milliseconds longer, in real time. */
  slow(delayMs: number): void {
    now(() => this.#native.slow(milliseconds(delayMs, "delayMs")));
  }

  /** Whether this program is offline. */
  down(down: boolean): void {
    now(() => this.#native.down(boolean(down, "down")));
  }

  /**
   * From now on this program is told this lie in every answer to which it
   * applies, in place of any other.
   */
  tell(lie: Lie): void {
    now(() => this.#native.tell(text(lie, "lie")));
  }

  /** No more lies to this program, but for those that the directory tells everybody. */
  honest(): void {
    this.#native.honest();
  }

  /**
   * In how many answers the current lie was told. A lie that found nothing to
   * apply to proves nothing: let a test look at this.
   */
  get told(): number {
    return this.#native.told();
  }

  /** The requests that were sent, lost ones included: method and URL, oldest first. */
  get urls(): string[] {
    return this.#native.urls();
  }
}

import { makeAccount, type Account } from "../account";
import { call, type CallOptions } from "../call";
import { count } from "../check";
import { invalid } from "../errors";
import { makeConnection, type TestConnection } from "./connection";
import { addon, type NativePerson } from "./native";

/** @internal */
export let makePerson: (userId: string, native: NativePerson) => TestPerson;

/** Somebody on one device: an account, a store in memory and a connection of their own. */
export class TestPerson {
  readonly #native: NativePerson;

  /** The app's name for this person. */
  readonly userId: string;
  /** The account. */
  readonly account: Account;
  /** This person's own connection, with its switches. */
  readonly connection: TestConnection;

  static {
    makePerson = (userId, native) => new TestPerson(userId, native);
  }

  private constructor(userId: string, native: NativePerson) {
    if (native === undefined) throw invalid("a person comes from a TestDirectory");
    this.#native = native;
    this.userId = userId;
    this.account = makeAccount(addon, native.account());
    this.connection = makeConnection(native.connection());
  }

  /**
   * Registers a {@link TestDirectory.visitor}; gives the identity's id.
   *
   * @param number The binding's number, 1 for whoever is the first under this
   * user id; somebody who begins anew needs a higher one than before.
   */
  async register(number = 1, options?: CallOptions): Promise<string> {
    return call(
      addon,
      () => options,
      (cancel) => this.#native.register(count(number, 1, "number"), cancel),
    );
  }

  /**
   * The same person's program, started again on the same store: with a new
   * connection, and knowing only what was written down.
   */
  async restart(): Promise<TestPerson> {
    return call(
      addon,
      () => undefined,
      () => this.#native.restart().then((it) => makePerson(this.userId, it)),
    );
  }
}

import { now, type CallOptions } from "./call";
import { text } from "./check";
import { invalid } from "./errors";
import { addon as builtIn, type Addon, type NativeRecoveryKey } from "./native";

/** @internal The key as `addon` takes it. */
export let nativeRecoveryKey: (addon: Addon, key: RecoveryKey, name: string) => NativeRecoveryKey;

/**
 * What a person keeps on paper for the day when all devices are gone: 256
 * random bits, as 24 words of the English list of BIP-39.
 *
 * Show the words first and let them be written down; then set the key. So there
 * is never a key that nobody has. The words are in none of the forms in which
 * an object is logged; what {@link RecoveryKey.words} gives is a string, which
 * no program can wipe.
 *
 * @example
 * ```ts
 * const key = RecoveryKey.generate();
 * await letThePersonWriteDown(key.words());
 * await account.setRecoveryKey(key);
 * ```
 */
export class RecoveryKey {
  readonly #native: NativeRecoveryKey;

  static {
    nativeRecoveryKey = (addon, key, name) => {
      if (typeof key !== "object" || key === null || !(#native in key)) {
        throw invalid(`${name} is a RecoveryKey`);
      }
      // The testing kit's addon is another library, with objects of its own.
      return addon === builtIn ? key.#native : addon.recoveryKeyFromWords(key.words());
    };
  }

  private constructor(native: NativeRecoveryKey) {
    if (native === undefined) {
      throw invalid("a recovery key comes from RecoveryKey.generate or RecoveryKey.fromWords");
    }
    this.#native = native;
  }

  /** A new one. Nobody knows of it until it is set: see {@link Account.setRecoveryKey}. */
  static generate(): RecoveryKey {
    return new RecoveryKey(builtIn.generateRecoveryKey());
  }

  /**
   * The key of these words: 24 of them, in any case and with any white space
   * between; the first four letters of each are enough.
   *
   * The words' checksum has 8 bits: of all ways to put one word of the list for
   * another, one in 256 gives a key as well. Nobody has that one, and its use is
   * refused with `RECOVERY_KEY_UNKNOWN`.
   *
   * @throws {PlicoError} `RECOVERY_WORDS_INVALID`, whose message says which word
   * is not one of the list, how many there are, or that they don't belong
   * together; `INVALID_ARGUMENT` for what is not text.
   */
  static fromWords(words: string): RecoveryKey {
    return now(() => new RecoveryKey(builtIn.recoveryKeyFromWords(text(words, "words"))));
  }

  /** The 24 words, lower case, with one space between them. */
  words(): string {
    return this.#native.words();
  }

  /** Says nothing: it is a secret. */
  toString(): string {
    return "RecoveryKey";
  }
}

/** How a recovery key is set. */
export interface SetRecoveryKeyOptions extends CallOptions {
  /** The key that is set now, if there is one: the new one needs its consent. */
  readonly old?: RecoveryKey | undefined;
}

/** How an identity is recovered. */
export interface RecoverOptions extends CallOptions {
  /**
   * Whether the other devices stay, because they are only far away. `false` (the
   * default): they are revoked, and whoever has the phone has nothing more of it.
   */
  readonly keepDevices?: boolean | undefined;
}

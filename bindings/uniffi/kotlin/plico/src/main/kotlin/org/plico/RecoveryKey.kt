package org.plico

import org.plico.ffi.RecoveryKeyHandle

/**
 * What a person keeps on paper for the day when all devices are gone: 256 random
 * bits, as 24 words of the English list of BIP-39.
 *
 * Show the words first and let them be written down; then set the key with
 * [Account.setRecoveryKey]. So there is never a key that nobody has. The key stays
 * on the library's side; what [words] gives is a string, which no program can wipe.
 */
public class RecoveryKey private constructor(internal val handle: RecoveryKeyHandle) {
    /** The 24 words, lower case, with one space between them. */
    public fun words(): String = immediate { handle.words() }

    /** Says nothing: it is a secret. */
    override fun toString(): String = "RecoveryKey(..)"

    public companion object {
        /** A new one. Nobody knows of it until it is set. */
        public fun generate(): RecoveryKey = RecoveryKey(immediate { RecoveryKeyHandle.generate() })

        /**
         * The key of these words: 24 of them, in any case and with any white space
         * between; the first four letters of each are enough.
         *
         * The words' checksum has 8 bits: of all ways to put one word of the list for
         * another, one in 256 gives a key as well. Nobody has that one, and its use is
         * refused with [ErrorCode.RECOVERY_KEY_UNKNOWN].
         *
         * @throws PlicoException [ErrorCode.RECOVERY_WORDS_INVALID], whose message says which
         *   word is not one of the list, how many there are, or that they don't belong
         *   together.
         */
        public fun fromWords(words: String): RecoveryKey =
            RecoveryKey(immediate { RecoveryKeyHandle.fromWords(words) })
    }
}

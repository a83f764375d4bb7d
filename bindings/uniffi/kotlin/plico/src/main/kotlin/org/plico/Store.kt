package org.plico

/**
 * Where an account keeps its state, if not in Plico's own encrypted file.
 *
 * Values hold private keys: an implementation encrypts names and values. It is
 * called on [kotlinx.coroutines.Dispatchers.IO], several times at once, and may
 * block. A [StoreException] says why something failed; anything else that is
 * thrown counts as [StoreFailure.IO]. Either appears as the cause of the
 * [PlicoException] that follows from it.
 */
public interface Store {
    /** The value of `key`; null if there is none. */
    public suspend fun get(key: String): ByteArray?

    /** All pairs whose key begins with `prefix`, in any order. */
    public suspend fun scan(prefix: String): Map<String, ByteArray>

    /**
     * Makes all of `changes`, if everything `expected` holds; otherwise none of
     * them, and throws [StoreFailure.CONFLICT]. Once it has returned, the changes
     * survive a crash; if it throws anything else, either all or none have been
     * made.
     *
     * @param changes new values; null: the name goes.
     * @param expected values that must be there now; null: the name must not be there.
     */
    public suspend fun commit(changes: Map<String, ByteArray?>, expected: Map<String, ByteArray?>)
}

/** Why a store failed. */
public enum class StoreFailure {
    /** It could not be read or written. */
    IO,

    /** It holds something that was not written by it. */
    DAMAGED,

    /** What was expected was not there: somebody else has written in between. */
    CONFLICT,

    /** There is no room left. */
    FULL,

    /** It can be read but not written. */
    READ_ONLY,

    /** Somebody else holds it. */
    BUSY,
}

/**
 * What a [Store] throws to say why.
 *
 * @property failure why.
 */
public class StoreException(
    public val failure: StoreFailure,
    cause: Throwable? = null,
) : Exception(failure.name, cause)

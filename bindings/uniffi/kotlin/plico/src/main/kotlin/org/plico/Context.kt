package org.plico

import org.plico.ffi.ContextField
import org.plico.ffi.ContextValue
import org.plico.ffi.PlicoContext

/**
 * The place that an envelope belongs to, such as table, row and column. It is
 * bound into the ciphertext and stored nowhere: the same context must be given
 * again to open, so that an envelope that was moved to another place does not.
 *
 * What core refuses (see below) is said by the call that the context is given
 * to, with [ErrorCode.INVALID_ARGUMENT].
 */
public class Context private constructor(internal val core: PlicoContext) {
    /** Says nothing: values may be personal. */
    override fun toString(): String = "Context(..)"

    public companion object {
        /**
         * Named values in any order: at most 64, and 64 KiB in all. A name is 1 to
         * 64 bytes of UTF-8 and occurs once. A value is a [String] (compared byte
         * by byte, without Unicode normalisation), an integer ([Byte], [Short],
         * [Int] or [Long]), a [Boolean] or a [ByteArray].
         *
         * @throws PlicoException [ErrorCode.INVALID_ARGUMENT] for a value of another type.
         */
        public fun fields(vararg fields: Pair<String, Any>): Context =
            Context(PlicoContext.Fields(fields.map { (name, value) -> ContextField(name, coreValue(value)) }))

        /** The same from a map. */
        public fun fields(fields: Map<String, Any>): Context =
            fields(*fields.map { it.toPair() }.toTypedArray())

        /** Bytes that the app makes by itself: less than 64 KiB. */
        public fun raw(bytes: ByteArray): Context = Context(PlicoContext.Raw(bytes.copyOf()))

        private fun coreValue(value: Any): ContextValue = when (value) {
            is String -> ContextValue.Text(value)
            is Byte, is Short, is Int, is Long -> ContextValue.Integer((value as Number).toLong())
            is Boolean -> ContextValue.Boolean(value)
            is ByteArray -> ContextValue.Bytes(value.copyOf())
            else -> throw invalidArgument("a context's value is a String, an integer, a Boolean or a ByteArray")
        }
    }
}

package org.plico.testing

import org.plico.Store
import org.plico.StoreException
import org.plico.StoreFailure

/** A store that is gone with the test, and outlives a [TestPerson]'s restart. */
public class MemoryStore : Store {
    private val values = HashMap<String, ByteArray>()

    override suspend fun get(key: String): ByteArray? = synchronized(values) { values[key]?.copyOf() }

    override suspend fun scan(prefix: String): Map<String, ByteArray> = synchronized(values) {
        values.filterKeys { it.startsWith(prefix) }.mapValues { it.value.copyOf() }
    }

    override suspend fun commit(changes: Map<String, ByteArray?>, expected: Map<String, ByteArray?>): Unit =
        synchronized(values) {
            if (expected.any { (key, value) -> !values[key].contentEquals(value) }) {
                throw StoreException(StoreFailure.CONFLICT)
            }
            for ((key, value) in changes) {
                if (value == null) values.remove(key) else values[key] = value.copyOf()
            }
        }
}

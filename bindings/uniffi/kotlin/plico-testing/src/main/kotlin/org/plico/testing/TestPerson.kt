package org.plico.testing

import org.plico.Account
import org.plico.Plico

/**
 * A person on one device: a program with its own connection, and an account.
 * From [TestDirectory.person].
 *
 * @property userId the app's name for this person.
 * @property plico the program's connection to the directory.
 * @property account the account.
 * @property connection what the program's requests go over, with its switches.
 * @property store what the account keeps.
 * @property clock the device's clock.
 */
public class TestPerson private constructor(
    private val directory: TestDirectory,
    public val userId: String,
    public val plico: Plico,
    public val account: Account,
    public val connection: TestConnection,
    public val store: MemoryStore,
    public val clock: TestClock,
) {
    /**
     * Registers a [visitor][TestDirectory.visitor].
     *
     * @param number the binding's; see [TestDirectory.enrolment].
     * @return the identity's id.
     */
    public suspend fun register(number: Long = 1): String =
        account.register(userId, directory.enrolment(userId, number))

    /**
     * The same person's program, started again on the same store: with a new
     * connection, and knowing only what was written down. The old one goes on.
     */
    public suspend fun restart(): TestPerson = start(directory, userId, clock, store)

    internal companion object {
        suspend fun start(
            directory: TestDirectory,
            userId: String,
            clock: TestClock,
            store: MemoryStore,
        ): TestPerson {
            val connection = directory.connection()
            val plico = Plico.open(directory.url, directory.tenant, connection, clock)
            return TestPerson(directory, userId, plico, plico.account(store), connection, store, clock)
        }
    }
}

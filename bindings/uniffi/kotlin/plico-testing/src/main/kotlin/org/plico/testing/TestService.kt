package org.plico.testing

import org.plico.Plico
import org.plico.Service

/**
 * A program of the app's backend that seals for others. From [TestDirectory.service].
 *
 * @property plico the program's connection to the directory.
 * @property service what seals.
 * @property connection what the program's requests go over, with its switches.
 */
public class TestService private constructor(
    public val plico: Plico,
    public val service: Service,
    public val connection: TestConnection,
) {
    internal companion object {
        suspend fun start(directory: TestDirectory, clock: TestClock): TestService {
            val connection = directory.connection()
            val plico = Plico.open(directory.url, directory.tenant, connection, clock)
            return TestService(plico, plico.service { directory.serviceToken() }, connection)
        }
    }
}

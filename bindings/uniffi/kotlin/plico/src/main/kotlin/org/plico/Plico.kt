package org.plico

import org.plico.ffi.AccountHandle
import org.plico.ffi.OpenOptions
import org.plico.ffi.PlicoHandle
import org.plico.ffi.openPlico
import org.plico.ffi.openOfflineFile as openOfflineFileByCore
import java.nio.file.Path
import java.time.Clock
import java.time.Duration

/**
 * A connection to one tenant at one directory. An app has one; its accounts share
 * connections and what is known of others.
 *
 * Suspending functions do their work on threads of Plico's own, so they may be
 * called from any dispatcher. Cancelling the coroutine stops the work: what was
 * already sent may have taken place, and [Account.settle] or the next write
 * finishes it. Every failure is a [PlicoException]; after [close] it is
 * [ErrorCode.CLOSED].
 */
public class Plico private constructor(
    private val handle: PlicoHandle,
    private val causes: Causes,
) : AutoCloseable {
    /** The tenant's id: 43 characters of base64url. */
    public val tenantId: String = handle.tenantId()

    /**
     * The account in one encrypted file, which is made if it is not there. Other
     * processes may use it at the same time.
     *
     * @param store the file.
     * @param key 32 bytes from the platform's key storage; not kept by the caller's array.
     * @throws PlicoException [ErrorCode.INVALID_ARGUMENT] for a key of another length;
     *   [ErrorCode.STORE_WRONG_KEY], [ErrorCode.STORE_DAMAGED], [ErrorCode.STORE_COPIED] and
     *   the other codes of the store; [ErrorCode.NETWORK] if the tenant is not known yet and
     *   the directory can't be reached.
     */
    public suspend fun account(store: Path, key: ByteArray): Account =
        open(causes) { handle.accountOnDisk(checked(store), key, null) }

    /**
     * The account in a store of the app's own.
     *
     * @throws PlicoException as for the account in a file.
     */
    public suspend fun account(store: Store): Account {
        val thrown = LastThrown()
        return open(causes.withStore(thrown)) { handle.accountIn(HostedStore(store, thrown), null) }
    }

    /**
     * An account that is gone with the process.
     *
     * @throws PlicoException as for the account in a file.
     */
    public suspend fun accountInMemory(): Account = open(causes) { handle.accountInMemory(null) }

    private suspend fun open(causes: Causes, make: suspend () -> AccountHandle): Account =
        Account.of(call(causes, make), causes)

    /**
     * For a program of the app's backend that only seals for others. Nothing is asked for
     * yet.
     *
     * @param token signs a token with an enrolment key of the tenant, or asks whoever has
     *   it: see [ServiceTokenRequest]. It is called when the last token is nearly over, so
     *   about every five minutes of use. It may block.
     * @throws PlicoException [ErrorCode.NETWORK] if the tenant is not known yet and the
     *   directory can't be reached.
     */
    public suspend fun service(token: suspend (ServiceTokenRequest) -> String): Service {
        val thrown = LastThrown()
        val causes = causes.withEnrolment(thrown)
        return Service.of(call(causes) { handle.service(HostedServiceTokens(token, thrown), null) }, causes)
    }

    /**
     * Closes the connection and all of its accounts: their secrets leave the memory,
     * and whatever is called afterwards fails with [ErrorCode.CLOSED]. Closing twice
     * is nothing new.
     */
    override fun close() {
        handle.shut()
    }

    public companion object {
        /**
         * Opens a connection. If the directory can't be reached, this succeeds all the
         * same: accounts then know the tenant from their store.
         *
         * @param directory the directory's public URL, as it signs for itself.
         * @param tenant the tenant's id: 43 characters of base64url.
         * @param transport how requests travel.
         * @param clock what time it is; tests move it.
         * @param maxStaleness how old the knowledge of a session may be when something is
         *   written or opened; null: 5 minutes. A revocation is seen at the latest after
         *   this time.
         * @param requestTimeout how long one try of a request may take; null: 60 seconds.
         * @param attempts how often a request without an answer is tried in all, at least
         *   1; null: 4.
         * @param parallelRequests how many requests may be under way, at least 1; null: 8.
         * @param startOffline whether to start without asking the directory.
         * @param onEvent is told what concerns the app's users; see [Event]. Called on a
         *   thread of Plico's: it must be quick and must not call Plico. What it throws is
         *   ignored.
         * @param onLog is told what goes on, for developers; likewise. No secret, no user
         *   id, no content.
         * @throws PlicoException [ErrorCode.INVALID_ARGUMENT], [ErrorCode.TENANT_NOT_FOUND],
         *   [ErrorCode.PROTOCOL_ERROR], and whatever a lying directory is caught with.
         */
        public suspend fun open(
            directory: String,
            tenant: String,
            transport: Transport = HttpTransport(),
            clock: Clock? = null,
            maxStaleness: Duration? = null,
            requestTimeout: Duration? = null,
            attempts: Int? = null,
            parallelRequests: Int? = null,
            startOffline: Boolean = false,
            onEvent: ((Event) -> Unit)? = null,
            onLog: ((LogLevel, String) -> Unit)? = null,
        ): Plico {
            val options = OpenOptions(
                directory = directory,
                tenant = tenant,
                maxStaleness = maxStaleness?.let(::checked),
                requestTimeout = requestTimeout?.let(::checked),
                attempts = attempts?.let { count(it, "attempts") },
                parallelRequests = parallelRequests?.let { count(it, "parallel requests") },
                startOffline = startOffline,
            )
            val thrown = LastThrown()
            val causes = Causes(thrown)
            val listener = if (onEvent != null || onLog != null) HostedListener(onEvent, onLog) else null
            val handle = call(causes) {
                openPlico(options, HostedTransport(transport, thrown), clock?.let(::HostedClock), listener, null)
            }
            return Plico(handle, causes)
        }

        /**
         * Opens an offline file ([Account.offlineFile]) with an identity file
         * ([Account.exportIdentity]) of the same person, without a network and without a
         * store. Every signature, proof and commitment in it is verified, as it would be
         * with the directory at hand. It does not prove that the file is up to date, nor
         * that the directory has shown the same to others.
         *
         * @throws PlicoException [ErrorCode.OFFLINE_FILE_INVALID], also for another person's
         *   identity; [ErrorCode.IDENTITY_FILE_INVALID]; [ErrorCode.WRONG_PASSPHRASE];
         *   [ErrorCode.INVALID_ARGUMENT], also for a passphrase where a secret is needed, or
         *   the reverse; [ErrorCode.WRONG_TENANT]; [ErrorCode.DEVICE_REVOKED] if the identity
         *   file had been withdrawn when the offline file was made; and as
         *   [EncryptionSession.decrypt].
         */
        public suspend fun openOfflineFile(
            file: ByteArray,
            identity: ByteArray,
            key: FileKey,
            context: Context? = null,
        ): OfflineOpened = OfflineOpened.ofCore(
            // Nothing of the app's own code runs in it.
            call(Causes(LastThrown())) { openOfflineFileByCore(file, identity, key.toCore(), context?.core, null) },
        )

        private fun count(number: Int, what: String): UInt {
            if (number < 1) throw invalidArgument("the number of $what is at least 1")
            return number.toUInt()
        }
    }
}

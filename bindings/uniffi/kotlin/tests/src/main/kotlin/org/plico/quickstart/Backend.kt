package org.plico.quickstart

import org.plico.Plico
import org.plico.scenario.DevEnrolment
import java.nio.file.Path
import java.nio.file.StandardOpenOption.CREATE_NEW
import java.security.SecureRandom
import kotlin.io.path.exists
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes

/*
 * What an app has already: a backend that signs tokens, a place for keys, and
 * other users. Here a development directory and files stand in for them.
 */

/** The store's key; an app keeps it in the platform's key storage. */
fun storeKey(): ByteArray {
    val file = Path.of("quickstart.key")
    if (file.exists()) return file.readBytes()
    return ByteArray(32).also {
        SecureRandom().nextBytes(it)
        file.writeBytes(it, CREATE_NEW)
    }
}

/**
 * A token that binds `userId` to the identity. A development directory signs them
 * for anybody; your backend signs them for who has signed in.
 */
fun token(userId: String, identityId: String): String =
    DevEnrolment(System.getenv("PLICO_DIRECTORY"), System.getenv("PLICO_TENANT")).token(userId, identityId)

/** Others sign up, so that something can be encrypted for them. */
suspend fun signUp(plico: Plico, vararg userIds: String) {
    for (userId in userIds) {
        val account = plico.account(Path.of("$userId.plicostore"), storeKey())
        account.register(userId) { request -> token(userId, request.identityId) }
    }
}

package org.plico.quickstart

/*
 * The README's quick start, as a program. Start `plico-directory dev`, then run
 * `quickstart-run` with the PLICO_DIRECTORY and the PLICO_TENANT that are printed
 * there.
 */

// begin quick start
import org.plico.*
import java.nio.file.Path
import java.time.Duration
import java.time.Instant

suspend fun main() {
    val plico = Plico.open(System.getenv("PLICO_DIRECTORY"), System.getenv("PLICO_TENANT")) // one per process
    val account = plico.account(Path.of("dr-a.plicostore"), storeKey()) // one per identity

    // Your backend knows who has signed in, and signs a token for the new identity.
    account.register("dr.a") { request -> token("dr.a", request.identityId) }
    signUp(plico, "patient.7", "insurer.3") // as they do on their own devices

    val session = account.createSession(Recipient.user("patient.7"))
    val place = Context.fields("table" to "notes", "row" to 42)
    val sealed = session.encryptText("blood pressure 120/80", place)

    val insurer = Recipient.user("insurer.3")
    session.grant(insurer, expiresAt = Instant.now() + Duration.ofDays(30))
    session.revoke(insurer)

    println(account.decryptText(sealed, place)) // finds the session itself
    plico.close()
}
// end quick start

package org.plico.scenario

import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import org.plico.Account
import org.plico.EncryptionSession
import org.plico.Expiry
import org.plico.PlicoException
import org.plico.SessionOptions
import java.time.Duration
import java.time.Instant

/** What a call in many sessions says of itself. */
data class Counts(val changed: Long, val failed: Long)

suspend fun World.manyResult(account: Account, verb: String, args: JsonObject): Any? = when (verb) {
    "sessions_tagged" -> account.sessionsTagged(text(args.getValue("tag"))).items
    "create_sessions" -> {
        val sessions = args.getValue("sessions").jsonArray.map { it.jsonObject }
        account.createSessions(sessions.map(::sessionOptions)).map(::word)
    }
    "revoke_everywhere" ->
        account.revokeEverywhere(recipient(args.getValue("who").jsonObject)).let { Counts(it.changed, it.failed) }
    else -> error("`$verb` is not known")
}

suspend fun World.termsResult(session: EncryptionSession, verb: String, args: JsonObject): Any? = when (verb) {
    "set_tag" -> nothing { session.setTag(given(args["tag"])?.let(::text)) }
    "tag" -> session.tag()
    "set_expiry" -> nothing {
        val end = seconds(args["in_s"])?.let { Instant.now().plus(it) }
        session.setExpiry(Expiry(end, seconds(args["idle_s"])))
    }
    "ends" -> session.endsAt() != null
    "grant_all" -> session.grantAll(grants(args)).map(::word)
    "revoke_all" -> session.revokeAll(args.getValue("recipients").jsonArray.map { recipient(it.jsonObject) }).map(::word)
    else -> error("`$verb` is not known")
}

private fun World.grants(args: JsonObject) =
    args.getValue("recipients").jsonArray.map { it.jsonObject }.associate { recipient(it) to grant(it) }

private fun World.sessionOptions(args: JsonObject) =
    SessionOptions(grants(args), tag = given(args["tag"])?.let(::text))

private fun given(json: JsonElement?) = json?.takeIf { it !is JsonNull }

private fun seconds(json: JsonElement?) = given(json)?.let { Duration.ofSeconds(it.jsonPrimitive.long) }

/** How it went with one of many. */
private fun word(of: Result<*>): String = when (val error = of.exceptionOrNull()) {
    null -> "ok"
    is PlicoException -> error.code
    else -> throw error
}

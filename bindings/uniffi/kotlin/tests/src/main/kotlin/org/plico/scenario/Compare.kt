package org.plico.scenario

import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import org.plico.Decrypted
import org.plico.DecryptedSigned
import org.plico.RecipientInfo
import org.plico.WrittenBy
import java.time.Instant

/** Whether a time lies in the last hour, or not long ahead. */
fun isRecent(time: Instant): Boolean = Instant.now().let { time in it.minusSeconds(3600)..it.plusSeconds(5) }

/** Times that no step names lie where they must; otherwise what is wrong. */
fun insane(value: Any?): String? {
    val times = when (value) {
        is Decrypted -> listOf(value.knownAt)
        is DecryptedSigned -> listOfNotNull(value.content.knownAt, (value.writtenBy as? WrittenBy.Signed)?.at)
        is List<*> -> value.filterIsInstance<RecipientInfo>().map { it.grantedAt }
        else -> emptyList()
    }
    return if (times.all(::isRecent)) null else "a time is far from now"
}

/** Whether a step gave what it was to give. */
fun World.matches(expected: JsonElement, got: Any?): Boolean = when (got) {
    null -> expected is JsonNull
    is Boolean -> expected.jsonPrimitive.boolean == got
    is Long -> expected.jsonPrimitive.long == got
    is ByteArray -> bytes(expected).contentEquals(got)
    is String -> text(expected) == got
    is Decrypted -> expected.jsonObject.all { (name, value) -> sameOpened(name, value, got) }
    is DecryptedSigned -> expected.jsonObject.all { (name, value) ->
        if (name == "written_by") sameWriter(value, got.writtenBy) else sameOpened(name, value, got.content)
    }
    is Counts -> expected.jsonObject.all { (name, value) -> sameCount(name, value, got) }
    is Set<*> -> texts(expected).toSet() == got
    is List<*> -> {
        val recipients = got.filterIsInstance<RecipientInfo>()
        if (recipients.isEmpty()) texts(expected) == got else sameRecipients(expected, recipients)
    }
    else -> false
}

private fun World.sameOpened(name: String, expected: JsonElement, got: Decrypted) = when (name) {
    "data" -> bytes(expected).contentEquals(got.data)
    "session" -> text(expected) == got.sessionId
    "written_offline" -> expected.jsonPrimitive.boolean == got.writtenOffline
    else -> error("`decrypt` gives no `$name`")
}

private fun sameCount(name: String, expected: JsonElement, got: Counts) = when (name) {
    "changed" -> expected.jsonPrimitive.long == got.changed
    "failed" -> expected.jsonPrimitive.long == got.failed
    else -> error("`revoke_everywhere` gives no `$name`")
}

private fun World.sameWriter(expected: JsonElement, got: WrittenBy) = when (got) {
    is WrittenBy.Unsigned -> expected is JsonNull
    is WrittenBy.Signed -> expected !is JsonNull && text(expected) == got.userId
}

private fun sameRecipients(expected: JsonElement, got: List<RecipientInfo>): Boolean {
    val wanted = expected.jsonArray.map { it.jsonObject }.sortedBy { it["user_id"].toString() }
    val there = got.map(::member).sortedBy { it["user_id"].toString() }
    return wanted.size == there.size && wanted.zip(there).all { (one, other) -> one.all { other[it.key] == it.value } }
}

private fun member(of: RecipientInfo) = JsonObject(
    mapOf(
        "user_id" to JsonPrimitive(of.userId),
        "rights" to wordsOf(of.rights),
        "expires" to JsonPrimitive(of.expiresAt != null),
    ),
)

/** What was got, short; never what was in an envelope. */
fun shown(value: Any?): String = when (value) {
    null, is Boolean, is Long -> value.toString()
    is ByteArray -> "${value.size} bytes"
    is String -> "a text of ${value.length} characters"
    is Decrypted -> "${value.data.size} bytes, written offline: ${value.writtenOffline}"
    is DecryptedSigned -> shown(value.content)
    is Counts -> value.toString()
    is Set<*> -> value.joinToString()
    is List<*> -> value.joinToString { if (it is RecipientInfo) member(it).toString() else it.toString() }
    else -> value::class.simpleName.orEmpty()
}

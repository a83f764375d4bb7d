package org.plico.scenario

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import org.plico.Context
import org.plico.FileKey
import org.plico.Grant
import org.plico.GroupRole
import org.plico.Recipient
import org.plico.Rights
import java.nio.file.Path
import java.time.Instant
import java.util.Base64
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes

/** What a phase has at hand, and the values as the file writes them. */
class World(val args: Args) {
    private val names = HashMap<String, Any?>()

    fun remember(name: String, value: Any?) {
        names[name] = value
    }

    fun named(name: String): Any? {
        require(name in names) { "no earlier step has given `$name`" }
        return names[name]
    }

    /** Where `path` is; it does not leave the folder. */
    fun path(path: String): Path {
        require(path.split('/').none { it.isEmpty() || it == "." || it == ".." }) { "$path is not inside the folder" }
        return args.work.resolve(path)
    }

    fun write(path: String, bytes: ByteArray) {
        path(path).writeBytes(bytes)
    }

    fun bytes(json: JsonElement): ByteArray {
        if (json is JsonPrimitive) {
            require(json.isString && json.content.startsWith('$')) { "these are no bytes" }
            return when (val value = named(json.content.drop(1))) {
                is ByteArray -> value
                is String -> value.toByteArray()
                else -> error("${json.content} is ${shown(value)}")
            }
        }
        val (form, what) = json.jsonObject.entries.single()
        return when (form) {
            "utf8" -> what.jsonPrimitive.content.toByteArray()
            "base64" -> Base64.getDecoder().decode(what.jsonPrimitive.content)
            "load" -> path(what.jsonPrimitive.content).readBytes()
            "repeat" -> what.jsonArray[0].jsonPrimitive.content.repeat(what.jsonArray[1].jsonPrimitive.int).toByteArray()
            "flip" -> bytes(what.jsonArray[0]).copyOf().also {
                val at = place(what.jsonArray[1], it.size)
                it[at] = (it[at].toInt() xor 1).toByte()
            }
            "cut" -> bytes(what.jsonArray[0]).let { it.copyOf(place(what.jsonArray[1], it.size)) }
            else -> error("`$form` are no bytes")
        }
    }

    private fun place(at: JsonElement, size: Int) = at.jsonPrimitive.int.let { if (it < 0) size + it else it }

    fun text(json: JsonElement): String = when {
        json is JsonPrimitive && json.isString && !json.content.startsWith('$') -> json.content
        else -> bytes(json).decodeToString(throwOnInvalidSequence = true)
    }

    fun texts(json: JsonElement): List<String> = json.jsonArray.map(::text)

    fun context(args: JsonObject): Context? {
        val (form, what) = args["context"]?.jsonObject?.entries?.single() ?: return null
        return when (form) {
            "raw" -> Context.raw(bytes(what))
            "fields" -> Context.fields(what.jsonObject.mapValues { contextValue(it.value) })
            else -> error("`$form` is no context")
        }
    }

    private fun contextValue(json: JsonElement): Any = when {
        json is JsonPrimitive && json.isString -> text(json)
        json is JsonPrimitive -> json.content.toBooleanStrictOrNull() ?: json.long
        json.jsonObject.keys == setOf("integer") -> json.jsonObject.getValue("integer").jsonPrimitive.content.toLong()
        else -> bytes(json)
    }

    fun recipient(json: JsonObject): Recipient =
        json["user"]?.let { Recipient.user(text(it)) }
            ?: json["group"]?.let { Recipient.group(text(it)) }
            ?: Recipient.identity(text(json.getValue("identity")))

    fun role(json: JsonObject): GroupRole =
        json["role"]?.let { GroupRole.valueOf(it.jsonPrimitive.content.uppercase()) } ?: GroupRole.MEMBER

    fun fileKey(json: JsonObject): FileKey =
        json["passphrase"]?.let { FileKey.Passphrase(text(it)) }
            ?: FileKey.HostSecret(bytes(json.getValue("host_secret")))

    fun grant(json: JsonObject): Grant {
        val words = json["rights"]?.jsonArray?.map { it.jsonPrimitive.content } ?: listOf("read")
        require(words.all { it in listOf("read", "forward", "revoke", "owner") }) { "an unknown right" }
        val rights = if ("owner" in words) Rights.OWNER else Rights("forward" in words, "revoke" in words)
        return Grant(rights, json["expires_in_ms"]?.let { Instant.now().plusMillis(it.jsonPrimitive.long) })
    }
}

/** As the file writes them. */
fun wordsOf(rights: Rights): JsonArray {
    val words = when {
        rights.owner -> listOf("owner")
        else -> listOfNotNull("read", "forward".takeIf { rights.forward }, "revoke".takeIf { rights.revoke })
    }
    return JsonArray(words.map(::JsonPrimitive))
}

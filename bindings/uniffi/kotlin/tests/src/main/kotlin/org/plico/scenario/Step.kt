package org.plico.scenario

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import java.nio.file.Path
import kotlin.io.path.readText

/** When a step's call is cancelled: before it begins, or when it has waited for some time. */
enum class Cancel { BEFORE, AFTER }

/** A step, with its placeholders and lists over languages replaced. */
class Step(json: JsonObject) {
    val id: String = json.text("id")
    val verb: String = json.text("verb")
    val on: String? = json.maybe("on")
    val args: JsonObject = json["args"]?.jsonObject ?: JsonObject(emptyMap())
    val name: String? = json.maybe("as")
    val save: String? = json.maybe("save")
    val cancel: Cancel? = when (val cancel = json.maybe("cancel")) {
        null -> null
        "before" -> Cancel.BEFORE
        "after" -> Cancel.AFTER
        else -> error("cancel: $cancel")
    }
    val gives: JsonElement? = json["gives"]
    val error: String? = json.maybe("error")
    val recipients: List<String>? = json["recipients"]?.jsonArray?.map { it.jsonPrimitive.content }
}

private fun JsonObject.text(name: String) = getValue(name).jsonPrimitive.content

private fun JsonObject.maybe(name: String) = get(name)?.jsonPrimitive?.content

/** The steps of the phase, in order. */
fun stepsOf(args: Args): List<Step> {
    val file = Json.parseToJsonElement(Path.of(args["scenario"]).readText()).jsonObject
    require(file["format"] == JsonPrimitive(1)) { "this scenario has another format" }
    val phase = file.getValue("phases").jsonArray.single { it.jsonObject.text("name") == args["phase"] }
    return phase.jsonObject.getValue("steps").jsonArray.flatMap { written(it.jsonObject, args) }
}

private fun written(step: JsonObject, args: Args): List<Step> {
    val next = args.languages[(args.languages.indexOf(args.language) + 1) % args.languages.size]
    val common = mapOf("{lang}" to args.language, "{next}" to next) + mapOf("{directory}" to args["directory"], "{tenant}" to args["tenant"])
    val each = step.maybe("each") ?: return listOf(Step(replaced(step, common, args.languages).jsonObject))
    require(each == "other") { "each: $each" }
    return args.languages.map { other ->
        val json = replaced(step, common + ("{other}" to other), args.languages).jsonObject
        Step(JsonObject(json + ("id" to JsonPrimitive("${json.text("id")}/$other"))))
    }
}

private fun replaced(json: JsonElement, words: Map<String, String>, languages: List<String>): JsonElement = when (json) {
    is JsonNull -> json
    is JsonPrimitive -> {
        if (!json.isString) json
        else JsonPrimitive(words.entries.fold(json.content) { text, (word, value) -> text.replace(word, value) })
    }
    is JsonArray -> JsonArray(json.flatMap { item ->
        val repeated = (item as? JsonObject)?.takeIf { it.keys == setOf("every") }?.getValue("every")
        if (repeated == null) listOf(replaced(item, words, languages))
        else languages.map { replaced(repeated, words + ("{every}" to it), languages) }
    })
    is JsonObject -> JsonObject(json.mapValues { replaced(it.value, words, languages) })
}

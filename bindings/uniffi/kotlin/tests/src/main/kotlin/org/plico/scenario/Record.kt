package org.plico.scenario

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonObject
import java.nio.file.Path
import kotlin.io.path.createDirectories
import kotlin.io.path.exists
import kotlin.io.path.readText
import kotlin.io.path.writeText

/** What a runner leaves for the comparison: results and errors of all phases so far. */
class Record(folder: Path) {
    private val resultsFile = folder.createDirectories().resolve("results.json")
    private val errorsFile = folder.resolve("errors.json")
    private val results = read(resultsFile)
    private val errors = read(errorsFile)

    private fun read(file: Path): MutableMap<String, JsonElement> =
        if (file.exists()) Json.parseToJsonElement(file.readText()).jsonObject.toMutableMap() else mutableMapOf()

    fun result(id: String, passed: Boolean) {
        results[id] = JsonPrimitive(if (passed) "passed" else "failed")
    }

    fun error(id: String, refused: Outcome.Refused) {
        val members = mapOf("code" to refused.code, "message" to refused.message)
        errors[id] = JsonObject(members.mapValues { JsonPrimitive(it.value) })
    }

    fun write() {
        resultsFile.writeText(JsonObject(results).toString())
        errorsFile.writeText(JsonObject(errors).toString())
    }
}

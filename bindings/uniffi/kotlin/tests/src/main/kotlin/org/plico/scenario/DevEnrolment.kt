package org.plico.scenario

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers

/** A development directory in the place of an app's backend: it vouches for anybody. */
class DevEnrolment(directory: String, tenant: String) {
    private val url = URI("$directory/dev/tenants/$tenant/enrolment")

    /** A token that binds `userId` to the identity. */
    fun token(userId: String, identityId: String): String {
        val body = JsonObject(mapOf("user_id" to JsonPrimitive(userId), "identity_id" to JsonPrimitive(identityId)))
        val request = HttpRequest.newBuilder(url)
            .header("content-type", "application/json")
            .POST(BodyPublishers.ofString(body.toString()))
            .build()
        val answer = client.send(request, BodyHandlers.ofString())
        check(answer.statusCode() == 200) { "the directory answered with ${answer.statusCode()}" }
        return Json.parseToJsonElement(answer.body()).jsonObject.getValue("token").jsonPrimitive.content
    }

    private companion object {
        val client: HttpClient = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()
    }
}

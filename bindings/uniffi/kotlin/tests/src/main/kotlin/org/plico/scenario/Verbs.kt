package org.plico.scenario

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.delay
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import org.plico.Account
import org.plico.EncryptionSession
import org.plico.ErrorCode
import org.plico.Group
import org.plico.MemberId
import org.plico.OnMissing
import org.plico.Plico
import org.plico.PlicoException
import org.plico.RecoveryKey
import org.plico.Suite
import java.time.Duration
import kotlin.io.path.exists
import kotlin.io.path.readBytes

/** How a step ended. */
sealed class Outcome {
    /** With a result: bytes, text, a handle and so on. */
    class Gave(val value: Any?) : Outcome()

    /** With an error of Plico's. */
    class Refused(val code: String, val message: String, val recipients: List<String>) : Outcome()

    /** Not at all: the step is not one that this runner can do. */
    class Broken(val why: String) : Outcome()
}

suspend fun World.outcomeOf(step: Step): Outcome = try {
    val result = when (step.cancel) {
        null -> result(step)
        Cancel.BEFORE -> inCancelledJob { result(step) }
        Cancel.AFTER -> withTimeout(4_000) { result(step) }
    }
    Outcome.Gave(result)
} catch (refused: PlicoException) {
    Outcome.Refused(refused.code, refused.message.orEmpty(), refused.recipients)
} catch (_: CancellationException) {
    Outcome.Refused(ErrorCode.CANCELLED, "", emptyList())
} catch (broken: Exception) {
    Outcome.Broken(broken.toString())
}

/** Runs `work` in a job that was cancelled before; `work` begins all the same. */
private suspend fun inCancelledJob(work: suspend () -> Any?): Any? {
    val scope = CoroutineScope(Job().apply { cancel() })
    return scope.async(start = CoroutineStart.UNDISPATCHED) { work() }.await()
}

private suspend fun World.result(step: Step): Any? {
    val args = step.args
    return when (val on = step.on?.let(::named)) {
        null -> aloneResult(step.verb, args)
        is Plico -> plicoResult(on, step.verb, args)
        is Account -> accountResult(on, step.verb, args)
        is EncryptionSession -> sessionResult(on, step.verb, args)
        is Group -> groupResult(on, step.verb, args)
        else -> error("`${step.on}` is ${shown(on)}")
    }
}

private fun JsonObject.text(name: String) = getValue(name).jsonPrimitive.content

private fun JsonObject.ms(name: String) = get(name)?.let { Duration.ofMillis(it.jsonPrimitive.long) }

private suspend fun World.aloneResult(verb: String, args: JsonObject): Any? = when (verb) {
    "open" -> Plico.open(
        directory = text(args.getValue("directory")),
        tenant = text(args.getValue("tenant")),
        maxStaleness = args.ms("max_staleness_ms"),
        requestTimeout = args.ms("request_timeout_ms"),
        attempts = args["attempts"]?.jsonPrimitive?.int,
        startOffline = args["start_offline"]?.jsonPrimitive?.boolean ?: false,
    )
    "generate_words" -> RecoveryKey.generate().words()
    "open_offline_file" -> {
        val (file, identity) = bytes(args.getValue("file")) to bytes(args.getValue("identity"))
        val opened = Plico.openOfflineFile(file, identity, fileKey(args.getValue("key").jsonObject), context(args))
        check(isRecent(opened.asOf)) { "a time is far from now" }
        opened.content
    }
    "write_file" -> nothing { write(args.text("path"), bytes(args.getValue("data"))) }
    "read_file" -> path(args.text("path")).readBytes()
    "exists" -> path(args.text("path")).exists()
    "wait" -> nothing { delay(args.getValue("ms").jsonPrimitive.long) }
    else -> error("`$verb` is not known")
}

private suspend fun World.plicoResult(plico: Plico, verb: String, args: JsonObject): Any? = when (verb) {
    "tenant_id" -> plico.tenantId
    "account" -> when (args["memory"]) {
        JsonPrimitive(true) -> plico.accountInMemory()
        else -> plico.account(path(args.text("store")), bytes(args.getValue("key")))
    }
    "close" -> nothing { plico.close() }
    else -> error("`$verb` is not known")
}

private suspend fun World.accountResult(account: Account, verb: String, args: JsonObject): Any? = when (verb) {
    "identity_id" -> account.identityId
    "register" -> {
        val userId = text(args.getValue("user_id"))
        val token = args["token"]?.let(::text)
        val enrolment = DevEnrolment(this.args["directory"], this.args["tenant"])
        account.register(userId) { request -> token ?: enrolment.token(userId, request.identityId) }
    }
    "create_session" -> {
        val recipients = args.getValue("recipients").jsonArray.map { it.jsonObject }
        val onMissing = if (args["on_missing"] == JsonPrimitive("skip")) OnMissing.SKIP else OnMissing.FAIL
        val suite = if (args["suite"] == JsonPrimitive(2)) Suite.AES_256_GCM else Suite.CHACHA20_POLY1305
        if (recipients.all { "rights" !in it && "expires_in_ms" !in it }) {
            account.createSession(*recipients.map(::recipient).toTypedArray(), onMissing = onMissing, suite = suite)
        } else {
            account.createSession(recipients.associate { recipient(it) to grant(it) }, onMissing, suite)
        }
    }
    "session" -> account.session(text(args.getValue("id")))
    "session_of" -> account.sessionOf(bytes(args.getValue("envelope")))
    "offline" -> account.offline()
    "max_staleness" -> account.maxStaleness(Duration.ofMillis(args.getValue("ms").jsonPrimitive.long))
    "prefetch" -> account.prefetch(texts(args.getValue("ids"))).map { it.code ?: "OK" }
    "settle" -> account.settle()
    "accept_identity_change" -> account.acceptIdentityChange(text(args.getValue("user_id")))
    "device_id" -> account.deviceId
    "devices" -> account.devices().map { if (it.revoked) "revoked" else if (it.isThis) "this" else "active" }
    "revoke_device" -> nothing { account.revokeDevice(text(args.getValue("id"))) }
    "rotate_user_key" -> nothing { account.rotateUserKey() }
    "export_identity" -> account.exportIdentity(fileKey(args.getValue("key").jsonObject))
    "import_identity" -> account.importIdentity(bytes(args.getValue("file")), fileKey(args.getValue("key").jsonObject))
    "decrypt" -> account.decrypt(bytes(args.getValue("envelope")), context(args))
    "create_group" -> {
        val members = args["members"]?.jsonArray.orEmpty().map { it.jsonObject }.associate { recipient(it) to role(it) }
        val fromNowOn = args["from_now_on"]?.jsonPrimitive?.boolean ?: false
        account.createGroup(args["name"]?.let(::text), members, fromNowOn)
    }
    "group" -> account.group(text(args.getValue("id")))
    "groups" -> account.groups().items.toSet()
    "sessions_of_group" -> account.sessionsOfGroup(text(args.getValue("group"))).items.toSet()
    "decrypt_signed" ->
        account.decryptSigned(bytes(args.getValue("envelope")), args["signature"]?.let(::bytes), context(args))
    "decrypt_text" -> account.decryptText(text(args.getValue("text")), context(args))
    "decrypt_file" -> nothing {
        account.decryptFile(path(args.text("source")), path(args.text("target")), context(args))
    }
    "close" -> nothing { account.close() }
    "sessions_tagged", "create_sessions", "revoke_everywhere" -> manyResult(account, verb, args)
    else -> identityResult(account, verb, args)
}

private fun World.recoveryKey(args: JsonObject, name: String) = RecoveryKey.fromWords(text(args.getValue(name)))

private suspend fun World.identityResult(account: Account, verb: String, args: JsonObject): Any? = when (verb) {
    "name_device" -> nothing { account.nameDevice(text(args.getValue("id")), text(args.getValue("name"))) }
    "device_names" -> account.devices().map { it.name.orEmpty() }
    "has_recovery_key" -> account.recoveryKeySetAt() != null
    "set_recovery_key" -> nothing {
        val old = args["old"]?.let { recoveryKey(args, "old") }
        account.setRecoveryKey(recoveryKey(args, "words"), old)
    }
    "recover" -> account.recover(recoveryKey(args, "words"), args["keep_devices"]?.jsonPrimitive?.boolean ?: false)
    "store_backup" -> nothing { account.storeBackup(fileKey(args.getValue("key").jsonObject)) }
    "backups" -> account.backups().map { if (it.passphrase) "passphrase" else "host_secret" }
    "restore_backup" ->
        account.restoreBackup(text(args.getValue("user_id")), fileKey(args.getValue("key").jsonObject))
    "delete_backups" -> nothing { account.deleteBackups() }
    "pairing_code" -> account.pairingCode()
    "join_by_pairing" -> account.joinByPairing()
    "approve_pairing" -> account.approvePairing(text(args.getValue("code")))
    "fingerprint" -> account.fingerprint(text(args.getValue("user_id"))).digits
    "fingerprint_to_scan" -> account.fingerprint(text(args.getValue("user_id"))).toScan
    "verify_fingerprint" -> nothing {
        account.verifyFingerprint(text(args.getValue("user_id")), text(args.getValue("shown")))
    }
    "is_verified" -> account.isVerified(text(args.getValue("user_id")))
    "offline_file" -> account.offlineFile(bytes(args.getValue("envelope")))
    "delete_identity" -> nothing { account.deleteIdentity() }
    else -> error("`$verb` is not known")
}

private suspend fun World.sessionResult(session: EncryptionSession, verb: String, args: JsonObject): Any? = when (verb) {
    "session_id" -> session.id
    "missing_recipients" -> session.missingRecipients
    "encrypt" -> session.encrypt(bytes(args.getValue("data")), context(args))
    "encrypt_text" -> session.encryptText(text(args.getValue("text")), context(args))
    "encrypt_file" -> nothing {
        session.encryptFile(path(args.text("source")), path(args.text("target")), context(args))
    }
    "decrypt" -> session.decrypt(bytes(args.getValue("envelope")), context(args))
    "encrypt_signed" -> {
        val signed = session.encryptSigned(bytes(args.getValue("data")), context(args))
        write(args.text("signature"), signed.signature)
        signed.envelope
    }
    "sign" -> session.sign(bytes(args.getValue("envelope")), context(args))
    "decrypt_signed" ->
        session.decryptSigned(bytes(args.getValue("envelope")), args["signature"]?.let(::bytes), context(args))
    "who_may_read" -> {
        val list = session.whoMayRead()
        check(isRecent(list.asOf)) { "a time is far from now" }
        list.mayRead.filter { it.who is MemberId.Identity }.map { "${it.userId} ${it.path.size}" }.toSet()
    }
    "decrypt_text" -> session.decryptText(text(args.getValue("text")), context(args))
    "decrypt_file" -> nothing {
        session.decryptFile(path(args.text("source")), path(args.text("target")), context(args))
    }
    "grant" -> nothing {
        val grant = grant(args)
        session.grant(recipient(args.getValue("to").jsonObject), grant.rights, grant.expiresAt)
    }
    "revoke" -> nothing {
        val cascade = args["cascade"]?.jsonPrimitive?.boolean ?: false
        session.revoke(recipient(args.getValue("from").jsonObject), cascade)
    }
    "leave" -> nothing { session.leave() }
    "rotate" -> nothing { session.rotate() }
    "refresh" -> nothing { session.refresh() }
    "forget" -> nothing { session.forget() }
    "end" -> nothing { session.end() }
    "recipients" -> session.recipients()
    "set_metadata" -> nothing { session.setMetadata(bytes(args.getValue("data"))) }
    "metadata" -> session.metadata()
    "set_tag", "tag", "set_expiry", "ends", "grant_all", "revoke_all" -> termsResult(session, verb, args)
    "offline" -> session.offline()
    "max_staleness" -> session.maxStaleness(Duration.ofMillis(args.getValue("ms").jsonPrimitive.long))
    else -> error("`$verb` is not known")
}

private suspend fun World.groupResult(group: Group, verb: String, args: JsonObject): Any? = when (verb) {
    "group_id" -> group.id
    "group_name" -> group.name()
    "members" -> group.members().map { "${it.userId ?: it.who.id} ${it.role.name.lowercase()}" }.toSet()
    "rename" -> nothing { group.rename(text(args.getValue("name"))) }
    "add" -> nothing { group.add(recipient(args.getValue("who").jsonObject), role(args)) }
    "remove" -> nothing { group.remove(recipient(args.getValue("who").jsonObject)) }
    "leave" -> nothing { group.leave() }
    "rotate" -> nothing { group.rotate() }
    "refresh" -> nothing { group.refresh() }
    "delete_group" -> nothing { group.delete() }
    else -> error("`$verb` is not known")
}

internal inline fun nothing(work: () -> Unit): Nothing? {
    work()
    return null
}

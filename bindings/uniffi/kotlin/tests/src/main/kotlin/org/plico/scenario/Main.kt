package org.plico.scenario

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.jsonObject
import java.nio.file.Path
import kotlin.system.exitProcess

/** The Kotlin runner of `bindings/scenario/scenario.json`; see the README there. */
fun main(arguments: Array<String>) {
    val args = Args.parse(arguments)
    val passed = runBlocking(Dispatchers.Default) { play(args) }
    exitProcess(if (passed) 0 else 1)
}

class Args private constructor(private val values: Map<String, String>) {
    operator fun get(name: String): String = values[name] ?: error("--$name is missing")

    val language: String get() = get("language")
    val languages: List<String> get() = get("languages").split(',')
    val work: Path get() = Path.of(get("work"))

    companion object {
        /** `--name value` and `--name=value`. */
        fun parse(arguments: Array<String>): Args {
            val values = HashMap<String, String>()
            val rest = arguments.iterator()
            while (rest.hasNext()) {
                val argument = rest.next()
                require(argument.startsWith("--")) { "$argument is no option" }
                val (name, value) = argument.drop(2).split('=', limit = 2).let { it[0] to it.getOrNull(1) }
                values[name] = value ?: rest.next()
            }
            return Args(values)
        }
    }
}

/** Plays one phase; false if a step failed. */
private suspend fun play(args: Args): Boolean {
    val steps = stepsOf(args)
    val record = Record(args.work.resolve(args.language))
    val world = World(args)
    var failed = 0
    for (step in steps) {
        val why = world.perform(step, record)
        record.result(step.id, why == null)
        if (why != null) {
            failed++
            println("FAILED ${step.id}: $why")
        }
    }
    record.write()
    println("scenario ${args.language} ${args["phase"]}: ${steps.size - failed} steps passed, $failed failed")
    return failed == 0
}

/** Does a step and judges it: why it failed, or null. */
private suspend fun World.perform(step: Step, record: Record): String? {
    val outcome = outcomeOf(step)
    if (outcome is Outcome.Refused && step.error != null) record.error(step.id, outcome)
    return when {
        outcome is Outcome.Broken -> outcome.why
        step.error != null && outcome !is Outcome.Refused -> "expected ${step.error}, but it succeeded"
        outcome !is Outcome.Refused -> keep(step, (outcome as Outcome.Gave).value)
        outcome.code != step.error -> "expected ${step.error ?: "success"}, got ${outcome.message}"
        step.recipients != null && step.recipients != outcome.recipients -> "the list of recipients is another one"
        else -> null
    }
}

private fun World.keep(step: Step, value: Any?): String? {
    insane(value)?.let { return it }
    if (step.gives != null && !matches(step.gives, value)) return "another value than expected: ${shown(value)}"
    if (step.save != null) {
        when (value) {
            is ByteArray -> write(step.save, value)
            is String -> write(step.save, value.toByteArray())
            else -> return "${shown(value)} can't be saved"
        }
    }
    if (step.name != null) remember(step.name, value)
    return null
}

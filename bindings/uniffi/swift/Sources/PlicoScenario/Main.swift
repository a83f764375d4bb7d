import Foundation
import Plico

/// The Swift runner of `bindings/scenario/scenario.json`; see the README there.
@main
struct Main {
    static func main() async {
        do {
            let passed = try await play(Arguments(CommandLine.arguments.dropFirst()))
            exit(passed ? 0 : 1)
        } catch {
            FileHandle.standardError.write(Data("scenario-run: \(error)\n".utf8))
            exit(1)
        }
    }

    /// Plays one phase; `false` if a step failed.
    private static func play(_ arguments: Arguments) async throws -> Bool {
        var record = try Record(arguments.work.appendingPathComponent(arguments.language))
        var world = World(arguments)
        var (passed, failed) = (0, 0)
        for step in try steps(arguments) {
            do {
                let outcome = try await outcome(of: step, in: world, &record)
                try keep(outcome, of: step, in: &world)
                record.result(step.id, passed: true)
                passed += 1
            } catch {
                print("FAILED \(step.id): \(error)")
                record.result(step.id, passed: false)
                failed += 1
            }
        }
        try record.write()
        print(
            "scenario \(arguments.language) \(arguments.phase): "
                + "\(passed) steps passed, \(failed) failed")
        return failed == 0
    }

    /// What the step gave; `nil` if it failed as it was to.
    private static func outcome(
        of step: Step, in world: World, _ record: inout Record
    ) async throws -> Outcome? {
        let outcome: Outcome
        do {
            outcome = try await world.perform(step)
        } catch let error as PlicoError {
            guard let code = step.error else {
                throw Misuse("got \(error.message)")
            }
            record.error(step.id, error)
            guard error.code.rawValue == code else {
                throw Misuse("expected \(code), got \(error.message)")
            }
            guard error.recipients == step.recipients ?? error.recipients else {
                throw Misuse("the list of recipients is another one")
            }
            return nil
        }
        if let code = step.error {
            throw Misuse("expected \(code), but it succeeded")
        }
        return outcome
    }

    /// Compares what came with what was to come, and keeps it for later steps.
    private static func keep(_ outcome: Outcome?, of step: Step, in world: inout World) throws {
        guard let outcome else { return }
        try checkTimes(outcome)
        if let expected = step.gives {
            try world.check(outcome, gives: expected)
        }
        if let path = step.save {
            try world.save(path, outcome)
        }
        if let name = step.name {
            world.remember(name, outcome)
        }
    }
}

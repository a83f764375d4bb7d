// The README's quick start, as a program. Start `plico-directory dev`, then run
// `quickstart-run` with the PLICO_DIRECTORY and the PLICO_TENANT that are printed there.

// begin quick start
import Foundation
import Plico

@main
struct QuickStart {
    static func main() async throws {
        let plico = try await Plico.open(directory: directory, tenant: tenant)  // one per process
        let file = URL(fileURLWithPath: "dr-a.plicostore")
        let account = try await plico.account(store: .file(file, key: storeKey()))  // one per identity

        // Your backend knows who has signed in, and signs a token for the new identity.
        try await account.register(userID: "dr.a") { try await token("dr.a", $0.identityID) }
        try await signUp(plico, ["patient.7", "insurer.3"])  // as they do on their own devices

        let session = try await account.createSession(recipients: [.user("patient.7")])
        let note = Data("blood pressure 120/80".utf8)
        let sealed = try await session.encrypt(note, context: ["table": "notes", "row": 42])

        let in30Days = Date.now.addingTimeInterval(30 * 24 * 3600)
        try await session.grant(.user("insurer.3"), expiresAt: in30Days)
        try await session.revoke(.user("insurer.3"))

        // Finds the session itself.
        let opened = try await account.decrypt(sealed, context: ["table": "notes", "row": 42])
        print(String(decoding: opened.data, as: UTF8.self))
    }
}
// end quick start

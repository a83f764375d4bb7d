import Foundation
import Plico

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

// What an app has already: a backend that signs tokens, a place for keys, and other
// users. Here a development directory and files stand in for them.

struct Missing: Error {
    let what: String
}

private func variable(_ name: String) throws -> String {
    guard let value = ProcessInfo.processInfo.environment[name] else { throw Missing(what: name) }
    return value
}

var directory: URL {
    get throws {
        guard let url = URL(string: try variable("PLICO_DIRECTORY")) else {
            throw Missing(what: "a URL in PLICO_DIRECTORY")
        }
        return url
    }
}

var tenant: String {
    get throws { try variable("PLICO_TENANT") }
}

/// The store's key; an app keeps it in the keychain.
func storeKey() throws -> Data {
    let file = URL(fileURLWithPath: "quickstart.key")
    if let key = try? Data(contentsOf: file) {
        return key
    }
    var generator = SystemRandomNumberGenerator()
    let key = Data((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    try key.write(to: file, options: .withoutOverwriting)
    return key
}

/// A token that binds `userID` to the identity. A development directory signs them for
/// anybody; your backend signs them for who has signed in.
func token(_ userID: String, _ identityID: String) async throws -> String {
    var request = URLRequest(
        url: try directory.appendingPathComponent("dev/tenants/\(tenant)/enrolment"))
    request.httpMethod = "POST"
    request.setValue("application/json", forHTTPHeaderField: "content-type")
    request.httpBody = try JSONEncoder().encode(["user_id": userID, "identity_id": identityID])
    let (body, _) = try await URLSession.shared.data(for: request)
    guard let token = try JSONDecoder().decode([String: String].self, from: body)["token"] else {
        throw Missing(what: "the token")
    }
    return token
}

/// Others sign up, so that something can be encrypted for them.
func signUp(_ plico: Plico, _ userIDs: [String]) async throws {
    for userID in userIDs {
        let file = URL(fileURLWithPath: "\(userID).plicostore")
        let account = try await plico.account(store: .file(file, key: storeKey()))
        try await account.register(userID: userID) { try await token(userID, $0.identityID) }
    }
}

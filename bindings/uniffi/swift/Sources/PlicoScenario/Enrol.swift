import Foundation
import Plico

/// In the place of an app's backend: the development directory signs tokens.
func token(_ arguments: Arguments, _ userID: String, _ identityID: String) async throws -> String {
    let body = ["user_id": userID, "identity_id": identityID]
    let answer = try await URLSessionTransport().send(
        TransportRequest(
            method: "POST",
            url: "\(arguments.directory)/dev/tenants/\(arguments.tenant)/enrolment",
            headers: [("content-type", "application/json")],
            body: try JSONEncoder().encode(body)))
    guard let token = try JSONDecoder().decode(JSON.self, from: answer.body).object?["token"]?.text
    else { throw Misuse("no token came") }
    return token
}

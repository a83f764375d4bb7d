import Foundation
import Plico
import XCTest

/// What the platform's HTTP client makes of a request, seen from the other side.
final class URLSessionTransportTests: XCTestCase {
    private func request(
        _ url: String, _ method: String = "GET", body: Data = Data(),
        headers: [(name: String, value: String)] = []
    ) -> TransportRequest {
        TransportRequest(method: method, url: url, headers: headers, body: body)
    }

    func testARequestTravelsAsItIs() async throws {
        let server = try HTTPServer()
        let transport = URLSessionTransport()
        let headers = [
            ("content-type", "application/json"),
            ("content-digest", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
            ("signature-input", #"plico=("@method" "@target-uri");created=1;keyid="a b"; tag="plico""#),
            ("signature", "plico=:AAECAw==:"),
            // What a service sends. The platform calls it reserved, and must pass it on.
            ("authorization", "Bearer eyJh.eyJi.c2ln"),
        ]
        let body = Data((0..<200_000).map { UInt8(truncatingIfNeeded: $0) })
        let answer = try await transport.send(
            request(server.url + "/v1/a%2Fb?x=%20y", "POST", body: body, headers: headers))
        XCTAssertEqual(answer.status, 200)
        XCTAssertEqual(answer.body, body)
        let seen = try XCTUnwrap(server.requests.all.first)
        XCTAssertEqual(seen.line, "POST /v1/a%2Fb?x=%20y HTTP/1.1")
        for (name, value) in headers {
            let found = seen.headers.filter { $0.name.lowercased() == name }.map(\.value)
            XCTAssertEqual(found, [value])
        }
        let forbidden: Set = ["cookie", "expect", "if-none-match", "transfer-encoding"]
        XCTAssertEqual(seen.headers.filter { forbidden.contains($0.name.lowercased()) }.map(\.name), [])
        let get = try await transport.send(request(server.url + "/x"))
        XCTAssertEqual(get.body, Data())
        let last = try XCTUnwrap(server.requests.all.last)
        XCTAssertEqual(last.body, Data())
        XCTAssertFalse(last.headers.contains { $0.name.lowercased() == "authorization" })
    }

    func testNoRedirectsCookiesOrCachesAndOneConnection() async throws {
        let server = try HTTPServer()
        let transport = URLSessionTransport()
        let moved = try await transport.send(request(server.url + "/redirect"))
        XCTAssertEqual(moved.status, 302)
        let missing = try await transport.send(request(server.url + "/missing"))
        XCTAssertEqual(missing.status, 404)
        XCTAssertEqual(missing.body, Data(#"{"code":"NOT_FOUND"}"#.utf8))
        for _ in 0..<3 {
            let answer = try await transport.send(request(server.url + "/cookie"))
            XCTAssertEqual(answer.status, 200)
        }
        let all = server.requests.all
        XCTAssertEqual(all.map(\.line).filter { $0.contains("/cookie") }.count, 3)
        XCTAssertFalse(all.contains { $0.line.contains("/elsewhere") })
        XCTAssertFalse(all.contains { $0.headers.contains { $0.name.lowercased() == "cookie" } })
        XCTAssertLessThanOrEqual(Set(all.map(\.connection)).count, 2, "connections are used again")
    }

    func testAnswersThatAreTooLargeOrCutOff() async throws {
        let server = try HTTPServer()
        let transport = URLSessionTransport()
        let largest = try await transport.send(request(server.url + "/largest"))
        XCTAssertEqual(largest.body.count, TransportResponse.largestBody)
        do {
            _ = try await transport.send(request(server.url + "/large"))
            XCTFail("more than 64 MiB were taken")
        } catch let error as TransportError {
            XCTAssertEqual(error.reason, "an answer of more than 64 MiB")
        }
        do {
            _ = try await transport.send(request(server.url + "/cut"))
            XCTFail("half an answer was taken")
        } catch {}
        for bad in ["", "http://127.0.0.1:1/", "no url", "http://a b/"] {
            do {
                _ = try await transport.send(request(bad))
                XCTFail("\(bad) has answered")
            } catch {}
        }
    }

    func testItGivesUpByItselfAndWhenItIsCancelled() async throws {
        let server = try HTTPServer()
        let silent = request(server.url + "/silent")
        let clock = ContinuousClock()
        let transport = URLSessionTransport(timeout: .seconds(1))
        let took = await clock.measure {
            do {
                _ = try await transport.send(silent)
                XCTFail("it has answered")
            } catch {}
        }
        XCTAssertLessThan(took, .seconds(30))
        let patient = URLSessionTransport()
        let task = Task { try await patient.send(silent) }
        try await Task.sleep(for: .milliseconds(100))
        let start = clock.now
        task.cancel()
        let cancelled = await task.result
        XCTAssertThrowsError(try cancelled.get())
        XCTAssertLessThan(clock.now - start, .seconds(20))
    }

    /// Before it begins, while it begins, when it has been answered: each call ends.
    func testCancelledAtAnyMoment() async throws {
        let server = try HTTPServer()
        let transport = URLSessionTransport()
        let silent = request(server.url + "/silent")
        let answered = request(server.url + "/x")
        for _ in 0..<1000 {
            let late = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await transport.send(silent)
            }
            let result = await late.result
            XCTAssertThrowsError(try result.get())
            let early = Task { try await transport.send(answered) }
            try await Task.sleep(for: .microseconds(Int.random(in: 0..<2000)))
            early.cancel()
            if case .success(let answer) = await early.result {
                XCTAssertEqual(answer.status, 200)
            }
        }
        let after = try await transport.send(answered)
        XCTAssertEqual(after.status, 200)
    }
}

import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A server on loopback that says what it was asked, to the letter. One thread a
/// connection; it ends with the process.
final class HTTPServer: Sendable {
    /// Head and body, as they came.
    struct Request: Sendable {
        let connection: Int
        let line: String
        let headers: [(name: String, value: String)]
        let body: Data
    }

    let url: String
    let requests = Seen<Request>()
    private let listener: Int32

    init() throws {
        #if canImport(Glibc)
            let stream = Int32(SOCK_STREAM.rawValue)
        #else
            let stream = SOCK_STREAM
        #endif
        listener = socket(AF_INET, stream, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        guard bound else { throw POSIXError(.EADDRNOTAVAIL) }
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        signal(SIGPIPE, SIG_IGN)
        Thread.detachNewThread { [self] in
            for number in 0... {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread { self.serve(connection, number) }
            }
        }
    }

    private func serve(_ connection: Int32, _ number: Int) {
        defer { close(connection) }
        var pending = Data()
        while let request = read(connection, number, &pending) {
            requests.add(request)
            let path = request.line.split(separator: " ").dropFirst().first ?? ""
            switch path {
            case "/redirect":
                send(connection, "302 Found", ["location: \(url)/elsewhere"], Data("moved".utf8))
            case "/cookie":
                send(connection, "200 OK", ["set-cookie: a=b; path=/", "cache-control: max-age=999"], Data())
            case "/missing":
                send(connection, "404 Not Found", [], Data(#"{"code":"NOT_FOUND"}"#.utf8))
            case "/large":
                send(connection, "200 OK", [], Data(count: (64 << 20) + 1))
            case "/largest":
                send(connection, "200 OK", [], Data(count: 64 << 20))
            case "/cut":
                let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly this"
                _ = Data(head.utf8).withUnsafeBytes { write(connection, $0.baseAddress, $0.count) }
                return
            case "/silent":
                sleep(30)
            default:
                send(connection, "200 OK", [], request.body)
            }
        }
    }

    private func read(_ connection: Int32, _ number: Int, _ pending: inout Data) -> Request? {
        func more(_ data: inout Data) -> Bool {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(connection, &buffer, buffer.count, 0)
            if count > 0 { data.append(contentsOf: buffer.prefix(count)) }
            return count > 0
        }
        var end = pending.range(of: Data("\r\n\r\n".utf8))
        while end == nil {
            guard more(&pending) else { return nil }
            end = pending.range(of: Data("\r\n\r\n".utf8))
        }
        guard let end else { return nil }
        let lines = String(decoding: pending[..<end.lowerBound], as: UTF8.self)
            .components(separatedBy: "\r\n")
        let headers = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (String(parts[0]), parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
        }
        let length = headers.first { $0.0.lowercased() == "content-length" }.flatMap { Int($0.1) } ?? 0
        var body = Data(pending[end.upperBound...])
        while body.count < length {
            guard more(&body) else { return nil }
        }
        pending = Data(body.dropFirst(length))
        return Request(
            connection: number, line: lines[0], headers: headers, body: body.prefix(length))
    }

    private func send(_ connection: Int32, _ status: String, _ headers: [String], _ body: Data) {
        let lines = ["HTTP/1.1 \(status)", "content-length: \(body.count)"] + headers
        let answer = Data((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
        answer.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let count = write(connection, bytes.baseAddress! + sent, bytes.count - sent)
                guard count > 0 else { return }
                sent += count
            }
        }
    }
}

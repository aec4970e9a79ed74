package import JunctionTCP
package import NIOCore
package import NIOHTTP1
import Testing

/// A TCP connection to the server under test, for requests as right or wrong as a test wants them.
package final class RawConnection {
    private let connection: TCPConnection
    private var inbound: TCPConnection.Inbound.AsyncIterator
    private var received = ByteBuffer()

    private init(_ connection: TCPConnection) {
        self.connection = connection
        self.inbound = connection.inbound.makeAsyncIterator()
    }

    /// Connects, and closes when `body` is done.
    package static func with<Result>(
        _ address: SocketAddress, tls: ClientTLS? = nil, options: ConnectOptions = ConnectOptions(),
        _ body: (RawConnection) async throws -> Result
    ) async throws -> Result {
        let connection = try await TCPClient.connect(to: address, tls: tls, options: options)
        defer { connection.close() }
        return try await body(RawConnection(connection))
    }

    // MARK: Bytes

    package func send(_ bytes: ByteBuffer) async throws { try await connection.write(bytes) }
    package func send(_ text: String) async throws { try await connection.write(text) }

    /// Ends the write side.
    package func finish() { connection.finish() }

    /// Ends the connection with a reset.
    package func reset() { connection.reset() }

    /// The next bytes, those left from an answer first; nil at the end. A reset is an end, too.
    package func read() async throws -> ByteBuffer? {
        if let rest = received.readSlice(length: received.readableBytes), rest.readableBytes > 0 { return rest }
        do {
            return try await inbound.next()
        } catch let error as NetworkError where error.code == .connectionReset {
            return nil
        }
    }

    /// Waits for the end of the connection, whatever still comes before.
    package func expectEnd() async throws {
        while try await read() != nil {}
    }

    // MARK: HTTP

    /// An answer, complete.
    package struct Response: Sendable {
        package var status: Int
        package var headers: HTTPHeaders
        package var body: String
        /// The body as it came.
        package var bytes: ByteBuffer
    }

    /// The bytes of a request; `content-length` is added unless the headers say how long the body is.
    package static func bytes(
        _ method: String, _ target: String, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer()
    ) -> ByteBuffer {
        var lines = "\(method) \(target) HTTP/1.1\r\nhost: \(host)\r\n"
        for (name, value) in headers { lines += "\(name): \(value)\r\n" }
        if !headers.contains(name: "content-length"), !headers.contains(name: "transfer-encoding") {
            lines += "content-length: \(body.readableBytes)\r\n"
        }
        var request = ByteBuffer(string: lines + "\r\n")
        request.writeImmutableBuffer(body)
        return request
    }

    /// Sends a request.
    package func send(
        _ method: String, _ target: String, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer()
    ) async throws {
        try await send(Self.bytes(method, target, headers: headers, body: body))
    }

    /// Sends a request and reads its answer.
    package func request(
        _ method: String, _ target: String, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer()
    ) async throws -> Response {
        try await send(method, target, headers: headers, body: body)
        return try await response(hasBody: method != "HEAD")
    }

    /// Reads an answer; what comes behind it is kept.
    ///
    /// - Parameter hasBody: false for the answer to HEAD, which says how long a body would be.
    package func response(hasBody: Bool = true) async throws -> Response {
        var bytes = ByteBuffer()
        while true {
            let text = String(buffer: bytes)
            if let head = text.firstRange(of: "\r\n\r\n") {
                var lines = text[..<head.lowerBound].split(separator: "\r\n", omittingEmptySubsequences: false)
                let status = try #require(Int(lines.removeFirst().dropFirst("HTTP/1.1 ".count).prefix(3)))
                var headers = HTTPHeaders()
                for line in lines {
                    let colon = try #require(line.firstIndex(of: ":"))
                    headers.add(name: String(line[..<colon]), value: String(line[colon...].dropFirst(2)))
                }
                let headLength = text.utf8.distance(from: text.startIndex, to: head.upperBound)
                let length = hasBody ? headers.first(name: "content-length").flatMap(Int.init) ?? 0 : 0
                while bytes.readableBytes < headLength + length {
                    bytes.writeImmutableBuffer(try #require(try await read(), "the answer is cut off"))
                }
                bytes.moveReaderIndex(forwardBy: headLength)
                let body = bytes.readSlice(length: length) ?? ByteBuffer()
                received = bytes
                return Response(status: status, headers: headers, body: String(buffer: body), bytes: body)
            }
            bytes.writeImmutableBuffer(try #require(try await read(), "no answer"))
        }
    }

    /// What the requests' `host` says, so the server's own origin is `http://` and this.
    package static let host = "junction.localhost"
}

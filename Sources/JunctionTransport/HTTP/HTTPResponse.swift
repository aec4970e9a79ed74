package import NIOCore
package import NIOHTTP1

/// An answer. Its length is added when it is written.
package struct HTTPResponse: Sendable {
    package var status: HTTPResponseStatus
    package var headers: HTTPHeaders
    package var body: ByteBuffer

    package init(status: HTTPResponseStatus, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Appends the status line and the fields (RFC 9112, sections 4 and 5), the length of the body among them.
    ///
    /// - Parameter isLast: the connection closes behind this answer.
    func writeHead(isLast: Bool, into buffer: inout ByteBuffer) {
        if case .ok = status {
            buffer.writeStaticString("HTTP/1.1 200 OK\r\n")
        } else {
            buffer.writeStaticString("HTTP/1.1 ")
            buffer.writeString(String(status.code))
            buffer.writeStaticString(" ")
            buffer.writeString(status.reasonPhrase)
            buffer.writeStaticString("\r\n")
        }
        for (name, value) in headers {
            buffer.writeString(name)
            buffer.writeStaticString(": ")
            buffer.writeString(value)
            buffer.writeStaticString("\r\n")
        }
        if mayHaveLength {
            buffer.writeStaticString("content-length: ")
            buffer.writeString(String(body.readableBytes))
            buffer.writeStaticString("\r\n")
        }
        if isLast { buffer.writeStaticString("connection: close\r\n") }
        buffer.writeStaticString("\r\n")
    }

    /// The length would count for the body that 304 leaves out (RFC 9110, section 8.6).
    private var mayHaveLength: Bool {
        if case .notModified = status { false } else { status.mayHaveResponseBody }
    }
}

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
        var room = 128 + status.reasonPhrase.utf8.count
        for (name, value) in headers { room += name.utf8.count + value.utf8.count + 4 }
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { bytes in
            var head = HeadWriter(bytes)
            if case .ok = status {
                head.write("HTTP/1.1 200 OK\r\n")
            } else {
                head.write("HTTP/1.1 ")
                head.write(String(status.code))
                head.write(" ")
                head.write(status.reasonPhrase)
                head.write("\r\n")
            }
            for (name, value) in headers {
                head.write(name)
                head.write(": ")
                head.write(value)
                head.write("\r\n")
            }
            if mayHaveLength {
                head.write("content-length: ")
                head.write(String(body.readableBytes))
                head.write("\r\n")
            }
            if isLast { head.write("connection: close\r\n") }
            head.write("\r\n")
            return head.count
        }
    }

    /// Text, put down in room that was made for all of it: a buffer asked for each piece looks each time whether it is alone.
    private struct HeadWriter {
        private let room: UnsafeMutableRawBufferPointer
        private(set) var count = 0

        init(_ room: UnsafeMutableRawBufferPointer) { self.room = room }

        mutating func write(_ text: StaticString) {
            text.withUTF8Buffer { write(UnsafeRawBufferPointer($0)) }
        }

        mutating func write(_ text: String) {
            let isWritten: Void? = text.utf8.withContiguousStorageIfAvailable { write(UnsafeRawBufferPointer($0)) }
            if isWritten == nil { Array(text.utf8).withUnsafeBytes { write($0) } }
        }

        private mutating func write(_ bytes: UnsafeRawBufferPointer) {
            UnsafeMutableRawBufferPointer(rebasing: room[count...]).copyMemory(from: bytes)
            count += bytes.count
        }
    }

    /// The length would count for the body that 304 leaves out (RFC 9110, section 8.6).
    private var mayHaveLength: Bool {
        if case .notModified = status { false } else { status.mayHaveResponseBody }
    }
}

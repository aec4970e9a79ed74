import JunctionTransport
import NIOCore
import Testing

@Suite("Limits and ends of an HTTP connection")
struct HTTPLimitsTests {
    private func limits(_ change: (inout HTTPLimits) -> Void) -> HTTPLimits {
        var limits = HTTPLimits()
        change(&limits)
        return limits
    }

    private let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    // MARK: Sizes

    @Test("takes a body of just the allowed size, announced or chunked")
    func largestBody() throws {
        let connection = try HTTPTestConnection(limits: limits { $0.maximumBodySize = 8 }) { _ in .text("ok") }
        try connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n12345678")
        try connection.send(
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n0\r\n\r\n")
        #expect(try connection.receivedStatus() == ["200 OK", "200 OK"])
    }

    @Test("refuses an announced body that is too large before it comes")
    func announcedBody() throws {
        let connection = try HTTPTestConnection(limits: limits { $0.maximumBodySize = 8 })
        try connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        #expect(
            try connection.received()
                == "HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        #expect(connection.exchanges.isEmpty)
        #expect(!connection.isOpen)
    }

    @Test("refuses a chunked body as soon as it is too large")
    func chunkedBody() throws {
        let connection = try HTTPTestConnection(limits: limits { $0.maximumBodySize = 8 })
        try connection.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n")
        #expect(connection.isOpen)
        try connection.send("1\r\n9\r\n")
        #expect(try connection.receivedStatus() == ["413 Payload Too Large"])
        #expect(connection.exchanges.isEmpty)
        #expect(!connection.isOpen)
    }

    @Test("refuses a body too large to be counted")
    func enormousBody() throws {
        let connection = try HTTPTestConnection()
        try connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n")
        #expect(try connection.receivedStatus() == ["400 Bad Request"])
        #expect(!connection.isOpen)
    }

    @Test("refuses header fields that are too long")
    func longHeader() throws {
        let connection = try HTTPTestConnection(limits: limits { $0.maximumHeaderSize = 64 })
        try connection.send("GET / HTTP/1.1\r\nHost: x\r\nX-Long: \(String(repeating: "a", count: 64))\r\n\r\n")
        #expect(try connection.receivedStatus() == ["431 Request Header Fields Too Large"])
        #expect(!connection.isOpen)
    }

    @Test("refuses too many header fields")
    func manyHeaders() throws {
        let fields = (0..<8).map { "X-\($0): a\r\n" }.joined()
        let allowed = try HTTPTestConnection(limits: limits { $0.maximumHeaderCount = 8 }) { _ in .text("ok") }
        try allowed.send("GET / HTTP/1.1\r\n\(fields)\r\n")
        #expect(try allowed.receivedStatus() == ["200 OK"])

        let refused = try HTTPTestConnection(limits: limits { $0.maximumHeaderCount = 8 }) { _ in .text("ok") }
        try refused.send("GET / HTTP/1.1\r\nHost: x\r\n\(fields)\r\n")
        #expect(try refused.receivedStatus() == ["431 Request Header Fields Too Large"])
        #expect(!refused.isOpen)
    }

    @Test(
        "answers what is not HTTP with 400 and closes",
        arguments: [
            "\u{1}\u{2}\u{3}\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/x\r\n\r\n", "GET / HTTP/1.1\r\nNo colon\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnot a length\r\n",
        ])
    func garbage(text: String) throws {
        let connection = try HTTPTestConnection()
        try connection.send(text)
        #expect(try connection.receivedStatus() == ["400 Bad Request"])
        #expect(connection.exchanges.isEmpty)
        #expect(!connection.isOpen)
    }

    @Test("handles nothing that follows what it refused")
    func afterRefusal() throws {
        let connection = try HTTPTestConnection(limits: limits { $0.maximumBodySize = 1 })
        try connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab\(get)")
        #expect(try connection.receivedStatus() == ["413 Payload Too Large"])
        #expect(connection.exchanges.isEmpty)
    }

    @Test("ends a connection whose client sends too many requests ahead")
    func tooManyAhead() throws {
        let connection = try HTTPTestConnection(limits: limits { $0.maximumPipelinedRequests = 2 })
        try connection.send(get)  // with the application
        try connection.send(get + get)
        #expect(connection.isOpen)
        try connection.send(get)
        #expect(!connection.isOpen)
        #expect(connection.exchanges.count == 1)
    }

    // MARK: Times

    @Test("closes a connection on which no request comes in time")
    func silence() throws {
        let connection = try HTTPTestConnection(limits: limits { $0.requestTimeout = .seconds(60) })
        connection.wait(.seconds(59))
        #expect(connection.isOpen)
        connection.wait(.seconds(1))
        #expect(!connection.isOpen)
    }

    @Test("closes a connection whose request is not complete in time, however often a byte comes")
    func slowRequest() throws {
        let connection = try HTTPTestConnection(limits: limits { $0.requestTimeout = .seconds(60) })
        for piece in ["GET", " /", " HTTP/1.1\r\n", "Host:", " x\r\n", "A: b\r\n"] {
            #expect(connection.isOpen)
            try connection.send(piece)
            connection.wait(.seconds(10))
        }
        #expect(!connection.isOpen)
    }

    @Test("counts the time between requests from the last answer")
    func idleAfterAnswer() throws {
        let connection = try HTTPTestConnection(limits: limits { $0.requestTimeout = .seconds(60) }) { _ in .text("ok")
        }
        connection.wait(.seconds(50))
        try connection.send(get)
        connection.wait(.seconds(59))
        #expect(connection.isOpen)
        connection.wait(.seconds(1))
        #expect(!connection.isOpen)
    }

    @Test("gives the application as long as it wants for its answer")
    func slowApplication() throws {
        let connection = try HTTPTestConnection(limits: limits { $0.requestTimeout = .seconds(60) })
        try connection.send(get)
        connection.wait(.hours(1))
        #expect(connection.isOpen)
        try connection.exchange(0).respond(.text("ok"))
        #expect(try connection.receivedStatus() == ["200 OK"])
        connection.wait(.seconds(60))
        #expect(!connection.isOpen)
    }

    // MARK: Draining

    @Test("draining closes a connection without a request at once")
    func drainIdle() throws {
        let connection = try HTTPTestConnection { _ in .text("ok") }
        try connection.send(get)
        try connection.drain()
        #expect(!connection.isOpen)
    }

    @Test("draining lets the request that is under way be answered, and says that it was the last")
    func drainBusy() throws {
        let connection = try HTTPTestConnection()
        try connection.send(get)
        try connection.drain()
        #expect(connection.isOpen)
        try connection.exchange(0).respond(.text("ok"))
        let answer = try connection.received()
        #expect(answer.contains("connection: close\r\n") && answer.hasSuffix("ok"))
        #expect(!connection.isOpen)
    }

    @Test("draining lets a request arrive that has begun")
    func drainPartial() throws {
        let connection = try HTTPTestConnection { _ in .text("ok") }
        try connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel")
        try connection.drain()
        #expect(connection.isOpen)
        try connection.send("lo")
        #expect(try connection.received().hasSuffix("ok"))
        #expect(!connection.isOpen)
    }

    @Test("draining answers the requests that were sent ahead")
    func drainPipelined() throws {
        let connection = try HTTPTestConnection()
        try connection.send(get + get)
        try connection.drain()
        try connection.exchange(0).respond(.text("first"))
        #expect(!(try connection.received().contains("connection: close")))
        try connection.exchange(1).respond(.text("second"))
        #expect(try connection.received().contains("connection: close"))
        #expect(!connection.isOpen)
    }
}

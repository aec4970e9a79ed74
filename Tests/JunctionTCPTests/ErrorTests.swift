import JunctionTCP
import NIOCore
import TestSupport
import Testing

@Suite("Errors of TCP servers and clients", .timeLimit(.minutes(5)))
struct ErrorTests {
    /// An address on which nothing listens any more.
    private func freeAddress() async throws -> SocketAddress {
        try await TCPServer.local { _ in }.withListening { $0 }
    }

    @Test("says plainly that nothing listens there")
    func refused() async throws {
        let address = try await freeAddress()
        let port = try #require(address.port)
        let error = await networkError { _ = try await TCPClient.connect(to: address) }
        #expect(error?.code == .connectionRefused)
        #expect(error?.description == "ECONNREFUSED: connect to 127.0.0.1:\(port): connection refused")
    }

    @Test("names every address that was tried")
    func refusedByName() async throws {
        let port = try #require(try await freeAddress().port)
        let error = await networkError { _ = try await TCPClient.connect(host: "localhost", port: port) }
        #expect(error?.code == .connectionRefused)
        let message = try #require(error?.message)
        #expect(message.hasPrefix("connect to localhost:\(port): "))
        #expect(message.contains("127.0.0.1:\(port) connection refused"))
    }

    @Test("a client gives up when its time is over, whichever way it was given")
    func timeout() async throws {
        try await TCPServer.local { _ in }.withListening { address in
            let port = try #require(address.port)
            let expected =
                "ETIMEDOUT: connect to 127.0.0.1:\(port): no answer within 0 ms (1 address was not tried)"
            var options = ConnectOptions()
            let short = await networkError { [options] in
                _ = try await TCPClient.connect(to: address, timeout: .zero, options: options)
            }
            #expect(short?.description == expected)
            options.timeout = .zero
            let option = await networkError { [options] in
                _ = try await TCPClient.connect(to: address, options: options)
            }
            #expect(option?.description == expected)
        }
    }

    @Test("says plainly that a number is no port")
    func invalidPort() async {
        let error = await networkError { _ = try await TCPClient.connect(host: "localhost", port: 65_536) }
        #expect(
            error?.description
                == "ERR_SOCKET_BAD_PORT: connect to localhost:65536: a port is a number from 0 to 65535")
    }

    @Test("connects to names that only a resolver of one's own knows, and to those of the system beside them")
    func resolvers() async throws {
        let server = TCPServer.local { try await $0.write("hello") }
        try await server.withListening { address in
            let port = try #require(address.port)
            var options = ConnectOptions()
            options.resolver = StaticHostResolver(["device": ["127.0.0.1"]], otherwise: TCPClient.systemResolver)
            for host in ["device", "localhost"] {
                let greeting = try await TCPClient.withConnection(host: host, port: port, options: options) {
                    try await $0.readText()
                }
                #expect(greeting == "hello")
            }
        }
    }

    @Test("says plainly that another program listens there already")
    func addressInUse() async throws {
        try await TCPServer.local { _ in }.withListening { address in
            let port = try #require(address.port)
            let second = TCPServer(host: "127.0.0.1", port: port) { _ in }
            let error = await networkError { try await second.run() }
            #expect(
                error?.description
                    == "EADDRINUSE: listen on 127.0.0.1:\(port): another program listens there already")
            let scoped = await networkError { try await second.withListening { _ in } }
            #expect(scoped?.code == .addressInUse)
        }
    }

    @Test("says plainly that a host name has no address")
    func hostNotFound() async {
        let client = await networkError { _ = try await TCPClient.connect(host: "nowhere.invalid", port: 1) }
        #expect(client?.description == "ENOTFOUND: connect to nowhere.invalid:1: the host name has no address")
        let server = await networkError { try await TCPServer(host: "nowhere.invalid", port: 0) { _ in }.run() }
        #expect(server?.description == "ENOTFOUND: listen on nowhere.invalid:0: the host name has no address")
    }

    @Test("says plainly that an address is not one of this machine")
    func addressNotAvailable() async {
        let error = await networkError { try await TCPServer(host: "192.0.2.1", port: 0) { _ in }.run() }
        #expect(
            error?.description == "EADDRNOTAVAIL: listen on 192.0.2.1:0: the address is not one of this machine")
    }

    @Test("a handler that throws ends its connection alone")
    func throwingHandler() async throws {
        struct Failure: Error {}
        let server = TCPServer.local(framing: .lines()) { connection in
            for try await line in connection.inbound {
                if line == ByteBuffer(string: "fail") { throw Failure() }
                try await connection.write(line)
            }
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address, framing: .lines()) { bystander in
                try await TCPClient.withConnection(to: address, framing: .lines()) { connection in
                    try await connection.write("fail")
                    #expect(try await connection.readText() == nil)
                }
                try await bystander.write("still served")
                #expect(try await bystander.readText() == "still served")
            }
        }
    }

    @Test("an inline handler that throws ends its connection alone, and handles nothing more of it")
    func throwingInlineHandler() async throws {
        struct Failure: Error {}
        let handled = Counter()
        let server = TCPServer(
            host: "127.0.0.1", port: 0, framing: .lines(),
            onMessage: { line, connection in
                handled.add(1)
                if line == ByteBuffer(string: "fail") { throw Failure() }
                connection.write(line)
            })
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address, framing: .lines()) { bystander in
                try await TCPClient.withConnection(to: address) { connection in
                    try await connection.write("fail\nmore\nmore\n")
                    _ = try? await connection.readAll()
                }
                try await bystander.write("still served")
                #expect(try await bystander.readText() == "still served")
            }
        }
        #expect(handled.value == 2)
    }

    @Test("a second reader is refused, and the first goes on waiting")
    func twoReaders() async throws {
        let gate = Gate()
        let server = TCPServer.local { connection in
            await gate.wait()
            try await connection.write("for the first")
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                async let first = connection.readText()
                await Task.yield()  // the first task waits when this one goes on
                let error = await networkError { _ = try await connection.readText() }
                #expect(error?.code == .invalidState)
                #expect(error?.message == "a connection has one reader at a time")
                gate.open()
                let message = try await first
                #expect(message == "for the first")
            }
        }
    }

    @Test("a reader that is cancelled leaves the next message to the next reader")
    func cancelledReader() async throws {
        let gate = Gate()
        let server = TCPServer.local { connection in
            await gate.wait()
            try await connection.write("for the second")
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                let first = Task { try await connection.readText() }
                first.cancel()
                await #expect(throws: CancellationError.self) { try await first.value }
                gate.open()
                let message = try await connection.readText()
                #expect(message == "for the second")
            }
        }
    }

    @Test("calls from other threads do what calls on the event loop do")
    func fromElsewhere() async throws {
        let server = TCPServer.local { connection in
            for try await data in connection.inbound { try await connection.write(data) }
        }
        try await server.withListening { address in
            let connection = try await TCPClient.connect(to: address)
            for number in 0..<100 {
                try await connection.write("message \(number)")
                #expect(try await connection.readText() == "message \(number)")
            }
            connection.close()
            await connection.waitUntilClosed()
        }
    }
}

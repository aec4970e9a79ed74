import Foundation
import JunctionTransport
import NIOCore
import TestSupport
import Testing

@testable import JunctionTCP

#if canImport(Glibc)
    private let stream = CInt(SOCK_STREAM.rawValue)
    private let datagram = CInt(SOCK_DGRAM.rawValue)
#else
    private let stream = SOCK_STREAM
    private let datagram = SOCK_DGRAM
#endif

@Suite("Sockets that are bound first", .timeLimit(.minutes(5)))
struct BoundSocketTests {
    private func reserve() async throws -> BoundSocket { try await .bind(host: "127.0.0.1", port: 0) }

    @Test("a reserved port belongs to its socket alone, and nobody is served there yet")
    func exclusive() async throws {
        let socket = try await reserve()
        let address = try #require(socket.localAddress)
        let port = try #require(address.port)
        #expect(port > 0)
        let second = await networkError { _ = try await BoundSocket.bind(host: "127.0.0.1", port: port) }
        #expect(
            second?.description == "EADDRINUSE: listen on 127.0.0.1:\(port): another program listens there already")
        let server = await networkError { try await TCPServer(host: "127.0.0.1", port: port) { _ in }.run() }
        #expect(server?.code == .addressInUse)
        let client = await networkError { _ = try await TCPClient.connect(to: address) }
        #expect(client?.code == .connectionRefused)
    }

    @Test("a server listens later on a socket that was bound before, by the address that was announced")
    func listenLater() async throws {
        let socket = try await reserve()
        let announced = try #require(socket.localAddress)
        try await TCPServer.greeting(on: .socket(socket)).withListening { address in
            #expect(address == announced)
            try await expectGreeting("hello", from: announced)
        }
    }

    @Test("a connection from a socket that was bound before comes from its port")
    func connectLater() async throws {
        let peers = Box<SocketAddress?>()
        let server = TCPServer.local { connection in
            peers.put(connection.remoteAddress)
            for try await data in connection.inbound { try await connection.write(data) }
        }
        try await server.withListening { address in
            let socket = try await self.reserve()
            let announced = try #require(socket.localAddress)
            let connection = try await TCPClient.connect(from: socket, to: address)
            #expect(await peers.take() == announced)
            #expect(connection.localAddress == announced)
            #expect(connection.remoteAddress == address)
            try await connection.write("hello")
            #expect(try await connection.readText() == "hello")
            connection.close()
            await connection.waitUntilClosed()
        }
    }

    @Test("a bound socket is used once")
    func usedTwice() async throws {
        let socket = try await reserve()
        let address = try await TCPServer.greeting(on: .socket(socket)).withListening { $0 }
        let expected = "ERR_INVALID_STATE: the socket of \(address.text) was used or closed before"
        let listening = await networkError { try await TCPServer.greeting(on: .socket(socket)).run() }
        #expect(listening?.description == expected)
        let connecting = await networkError { _ = try await TCPClient.connect(from: socket, to: address) }
        #expect(connecting?.description == expected)
    }

    @Test("a bound socket that nobody uses gives its port back when it is closed, and when it is released")
    func givenBack() async throws {
        let socket = try await reserve()
        let port = try #require(socket.localAddress?.port)
        socket.close()
        socket.close()
        // Only in this scope: it is released at its end.
        func reserveAgain() async throws { _ = try await BoundSocket.bind(host: "127.0.0.1", port: port) }
        try await reserveAgain()
        try await reserveAgain()
    }

    // MARK: Connects that fail

    @Test("a connect from a bound socket that is refused says from where to where")
    func refused() async throws {
        let (socket, silent) = (try await reserve(), try await reserve())
        let (from, to) = (try #require(socket.localAddress), try #require(silent.localAddress))
        let error = await networkError { _ = try await TCPClient.connect(from: socket, to: to) }
        #expect(error?.description == "ECONNREFUSED: connect from \(from.text) to \(to.text): connection refused")
    }

    #if os(Linux)
        /// A listener whose queue is full: the system answers nobody any more.
        private func blackHole() async throws -> (descriptor: CInt, address: SocketAddress, queued: TCPConnection) {
            let socket = try await reserve()
            let address = try #require(socket.localAddress)
            let descriptor = try socket.listen(backlog: 0)
            return (descriptor, address, try await TCPClient.connect(to: address))
        }

        @Test("a connect from a bound socket that nobody answers ends at its time")
        func timedOut() async throws {
            let hole = try await blackHole()
            defer { close(hole.descriptor) }
            let socket = try await reserve()
            let from = try #require(socket.localAddress)
            let error = await networkError {
                _ = try await TCPClient.connect(from: socket, to: hole.address, timeout: .milliseconds(1))
            }
            #expect(
                error?.description
                    == "ETIMEDOUT: connect from \(from.text) to \(hole.address.text): no answer in time")
            hole.queued.reset()
        }

        @Test("a connect from a bound socket ends with its task")
        func cancelled() async throws {
            let hole = try await blackHole()
            defer { close(hole.descriptor) }
            let socket = try await reserve()
            let port = try #require(socket.localAddress?.port)
            let connecting = Task {
                try await TCPClient.connect(from: socket, to: hole.address, timeout: .seconds(3600))
            }
            try await eventually { socket.withDescriptor { _ in } == nil }
            connecting.cancel()
            await #expect(throws: CancellationError.self) { try await connecting.value }
            _ = try await BoundSocket.bind(host: "127.0.0.1", port: port)
            hole.queued.reset()
        }
    #endif

    @Test("a task that is cancelled already connects nobody, and leaves the bound socket as it is")
    func cancelledBefore() async throws {
        let served = Counter()
        try await TCPServer.local { _ in served.add(1) }.withListening { address in
            let socket = try await self.reserve()
            let gate = Gate()
            let connecting = Task {
                await gate.wait()
                return try await TCPClient.connect(from: socket, to: address)
            }
            connecting.cancel()
            gate.open()
            await #expect(throws: CancellationError.self) { try await connecting.value }
            #expect(socket.withDescriptor { _ in true } == true)
        }
        #expect(served.value == 0)
    }

    // MARK: Adopting

    @Test(
        "a server listens on a descriptor that it is given, whether it listens already or not",
        arguments: [false, true])
    func adopt(_ listens: Bool) async throws {
        let descriptor = socket(AF_INET, stream, 0)
        try SocketCalls.bind(descriptor, to: SocketAddress(ipAddress: "127.0.0.1", port: 0), doing: "bind")
        if listens { #expect(listen(descriptor, 1) == 0) }
        let bound = try BoundSocket(adopting: descriptor)
        let port = try #require(bound.localAddress?.port)
        try await TCPServer.greeting(on: .socket(bound)).withListening { address in
            #expect(address.port == port)
            try await expectGreeting("hello", from: address)
        }
    }

    @Test("what is no stream socket is not adopted, and stays its owner's")
    func adoptOther() throws {
        let file = open("/dev/null", O_RDONLY)
        let datagrams = socket(AF_INET, datagram, 0)
        for (descriptor, expected) in [
            (file, "ENOTSOCK: adopt descriptor \(file): it is no socket"),
            (datagrams, "EINVAL: adopt descriptor \(datagrams): it is no stream socket"),
        ] {
            let error = #expect(throws: NetworkError.self) { try BoundSocket(adopting: descriptor) }
            #expect(error?.description == expected)
            #expect(fcntl(descriptor, F_GETFD) >= 0)
            close(descriptor)
        }
        let error = #expect(throws: NetworkError.self) { try BoundSocket(adopting: -1) }
        #expect(error?.description == "EBADF: adopt descriptor -1: it is no open descriptor")
    }
}

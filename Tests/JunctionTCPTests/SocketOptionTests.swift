import Foundation
import JunctionTransport
import NIOCore
import TestSupport
import Testing

@testable import JunctionTCP

@Suite("Options of TCP sockets", .timeLimit(.minutes(5)))
struct SocketOptionTests {
    private static let tcp = CInt(IPPROTO_TCP)

    /// The options of a connection, as the kernel has them.
    private struct Options: Equatable {
        var noDelay: CInt?
        var keepAlive: CInt?
        var idle: CInt?
        var interval: CInt?
        var count: CInt?

        init(of connection: TCPConnection) async throws {
            noDelay = try await connection.option(tcp, TCP_NODELAY)
            keepAlive = try await connection.option(SOL_SOCKET, SO_KEEPALIVE)
            #if os(Linux)
                idle = try await connection.option(tcp, TCP_KEEPIDLE)
            #else
                idle = try await connection.option(tcp, TCP_KEEPALIVE)
            #endif
            interval = try await connection.option(tcp, TCP_KEEPINTVL)
            count = try await connection.option(tcp, TCP_KEEPCNT)
        }

        init(noDelay: CInt, keepAlive: CInt, idle: CInt, interval: CInt, count: CInt) {
            (self.noDelay, self.keepAlive, self.idle) = (noDelay, keepAlive, idle)
            (self.interval, self.count) = (interval, count)
        }
    }

    /// Both ends of a connection whose sides were configured alike.
    private func withBothEnds(
        on address: ListenAddress = .host("127.0.0.1", port: 0), _ options: SocketOptions = SocketOptions(),
        _ body: @escaping @Sendable (TCPConnection) async throws -> Void
    ) async throws {
        var configuration = TCPServer.Configuration()
        configuration.connection.socket = options
        let accepted = Box<TCPConnection>()
        let server = TCPServer(on: address, configuration: configuration) { connection in
            accepted.put(connection)
            for try await _ in connection.inbound {}
        }
        let connection = configuration.connection
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address, configuration: connection) { client in
                try await body(client)
                try await body(try #require(await accepted.take()))
            }
        }
    }

    @Test("small writes leave at once, and a peer that is gone is found out, on accepted and dialled connections alike")
    func defaults() async throws {
        try await withBothEnds { connection in
            let options = try await Options(of: connection)
            #expect(options == Options(noDelay: 1, keepAlive: 1, idle: 60, interval: 15, count: 4))
        }
    }

    @Test("no-delay, keep-alive and its times are what was set, in whole seconds rounded up")
    func configured() async throws {
        var options = SocketOptions()
        options.noDelay = false
        options.keepAlive = .init(idle: .milliseconds(10_001), interval: .seconds(5), count: 3)
        try await withBothEnds(options) { connection in
            let options = try await Options(of: connection)
            #expect(options == Options(noDelay: 0, keepAlive: 1, idle: 11, interval: 5, count: 3))
        }
    }

    @Test("no probes are sent where there are to be none")
    func noKeepAlive() async throws {
        var options = SocketOptions()
        options.keepAlive = nil
        try await withBothEnds(options) { connection in
            let keepAlive = try await connection.option(SOL_SOCKET, SO_KEEPALIVE)
            #expect(keepAlive == 0)
        }
    }

    @Test("buffers have the sizes that were set", arguments: [false, true])
    func buffers(_ isLocal: Bool) async throws {
        var options = SocketOptions()
        options.sendBufferSize = 30_000
        options.receiveBufferSize = 40_000
        try await withTemporaryPath { path in
            try await withBothEnds(on: isLocal ? .unix(path: path) : .host("127.0.0.1", port: 0), options) {
                connection in
                #if os(Linux)
                    let factor: CInt = 2  // the kernel's book-keeping counts, too: socket(7)
                #else
                    let factor: CInt = 1
                #endif
                #expect(try await connection.option(SOL_SOCKET, SO_SNDBUF) == 30_000 * factor)
                // Those who are accepted inherit from a Unix domain socket only what they send with.
                let size = try await connection.option(SOL_SOCKET, SO_RCVBUF)
                #expect(size == 40_000 * factor || isLocal)
            }
        }
    }

    @Test("packets carry the type of service that was set, by IPv4, by IPv6, and by IPv4 on a dual-stack socket")
    func typeOfService() async throws {
        var options = SocketOptions()
        options.typeOfService = 0xB8
        for host in ["127.0.0.1", "::1"] {
            try await withBothEnds(on: .host(host, port: 0), options) { connection in
                let value = try await Self.typeOfService(of: connection)
                #expect(value == 0xB8)
            }
        }
        var configuration = TCPServer.Configuration()
        configuration.connection.socket = options
        let values = Box<CInt?>()
        let server = TCPServer(on: .host("::", port: 0), configuration: configuration) { connection in
            values.put(try await connection.option(CInt(IPPROTO_IP), IP_TOS))
        }
        try await server.withListening { address in
            _ = try await TCPClient.greeting(from: SocketAddress(ipAddress: "127.0.0.1", port: address.port ?? 0))
            #expect(await values.take() == 0xB8)
        }
    }

    private static func typeOfService(of connection: TCPConnection) async throws -> CInt? {
        connection.localAddress?.protocol == .inet6
            ? try await connection.option(CInt(IPPROTO_IPV6), IPV6_TCLASS)
            : try await connection.option(CInt(IPPROTO_IP), IP_TOS)
    }

    @Test("options of an open connection can be changed")
    func changed() async throws {
        try await withBothEnds { connection in
            try await connection.setNoDelay(false)
            try await connection.setKeepAlive(.init(idle: .seconds(7), interval: .seconds(2), count: 9))
            try await connection.setTypeOfService(0x28)
            let expected = Options(noDelay: 0, keepAlive: 1, idle: 7, interval: 2, count: 9)
            #expect(try await Options(of: connection) == expected)
            #expect(try await Self.typeOfService(of: connection) == 0x28)
            try await connection.setNoDelay(true)
            try await connection.setKeepAlive(nil)
            #expect(try await connection.option(Self.tcp, TCP_NODELAY) == 1)
            #expect(try await connection.option(SOL_SOCKET, SO_KEEPALIVE) == 0)
        }
    }

    @Test(
        "an option that the system does not take, or that the socket does not have, is an error, and the connection lives on"
    )
    func refused() async throws {
        try await withBothEnds { connection in
            let error = await networkError { try await connection.setKeepAlive(.init(count: 1_000)) }
            #expect(error?.description == "EINVAL: set TCP_KEEPCNT: the system does not accept the argument")
            #expect(await connection.readyState == .open)
        }
        try await withTemporaryPath { path in
            try await withBothEnds(on: .unix(path: path)) { connection in
                let error = await networkError { try await connection.setNoDelay(true) }
                #expect(error?.description == "EOPNOTSUPP: set TCP_NODELAY: the socket does not know the operation")
                #expect(await connection.readyState == .open)
            }
        }
    }

    @Test("a connect whose options the system does not take fails with its error")
    func refusedConnect() async throws {
        var configuration = TCPConnection.Configuration()
        configuration.socket.keepAlive?.count = 1_000
        try await TCPServer.local { _ in }.withListening { [configuration] address in
            let error = await networkError {
                _ = try await TCPClient.connect(to: address, configuration: configuration)
            }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test("an option of a closed connection is an error")
    func closed() async throws {
        try await TCPServer.local { _ in }.withListening { address in
            let connection = try await TCPClient.connect(to: address)
            connection.close()
            await connection.waitUntilClosed()
            for set in [
                { try await connection.setNoDelay(true) }, { try await connection.setKeepAlive(nil) },
                { try await connection.setTypeOfService(0) },
            ] as [@Sendable () async throws -> Void] {
                let error = await networkError { try await set() }
                #expect(error?.description == "ENOTCONN: set an option: the connection is closed")
            }
        }
    }
}

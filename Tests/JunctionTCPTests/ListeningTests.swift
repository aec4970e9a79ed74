import Foundation
import JunctionTransport
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import JunctionTCP

@Suite("Listening on a host and a port", .timeLimit(.minutes(5)))
struct ListeningTests {
    @Test("an IPv4 client is refused by a server for IPv6 only, and served by a dual-stack one on the same port")
    func ipv6Only() async throws {
        // Reserved, so that nobody else answers on that port of IPv4 meanwhile.
        let reserved = try await BoundSocket.bind(host: "127.0.0.1", port: 0)
        let port = try #require(reserved.localAddress?.port)
        let ipv4 = try SocketAddress(ipAddress: "127.0.0.1", port: port)
        let ipv6 = try SocketAddress(ipAddress: "::1", port: port)
        let only = TCPServer.greeting(on: .host("::", port: port, ipv6Only: true))
        try await only.withListening { address in
            #expect(address.port == port)
            try await expectGreeting("hello", from: ipv6)
            let error = await networkError { _ = try await TCPClient.connect(to: ipv4) }
            #expect(error?.code == .connectionRefused)
        }
        reserved.close()
        try await TCPServer.greeting(on: .host("::", port: port)).withListening { _ in
            try await expectGreeting("hello", from: ipv6)
            try await expectGreeting("hello", from: ipv4)
        }
    }

    #if os(Linux)
        @Test("the kernel keeps as many connections as the backlog says, 511 if it says nothing", arguments: [nil, 7])
        func backlog(_ wanted: Int?) async throws {
            let socket = try await BoundSocket.bind(host: "127.0.0.1", port: 0)
            let copy = try #require(socket.withDescriptor { dup($0) })
            defer { close(copy) }
            var configuration = TCPServer.Configuration()
            if let wanted { configuration.backlog = wanted }
            try await TCPServer.greeting(on: .socket(socket), configuration: configuration).withListening { _ in
                var info = [UInt32](repeating: 0, count: 16)
                var size = socklen_t(MemoryLayout<UInt32>.size * info.count)
                #expect(getsockopt(copy, CInt(IPPROTO_TCP), TCP_INFO, &info, &size) == 0)
                #expect(info[7] == wanted ?? 511)  // tcpi_sacked, the limit of the queue on a listening socket
            }
        }
    #endif

    @Test("a number that is no port is said to be none, by a server as by a client", arguments: [-1, 65_536])
    func invalidPort(_ port: Int) async {
        let server = await networkError { try await TCPServer(host: "127.0.0.1", port: port) { _ in }.run() }
        let sentence = "a port is a number from 0 to 65535"
        #expect(server?.description == "ERR_SOCKET_BAD_PORT: listen on 127.0.0.1:\(port): \(sentence)")
        let client = await networkError { _ = try await TCPClient.connect(host: "127.0.0.1", port: port) }
        #expect(client?.description == "ERR_SOCKET_BAD_PORT: connect to 127.0.0.1:\(port): \(sentence)")
    }

    @Test("a server that could not be set up gives its port back")
    func failedSetup() async throws {
        // Below the range of port 0, from which tests beside this one would take the port in between.
        let place = ListenAddress.host("127.0.0.1", port: .random(in: 20_000..<30_000))
        var configuration = TCPServer.Configuration()
        configuration.connection.socket.keepAlive?.count = 1_000  // more than the system takes
        let error = await networkError { [configuration] in
            try await TCPServer.greeting(on: place, configuration: configuration).run()
        }
        #expect(error?.description == "EINVAL: set TCP_KEEPCNT: the system does not accept the argument")
        try await TCPServer.greeting(on: place).withListening { address in
            try await expectGreeting("hello", from: address)
        }
    }

    // MARK: Several listeners on a port

    private static func sharing() -> TCPServer.Configuration {
        var configuration = TCPServer.Configuration()
        configuration.reusePort = true
        return configuration
    }

    @Test("with `reusePort` every event loop has a listening socket on the port, and connections reach all of them")
    func acceptorForEachLoop() async throws {
        let loops = Mutex<Set<ObjectIdentifier>>([])
        let server = TCPServer(
            host: "127.0.0.1", port: 0, configuration: Self.sharing(),
            onConnect: { connection in
                _ = loops.withLock { $0.insert(ObjectIdentifier(connection.executor.eventLoop)) }
                connection.write("hello")
            }, onMessage: { _, _ in })
        try await server.withListening { address in
            #if os(Linux)
                let listeners = try Self.listeners(on: address.port)
                #expect(listeners == EventLoops.all.count)
            #endif
            // The kernel deals the connections out by chance: with so many none is left out.
            for _ in 0..<64 * EventLoops.all.count where loops.withLock({ $0.count }) < EventLoops.all.count {
                try await expectGreeting("hello", from: address)
            }
        }
        #expect(loops.withLock { $0.count } == EventLoops.all.count)
    }

    @Test("two servers of one process share a port with `reusePort`, and both are reached")
    func sharedPort() async throws {
        let first = TCPServer.greeting("first", on: .host("127.0.0.1", port: 0), configuration: Self.sharing())
        try await first.withListening { address in
            let port = try #require(address.port)
            let place = ListenAddress.host("127.0.0.1", port: port)
            let alone = await networkError { try await TCPServer.greeting(on: place).run() }
            #expect(alone?.code == .addressInUse, "without the option a port is not shared")
            let second = TCPServer.greeting("second", on: place, configuration: Self.sharing())
            try await second.withListening { address in
                #expect(address.port == port)
                var greetings: Set<String?> = []
                for _ in 0..<200 where greetings.count < 2 {
                    greetings.insert(try await TCPClient.greeting(from: address))
                }
                #expect(greetings == ["first", "second"])
            }
        }
    }

    #if os(Linux)
        /// Sockets of the machine that listen on an IPv4 port; proc_net_tcp(5).
        private static func listeners(on port: Int?) throws -> Int {
            // As it says that its files are empty, it is read to its end.
            let file = try #require(FileHandle(forReadingAtPath: "/proc/net/tcp"))
            let text = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
            return text.split(separator: "\n").filter { line in
                let fields = line.split(separator: " ")
                guard fields.count > 3, fields[3] == "0A", let local = fields[1].split(separator: ":").last else {
                    return false
                }
                return Int(local, radix: 16) == port
            }.count
        }
    #endif

    // MARK: Ending

    @Test("nothing that is accepted in a server's last moment is served behind it", arguments: 0..<20)
    func lastMoment(_ round: Int) async throws {
        let began = Counter()
        let server = TCPServer(
            host: "127.0.0.1", port: 0, onConnect: { _ in began.add(1) }, onMessage: { _, _ in })
        let clients = try await server.withListening { address in
            // Accepted or not, as it comes, while the server stops.
            (0..<20).map { _ in Task { try await TCPClient.connect(to: address) } }
        }
        let before = began.value
        for client in clients {
            guard let connection = try? await client.value else { continue }
            _ = try? await connection.readAll()
            connection.close()
        }
        try await turnLoops()
        #expect(began.value == before)
        #expect(server.connectionCount == 0)
    }
}

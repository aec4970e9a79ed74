import JunctionTCP
import JunctionTransport
import Logging
import NIOCore
import Testing

/// The PROXY protocol against HAProxy, whose protocol it is.
@Suite(.timeLimit(.minutes(5)), Peer.haproxy.requirement) struct ProxyInteropTests {
    /// An echo server behind a proxy while `body` runs; what the headers say goes into the journal.
    private func withServer(
        _ journal: Journal, _ body: @escaping @Sendable (SocketAddress) async throws -> Void
    ) async throws {
        let server = TCPServer(port: 0) { connection in
            for try await data in connection.inbound { try await connection.write(data) }
        }
        let logger = Logger(label: "test")
        let listener = Listener(
            address: ListenAddress.host("127.0.0.1", port: 0), drainTimeout: .seconds(10), logger: logger)
        let proxies = ProxyProtocol { $0.ipAddress == "127.0.0.1" }
        let (addresses, listening) = AsyncStream.makeStream(of: SocketAddress.self)
        try await withThrowingTaskGroup { group in
            group.addTask {
                try await listener.run(
                    connections: ConnectionRegistry(), onListening: { listening.yield($0) },
                    initialize: { channel in
                        try ProxyProtocolHandler.install(
                            on: channel, proxies,
                            serve: { header, channel in
                                journal.write(Self.text(header))
                                try server.accept(channel)
                            },
                            refused: { journal.write("\($0)") })
                    })
                await server.drain()
            }
            for await address in addresses {
                try await body(address)
                break
            }
            group.cancelAll()
        }
    }

    private static func text(_ header: ProxyHeader?) -> String {
        guard let header else { return "no header" }
        let values = header.tlvs.map { "\($0.type)=\(String(buffer: $0.value))" }
        return (["\(header.version) \(header.command) \(header.source?.text ?? "-")"] + values).joined(separator: " ")
            + (header.hasChecksum ? " checked" : "")
    }

    @Test("A server behind HAProxy learns its client's address from either version", arguments: ["v1", "v2"])
    func send(version: String) async throws {
        let journal = Journal()
        try await withServer(journal) { address in
            try await PeerProcess.run(.haproxy, ["haproxy", "send", version, try address.portText]) { haproxy in
                try await TCPClient.withConnection(host: "127.0.0.1", port: try await haproxy.port()) { client in
                    try await client.write("hello")
                    var inbound = client.inbound.makeAsyncIterator()
                    #expect(try await inbound.next() == ByteBuffer(string: "hello"))
                    let (source, port) = (try #require(client.localAddress), try #require(client.localAddress?.port))
                    let expected =
                        version == "v1" ? "v1 proxy \(source.text)" : "v2 proxy \(source.text) 5=id-\(port) checked"
                    let line = await journal.nextLine()
                    #expect(line == expected)
                }
            }
        }
    }

    @Test("HAProxy's own health check is told from its clients' connections")
    func check() async throws {
        let journal = Journal()
        try await withServer(journal) { address in
            try await PeerProcess.run(.haproxy, ["haproxy", "check", try address.portText]) { _ in
                let line = await journal.nextLine()
                #expect(line == "v2 local -")
            }
        }
    }

    @Test("HAProxy takes the addresses that a client sends in either version, by IPv4 and IPv6")
    func accept() async throws {
        let authority = ProxyHeader.TLV(type: 2, value: ByteBuffer(string: "example.org"))
        let (a, b) = ("192.0.2.7", "192.0.2.1")
        let (c, d) = ("2001:db8::7", "2001:db8::1")
        func address(_ host: String, _ port: Int) throws -> SocketAddress {
            try SocketAddress(ipAddress: host, port: port)
        }
        let headers: [(ProxyHeader, String)] = [
            (.v1(source: try address(a, 5_000), destination: try address(b, 443)), "\(a):5000 \(b):443 "),
            (.v1(source: try address(c, 5_000), destination: try address(d, 443)), "\(c):5000 \(d):443 "),
            (.v2(source: try address(a, 1), destination: try address(b, 65_535)), "\(a):1 \(b):65535 "),
            (
                ProxyHeader(
                    .v2, source: try address(c, 1), destination: try address(d, 2), tlvs: [authority], hasChecksum: true
                ),
                "\(c):1 \(d):2 example.org"
            ),
        ]
        try await PeerProcess.run(.haproxy, ["haproxy", "accept"]) { haproxy in
            let port = try await haproxy.port()
            for (header, expected) in headers {
                var options = ConnectOptions()
                options.proxyHeader = header
                #expect(try await answer(port, options)?.hasSuffix("\r\n\r\n" + expected) == true, "\(expected)")
            }
            #expect(try await answer(port, ConnectOptions()) == "", "HAProxy wants a header")
        }
    }

    /// What HAProxy answers to a request.
    private func answer(_ port: Int, _ options: ConnectOptions) async throws -> String? {
        try await TCPClient.withConnection(host: "127.0.0.1", port: port, options: options) { connection in
            try await connection.write("GET / HTTP/1.0\r\n\r\n")
            var all = ByteBuffer()
            do {
                for try await part in connection.inbound { all.writeImmutableBuffer(part) }
            } catch let error as NetworkError where error.code == .connectionReset {
                // HAProxy need not read what it does not want.
            }
            return String(buffer: all)
        }
    }
}

import JunctionTCP
import JunctionTesting
import NIOCore
import TestSupport
import Testing

@Suite("What a TCP connection says of itself", .timeLimit(.minutes(5)))
struct StateTests {
    private let clock = VirtualClock()
    private let accepted = Box<TCPConnection>()

    private func link(framing: Framing = .raw) async throws -> (client: TCPConnection, server: TCPConnection) {
        let server = TCPServer.local(framing: framing) { [accepted] connection in
            accepted.put(connection)
            for try await message in connection.inbound { try await connection.write(message) }
            await connection.waitUntilClosed()
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock, framing: framing)
        return (link.client, try #require(await accepted.take()))
    }

    @Test("counts bytes both ways, the framing's included, whether the peer has taken them or not")
    func bytes() async throws {
        let (client, server) = try await link(framing: .lines())
        #expect(await client.bytesRead == 0)
        #expect(await client.bytesWritten == 0)
        try await client.write("12345")
        #expect(try await client.readText() == "12345")
        for connection in [client, server] {
            #expect(await connection.bytesRead == 6)
            #expect(await connection.bytesWritten == 6)
        }
        client.queue(ByteBuffer(string: "1"))
        #expect(await client.bytesWritten == 8)
    }

    @Test("counts what has passed over a socket", arguments: [1, 65_536, 3_000_000])
    func bytesOverSocket(_ size: Int) async throws {
        let counts = Box<[UInt64]>()
        let server = TCPServer.local { connection in
            for try await part in connection.inbound { try await connection.write(part) }
            counts.put([await connection.bytesRead, await connection.bytesWritten])
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                async let reading = connection.readAll()
                try await connection.write(pattern(size))
                connection.finish()
                #expect(try await reading.readableBytes == size)
                #expect(await connection.bytesRead == UInt64(size))
                #expect(await connection.bytesWritten == UInt64(size))
                #expect(await counts.take() == [UInt64(size), UInt64(size)])
            }
        }
    }

    @Test("goes from open by way of one side to closed, whichever side ends first")
    func readyState() async throws {
        var (client, server) = try await link()
        #expect(await client.readyState == .open)
        #expect(await server.readyState == .open)
        client.finish()
        await clock.settle()
        #expect(await client.readyState == .readOnly)
        #expect(await server.readyState == .writeOnly)
        server.finish()
        await clock.settle()
        #expect(await client.readyState == .closed)
        #expect(await server.readyState == .closed)

        (client, server) = try await link()
        client.stopReading()
        await clock.settle()
        #expect(await client.readyState == .writeOnly)
        #expect(await server.readyState == .open)
        client.close()
        #expect(await client.readyState == .closed)
    }

    @Test("says on both sides why it ended")
    func closeReason() async throws {
        var (client, server) = try await link()
        client.close()
        await clock.settle()
        server.finish()
        await clock.settle()
        #expect(await client.closeReason?.description == "closed by this side")
        #expect(await server.closeReason?.description == "closed by the peer")

        (client, server) = try await link()
        client.reset()
        await clock.settle()
        #expect(await client.closeReason?.description == "reset by this side")
        #expect(
            await server.closeReason?.description == "ECONNRESET: read: the peer reset the connection")
    }

    @Test("has the addresses of both sides, also when it is closed")
    func addresses() async throws {
        let (client, server) = try await link()
        client.close()
        server.close()
        await client.waitUntilClosed()
        #expect(client.localAddress != nil && client.localAddress == server.remoteAddress)
        #expect(client.remoteAddress != nil && client.remoteAddress == server.localAddress)
    }
}

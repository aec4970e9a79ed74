import JunctionTLS
import NIOCore
import NIOEmbedded
import TLSTesting
import TestSupport
import Testing

/// The ends of connections: one side after the other, and both at once.
@Suite(.timeLimit(.minutes(5)), TestCertificates.requirement) struct ClosingTests {
    @Test("A side that has finished still receives all of the answer, and then the connection is gone")
    func halfClose() async throws {
        try await Self.withConnection { client, server in
            try await client.send("question")
            try await client.finish()
            #expect(await server.nextEvent() == .open)
            #expect(await server.nextEvent() == .inputEnded)
            #expect(try await server.received() == ByteBuffer(string: "question"))

            let answer = ByteBuffer(repeating: 7, count: 5_000_000)
            let sent = server.startSending(answer)
            try await server.finish()
            try await sent.get()
            #expect(await client.remainingEvents() == [.open, .inputEnded, .closed])
            #expect(try await client.received() == answer)
            #expect(await server.remainingEvents() == [.closed])
        }
    }

    @Test("What was written before a side finishes arrives before its end, however much it is")
    func everythingBeforeTheEnd() async throws {
        try await Self.withConnection { client, server in
            let bytes = ByteBuffer(repeating: 7, count: 5_000_000)
            let sent = client.startSending(bytes)
            try await client.finish()
            try await sent.get()
            #expect(await server.nextEvent() == .open)
            #expect(await server.nextEvent() == .inputEnded)
            #expect(try await server.received() == bytes)
            try await server.close()
            #expect(await client.remainingEvents() == [.open, .inputEnded, .closed])
        }
    }

    @Test("What a side that has finished had written arrives, though the peer finishes before it has read it")
    func peerFinishesMeanwhile() async throws {
        try await Self.withConnection { client, server in
            try await server.channel.setOption(.autoRead, value: false).get()
            let bytes = ByteBuffer(repeating: 7, count: 20_000_000)
            let sent = client.startSending(bytes)
            let finished = client.startFinishing()
            try await server.finish()
            #expect(await client.nextEvent() == .open)
            #expect(await client.nextEvent() == .inputEnded)
            try await server.channel.setOption(.autoRead, value: true).get()
            try await sent.get()
            try await finished.get()
            #expect(await server.remainingEvents() == [.open, .inputEnded, .closed])
            #expect(try await server.received() == bytes)
            #expect(await client.remainingEvents() == [.closed])
        }
    }

    @Test("Writing after finishing fails, and the connection stays open for reading")
    func writeAfterFinish() async throws {
        try await Self.withConnection { client, server in
            try await client.finish()
            await #expect(throws: ChannelError.outputClosed) { try await client.send("too late") }
            try await server.send("still read")
            try await client.expect("still read")
            try await server.close()
            await client.waitUntilClosed()
        }
    }

    @Test("A connection that is closed ends in order for the peer: it is not taken for cut off")
    func close() async throws {
        try await Self.withConnection { client, server in
            try await client.send("bye")
            try await server.expect("bye")
            try await client.close()
            #expect(await server.nextEvent() == .open)
            #expect(await server.nextEvent() == .inputEnded)
            try await server.close()
            #expect(await server.remainingEvents() == [.closed])
            #expect(await client.remainingEvents() == [.open, .closed])
        }
    }

    @Test("Closing does not wait for a peer that neither reads nor answers")
    func closeWithoutPeer() async throws {
        try await Self.withConnection { client, server in
            try await client.channel.setOption(.autoRead, value: false).get()
            let stuck = server.startSending(ByteBuffer(repeating: 7, count: 50_000_000))
            try await server.close()
            await #expect(throws: (any Error).self) { try await stuck.get() }
            // It has not got all, and it is told so.
            try await client.channel.setOption(.autoRead, value: true).get()
            let events = await client.remainingEvents()
            #expect(events == [.open, .failed(.connectionReset), .closed])
            #expect(try await client.received().readableBytes < 50_000_000)
        }
    }

    @Test("Closing takes no time, and leaves nothing behind")
    func closeIsImmediate() async throws {
        let certificates = try await TestCertificates.shared()
        let pair = try HandshakePair(
            server: ServerTLS(identity: TLSIdentity(certificates.localhost)), client: .init(certificates.client()))
        _ = try pair.complete()
        #expect(pair.serverHandler != nil)
        pair.server.close(mode: .all, promise: nil)
        #expect(!pair.server.isActive)
        pair.loop.run()
        #expect(pair.serverHandler == nil)
    }

    @Test("Both sides may finish at the same time")
    func bothFinish() async throws {
        try await Self.withConnection { client, server in
            async let first: Void = client.finish()
            async let second: Void = server.finish()
            _ = try await (first, second)
            #expect(await client.remainingEvents().last == .closed)
            #expect(await server.remainingEvents().last == .closed)
        }
    }

    @Test("A side that finishes during the handshake has its writes delivered first")
    func finishDuringHandshake() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        try await TLSTestServer.with(tls) { server in
            let client = try await TLSLink.connect(to: server.address, certificates.client()) { channel in
                channel.writeAndFlush(ByteBuffer(string: "early"), promise: nil)
                channel.close(mode: .output, promise: nil)
            }
            #expect(await client.remainingEvents() == [.open, .inputEnded, .closed])
            #expect(try await client.received() == ByteBuffer(string: "early"))
        }
    }

    private static func withConnection(_ body: (_ client: TLSLink, _ server: TLSLink) async throws -> Void) async throws
    {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        try await TLSTestServer.with(tls, echoes: false) { server in
            let client = try await TLSLink.connect(to: server.address, certificates.client())
            let accepted = try #require(await server.accepted.take())
            _ = try await client.session()
            _ = try await accepted.session()
            try await body(client, accepted)
        }
    }
}

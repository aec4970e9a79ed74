import JunctionTLS
import NIOCore
import NIOEmbedded
import TLSTesting
import TestSupport
import Testing

/// What broken and hostile peers do to a connection, and that they do it to no other.
@Suite(.timeLimit(.minutes(5)), TestCertificates.requirement) struct FaultTests {
    @Test(
        "Bytes that are no TLS end that connection alone",
        arguments: [
            ([0, 1, 2, 3, 4, 5, 6], "the peer does not speak TLS as it should"),
            (Array("GET / HTTP/1.1\r\n\r\n".utf8), "the peer speaks HTTP without TLS"),
            ([0x16, 3, 1, 0, 4, 1, 0, 0, 0], "the peer does not speak TLS as it should"),
        ])
    func garbage(bytes: [UInt8], problem: String) async throws {
        try await Self.withServer { server, bystander in
            let client = try await TLSLink.connectPlain(to: server.address)
            let accepted = try #require(await server.accepted.take())
            try await client.sendRaw(ByteBuffer(bytes: bytes))
            let error = await accepted.handshakeError()
            #expect(error?.code == .tlsHandshakeFailed)
            #expect(error?.message == "serve: \(problem)")
            #expect(await accepted.remainingEvents() == [.failed(.tlsHandshakeFailed)])
            await client.waitUntilClosed()
            try await bystander.send("unharmed")
            try await bystander.expect("unharmed")
        }
    }

    @Test(
        "Random bytes end the handshake or leave it waiting, and harm nobody else", arguments: 0..<40 as Range<UInt64>)
    func randomBytes(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var bytes = ByteBuffer()
        // Half of them begin like a record of a handshake with the right length, so that the parser goes deeper.
        let count = Int.random(in: 1...600, using: &random)
        if seed.isMultiple(of: 2) {
            bytes.writeBytes([0x16, 0x03, 0x01, UInt8(count >> 8), UInt8(count & 255), 0x01, 0x00])
            bytes.writeInteger(UInt16(count - min(count, 4)))
        }
        for _ in 0..<count { bytes.writeInteger(UInt8.random(in: 0...255, using: &random)) }
        let sent = bytes
        try await Self.withServer { server, bystander in
            let client = try await TLSLink.connectPlain(to: server.address)
            let accepted = try #require(await server.accepted.take())
            try await client.sendRaw(sent)
            try await client.finishRaw()
            #expect(await accepted.handshakeError()?.code == .tlsHandshakeFailed)
            await accepted.waitUntilClosed()
            await client.waitUntilClosed()
            try await bystander.send("unharmed")
            try await bystander.expect("unharmed")
        }
    }

    @Test(
        "Random bytes of a server end the handshake of a client or leave it waiting", arguments: 0..<40 as Range<UInt64>
    )
    func randomAnswer(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let channel = EmbeddedChannel()
        let handshake = try ClientTLS.Prepared(ClientTLS(verification: .insecureNone)).addHandlers(
            to: channel, host: "localhost", doing: "connect"
        ).handshake
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        var bytes = ByteBuffer()
        let count = Int.random(in: 1...600, using: &random)
        if seed.isMultiple(of: 2) {
            bytes.writeBytes([0x16, 0x03, 0x03, UInt8(count >> 8), UInt8(count & 255), 0x02, 0x00])
        }
        for _ in 0..<count { bytes.writeInteger(UInt8.random(in: 0...255, using: &random)) }
        _ = try? channel.writeInbound(bytes)
        channel.embeddedEventLoop.advanceTime(by: .seconds(10))
        let code = networkError { _ = try handshake.wait() }?.code
        #expect(code == .tlsHandshakeFailed || code == .timedOut)
        #expect(!channel.isActive)
    }

    @Test(
        "A bit that turns on the way is never delivered: it ends the connection, leaves it waiting, or does no harm",
        arguments: 0..<300 as Range<UInt64>)
    func turnedBit(seed: UInt64) async throws {
        let certificates = try await TestCertificates.shared()
        var random = SeededGenerator(seed: seed)
        let pair = try HandshakePair(
            server: ServerTLS(identity: TLSIdentity(certificates.localhost)), client: .init(certificates.client()))
        var untilTurn = Int.random(in: 0...3, using: &random)
        pair.transit = { bytes in
            guard bytes.readableBytes > 0 else { return }
            defer { untilTurn -= 1 }
            guard untilTurn == 0 else { return }
            let index = bytes.readerIndex + Int.random(in: 0..<bytes.readableBytes, using: &random)
            let byte: UInt8 = bytes.getInteger(at: index) ?? 0
            bytes.setInteger(byte ^ (1 << UInt8.random(in: 0...7, using: &random)), at: index)
        }
        let failure = networkError {
            try pair.carry()
            pair.loop.advanceTime(by: .seconds(10))
            _ = try pair.clientSession.wait()
            _ = try pair.serverSession.wait()
            try pair.client.writeOutbound(ByteBuffer(string: "unharmed"))
            try pair.carry()
            try pair.client.throwIfErrorCaught()
            try pair.server.throwIfErrorCaught()
        }
        let delivered = try pair.server.readInbound(as: ByteBuffer.self)
        #expect(delivered == nil || delivered == ByteBuffer(string: "unharmed"))
        if let failure { #expect(failure.code != .other) }
    }

    @Test("A peer that leaves during the handshake ends it")
    func leavesDuringHandshake() async throws {
        try await Self.withServer { server, _ in
            let client = try await TLSLink.connectPlain(to: server.address)
            let accepted = try #require(await server.accepted.take())
            try await client.finishRaw()
            let error = await accepted.handshakeError()
            #expect(error?.code == .tlsHandshakeFailed)
            #expect(error?.message.hasSuffix("the peer closed the connection during the TLS handshake") == true)
            #expect(await accepted.remainingEvents() == [.failed(.tlsHandshakeFailed)])
            await client.waitUntilClosed()
        }
    }

    @Test("Closing this side during the handshake is no error of the peer's")
    func closedDuringHandshake() async throws {
        try await Self.withServer { server, _ in
            let client = try await TLSLink.connectPlain(to: server.address)
            let accepted = try #require(await server.accepted.take())
            try await accepted.close()
            #expect(await accepted.handshakeError()?.code == .connectionAborted)
            #expect(await accepted.remainingEvents() == [])
            await client.waitUntilClosed()
        }
    }

    @Test("A record that was changed on the way ends the connection, and nothing of it is delivered")
    func brokenRecord() async throws {
        try await Self.withServer { server, bystander in
            let client = try await TLSLink.connect(
                to: server.address, TestCertificates.shared().client())
            let accepted = try #require(await server.accepted.take())
            _ = try await accepted.session()
            _ = try await client.session()
            try await client.sendRaw(
                ByteBuffer(bytes: [0x17, 0x03, 0x03, 0x00, 0x20] + Array(repeating: 7, count: 32)))
            #expect(await accepted.remainingEvents() == [.open, .failed(.tlsHandshakeFailed), .closed])
            #expect(try await accepted.received().readableBytes == 0)
            await client.waitUntilClosed()
            try await bystander.send("unharmed")
            try await bystander.expect("unharmed")
        }
    }

    @Test("A stream that ends without close_notify is an error, after what was received, and the connection closes")
    func truncated() async throws {
        try await Self.withServer { server, _ in
            let client = try await TLSLink.connect(to: server.address, TestCertificates.shared().client())
            let accepted = try #require(await server.accepted.take())
            _ = try await client.session()
            try await client.send("the first half")
            try await accepted.expect("the first half")
            try await client.finishRaw()
            #expect(await accepted.remainingEvents() == [.open, .failed(.connectionReset), .closed])
            await client.waitUntilClosed()
        }
    }

    @Test("An answer that ends without close_notify is an error for a client that has finished its side, too")
    func truncatedAnswer() async throws {
        try await Self.withServer(echoes: false) { server, _ in
            let client = try await TLSLink.connect(to: server.address, TestCertificates.shared().client())
            let accepted = try #require(await server.accepted.take())
            _ = try await client.session()
            try await client.finish()
            #expect(await accepted.nextEvent() == .open)
            #expect(await accepted.nextEvent() == .inputEnded)
            try await accepted.send("half of the ans")
            try await accepted.finishRaw()
            #expect(await client.remainingEvents() == [.open, .failed(.connectionReset), .closed])
            #expect(try await client.received() == ByteBuffer(string: "half of the ans"))
        }
    }

    private static func withServer(
        echoes: Bool = true, _ body: (TLSTestServer, TLSLink) async throws -> Void
    ) async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        try await TLSTestServer.with(tls, echoes: echoes) { server in
            let bystander = try await TLSLink.connect(to: server.address, certificates.client())
            _ = try await bystander.session()
            _ = await server.accepted.take()
            try await body(server, bystander)
            try await bystander.close()
        }
    }
}

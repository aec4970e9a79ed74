import JunctionTLS
import NIOCore
import NIOEmbedded
import TLSTesting
import Testing

/// The limit of a handshake, in time that the tests make pass.
@Suite(.timeLimit(.minutes(5)), TestCertificates.requirement) struct TimeoutTests {
    @Test("A client that stays silent is cut off after 10 seconds")
    func silentClient() async throws {
        let tls = try ServerTLS(identity: TLSIdentity(await TestCertificates.shared().localhost))
        try Self.expectTimeout(after: .seconds(10)) { try tls.addHandlers(to: $0, doing: "serve") }
    }

    @Test("A server that stays silent is given up after 10 seconds")
    func silentServer() throws {
        let prepared = try ClientTLS.Prepared(ClientTLS(verification: .insecureNone))
        try Self.expectTimeout(after: .seconds(10)) {
            try prepared.addHandlers(to: $0, host: "localhost", doing: "connect to localhost:1")
        }
    }

    @Test("The limit can be set")
    func settings() async throws {
        let identity = try TLSIdentity(await TestCertificates.shared().localhost)
        let tls = try ServerTLS(identity: identity, handshakeTimeout: .milliseconds(300))
        try Self.expectTimeout(after: .milliseconds(300)) { try tls.addHandlers(to: $0, doing: "serve") }
        let prepared = try ClientTLS.Prepared(
            ClientTLS(verification: .insecureNone, handshakeTimeout: .milliseconds(300)))
        try Self.expectTimeout(after: .milliseconds(300)) {
            try prepared.addHandlers(to: $0, host: "localhost", doing: "connect")
        }
    }

    @Test("On a channel that is open already the time begins with TLS")
    func openChannel() async throws {
        let tls = try ServerTLS(identity: TLSIdentity(await TestCertificates.shared().localhost))
        let channel = EmbeddedChannel()
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        try Self.expectTimeout(after: .seconds(10), channel) { try tls.addHandlers(to: $0, doing: "serve") }
    }

    @Test("A client that sends its first message byte by byte is cut off at the same time")
    func slowClient() async throws {
        let tls = try ServerTLS(identity: TLSIdentity(await TestCertificates.shared().localhost))
        try Self.expectTimeout(after: .seconds(10)) { channel in
            let handler = try tls.addHandlers(to: channel, doing: "serve")
            for second in 1...9 {
                channel.embeddedEventLoop.scheduleTask(in: .seconds(Int64(second))) {
                    try channel.writeInbound(
                        ByteBuffer(bytes: [[0x16, 0x03, 0x01, 0x02, 0x00, 0x01][min(second - 1, 5)]]))
                }
            }
            return handler
        }
    }

    @Test(
        "A handshake that is done is not cut off later, on a channel that was open before TLS, too",
        arguments: [false, true])
    func done(wasOpen: Bool) async throws {
        let certificates = try await TestCertificates.shared()
        let pair = try HandshakePair(
            server: ServerTLS(identity: TLSIdentity(certificates.localhost)), client: .init(certificates.client()),
            isConnected: wasOpen)
        _ = try pair.complete()
        pair.loop.advanceTime(by: .hours(1))
        #expect(pair.server.isActive)
        #expect(pair.client.isActive)
        try pair.client.writeOutbound(ByteBuffer(string: "late"))
        _ = try pair.complete()
        #expect(try pair.server.readInbound(as: ByteBuffer.self) == ByteBuffer(string: "late"))
    }

    private static func expectTimeout(
        after limit: TimeAmount, _ channel: EmbeddedChannel = EmbeddedChannel(),
        _ addTLS: (EmbeddedChannel) throws -> TLSHandler
    ) throws {
        let handshake = try addTLS(channel).handshake
        if !channel.isActive { channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil) }
        channel.embeddedEventLoop.advanceTime(by: limit - .milliseconds(1))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(!channel.isActive)
        let error = networkError { _ = try handshake.wait() }
        #expect(error?.code == .timedOut)
        #expect(error?.message.hasSuffix(": no TLS handshake within \(limit.nanoseconds / 1_000_000) ms") == true)
        #expect(networkError { try channel.throwIfErrorCaught() }?.code == .timedOut)
    }
}

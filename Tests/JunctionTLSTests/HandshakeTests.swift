import JunctionTLS
import NIOCore
import NIOEmbedded
import TLSTesting
import TestSupport
import Testing

/// What two sides agree on.
@Suite(.timeLimit(.minutes(5)), TestCertificates.requirement) struct HandshakeTests {
    @Test("Both sides learn the version, the name, the protocol and the certificate, and bytes pass")
    func session() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost), applicationProtocols: ["b", "a"])
        try await TLSTestServer.with(tls) { server in
            let client = try await TLSLink.connect(
                to: server.address, certificates.client { $0.applicationProtocols = ["a", "b", "c"] })
            let session = try await client.session()
            #expect(session.version == .tls13)
            #expect(session.applicationProtocol == "b")
            #expect(session.serverName == "localhost")
            #expect(session.peerCertificate?.commonName == "localhost")
            #expect(session.description.hasPrefix("TLSv1.3, server name localhost, protocol b, peer's certificate "))

            let accepted = try #require(await server.accepted.take())
            let other = try await accepted.session()
            #expect(other.version == .tls13)
            #expect(other.applicationProtocol == "b")
            #expect(other.serverName == "localhost")
            #expect(other.peerCertificate == nil)

            try await client.send("Hello Server!")
            try await client.expect("Hello Server!")
            try await client.close()
            #expect(await accepted.remainingEvents() == [.open, .inputEnded, .closed])
        }
    }

    @Test("A client that offers no protocol of the server's is served without one")
    func noCommonProtocol() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost), applicationProtocols: ["a"])
        try await TLSTestServer.with(tls) { server in
            let client = try await TLSLink.connect(
                to: server.address, certificates.client { $0.applicationProtocols = ["z"] })
            #expect(try await client.session().applicationProtocol == nil)
            try await client.close()
        }
    }

    @Test(
        "The name that a client asks for picks the identity: the exact one, else by the pattern, else the default",
        arguments: [
            ("device.example", "device.example"), ("DEVICE.example.", "device.example"), ("a.apps.example", "apps"),
            ("special.apps.example", "other.example"), ("a.b.apps.example", "localhost"), ("apps.example", "localhost"),
            ("unknown.example", "localhost"),
        ])
    func serverName(asked: String, expected: String) async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(
            identity: TLSIdentity(certificates.localhost),
            namedIdentities: [
                "Device.Example": TLSIdentity(certificates.device), "*.apps.example": TLSIdentity(certificates.apps),
                "special.apps.example": TLSIdentity(certificates.other),
            ])
        try await TLSTestServer.with(tls) { server in
            let client = try await TLSLink.connect(
                to: server.address,
                certificates.client {
                    $0.serverName = asked
                    $0.verification = .insecureWithoutHostName
                })
            #expect(try await client.session().peerCertificate?.commonName == expected)
            let accepted = try #require(await server.accepted.take())
            let name = asked.lowercased().hasSuffix(".") ? String(asked.lowercased().dropLast()) : asked.lowercased()
            #expect(try await accepted.session().serverName == name)
            try await client.close()
        }
    }

    @Test("A name that is none is no name: it picks no identity and reaches no log")
    func nameWithControlCharacters() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(
            identity: TLSIdentity(certificates.localhost),
            namedIdentities: ["*.apps.example": TLSIdentity(certificates.apps)])
        try await TLSTestServer.with(tls) { server in
            let asking = certificates.client {
                $0.serverName = "a\nb.apps.example"
                $0.verification = .insecureWithoutHostName
            }
            let client = try await TLSLink.connect(to: server.address, asking)
            #expect(try await client.session().peerCertificate?.commonName == "localhost")
            let accepted = try #require(await server.accepted.take())
            #expect(try await accepted.session().serverName == nil)
            try await client.close()
        }
    }

    @Test(
        "A host that cannot be asked for is refused before the handshake",
        arguments: ["", String(repeating: "a", count: 256)])
    func impossibleHost(host: String) async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        try await TLSTestServer.with(tls) { server in
            let error = await networkError {
                _ = try await TLSLink.connect(to: server.address, host: host, certificates.client())
            }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test("An address is dialled without a server name, and the certificate has to be for the address")
    func address() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        try await TLSTestServer.with(tls) { server in
            let client = try await TLSLink.connect(to: server.address, host: "127.0.0.1", certificates.client())
            #expect(try await client.session().serverName == nil)
            let accepted = try #require(await server.accepted.take())
            #expect(try await accepted.session().serverName == nil)
            try await client.close()

            try tls.use(TLSIdentity(certificates.other))
            let refused = try await TLSLink.connect(to: server.address, host: "127.0.0.1", certificates.client())
            #expect(await refused.handshakeError()?.code == .certificateNameMismatch)
        }
    }

    @Test("TLS 1.2 is spoken unless the minimum is 1.3", arguments: [TLSProtocolVersion.tls12, .tls13])
    func minimumVersion(minimum: TLSProtocolVersion) async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost), minimumVersion: minimum)
        try await TLSTestServer.with(tls) { server in
            let client = try await TLSLink.connect(
                to: server.address, certificates.client { $0.minimumVersion = minimum })
            #expect(try await client.session().version == .tls13)
            try await client.close()
        }
    }

    @Test("TLS goes in front of handlers that are there already")
    func position() async throws {
        let certificates = try await TestCertificates.shared()
        let channel = EmbeddedChannel()
        let reader = PlainTextReader()
        try channel.pipeline.syncOperations.addHandler(reader)
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        _ = try tls.addHandlers(to: channel, doing: "serve", position: .before(reader))
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        #expect(throws: NetworkError.self) { try channel.writeInbound(ByteBuffer(string: "GET / HTTP/1.1")) }
        #expect(reader.bytes == 0)
    }

    private final class PlainTextReader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private(set) var bytes = 0

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { bytes += unwrapInboundIn(data).readableBytes }
    }

    // MARK: What the client verifies

    @Test(
        "A certificate that is out of date, for another name, or signed by nobody trusted is refused with its own code",
        arguments: [
            ("expired", NetworkError.Code.certificateExpired, "the certificate has expired"),
            ("early", .certificateExpired, "the certificate is not valid yet (or this machine's clock is slow)"),
            ("other", .certificateNameMismatch, "the certificate is for another name: other.example"),
            ("selfsigned", .certificateUntrusted, "the certificate is not signed by anybody who is trusted"),
        ])
    func refusedCertificate(
        name: String, code: NetworkError.Code, text: String
    ) async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.pair(name)))
        try await TLSTestServer.with(tls) { server in
            let client = try await TLSLink.connect(to: server.address, certificates.client())
            let error = await client.handshakeError()
            #expect(error?.code == code)
            #expect(error?.message == "connect to localhost: \(text)")
            #expect(await client.remainingEvents() == [.failed(code)])
            await client.waitUntilClosed()
        }
    }

    @Test("The system's roots do not include the tests' authority, unless it is added")
    func systemRoots() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        try await TLSTestServer.with(tls) { server in
            let stranger = try await TLSLink.connect(to: server.address, ClientTLS())
            #expect(await stranger.handshakeError()?.code == .certificateUntrusted)
            let friend = try await TLSLink.connect(
                to: server.address, certificates.client { $0.trustRoots = .systemAnd([.text(certificates.authority)]) })
            #expect(try await friend.session().peerCertificate?.commonName == "localhost")
            try await friend.close()
        }
    }

    @Test("Without verification, any certificate will do")
    func insecure() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.selfSigned))
        try await TLSTestServer.with(tls) { server in
            let client = try await TLSLink.connect(
                to: server.address, host: "somewhere.example", ClientTLS(verification: .insecureNone))
            #expect(try await client.session().peerCertificate?.commonName == "localhost")
            try await client.close()
        }
    }

    @Test("Without verification of the name, the issuer still has to be trusted")
    func insecureName() async throws {
        let certificates = try await TestCertificates.shared()
        let insecure = certificates.client { $0.verification = .insecureWithoutHostName }
        let tls = try ServerTLS(identity: TLSIdentity(certificates.other))
        try await TLSTestServer.with(tls) { server in
            let client = try await TLSLink.connect(to: server.address, insecure)
            #expect(try await client.session().peerCertificate?.commonName == "other.example")
            try await client.close()
            try tls.use(TLSIdentity(certificates.selfSigned))
            let refused = try await TLSLink.connect(to: server.address, insecure)
            #expect(await refused.handshakeError()?.code == .certificateUntrusted)
        }
    }
}

import JunctionTLS
import TLSTesting
import TestSupport
import Testing

/// Clients that say who they are.
@Suite(.timeLimit(.minutes(5)), TestCertificates.requirement) struct ClientCertificateTests {
    @Test("A client with the certificate that is required is let in, and the server sees whose it is")
    func accepted() async throws {
        let certificates = try await TestCertificates.shared()
        try await TLSTestServer.with(try Self.server(certificates, required: true)) { server in
            let identity = try TLSIdentity(certificates.client)
            let client = try await TLSLink.connect(to: server.address, certificates.client { $0.identity = identity })
            let accepted = try #require(await server.accepted.take())
            let certificate = try #require(try await accepted.session().peerCertificate)
            #expect(certificate == identity.certificate)
            #expect(certificate.uris == ["urn:example:device-7"])
            try await client.send("hello")
            try await client.expect("hello")
            try await client.close()
        }
    }

    @Test("A client without the certificate that is required is refused, and both sides say so")
    func missing() async throws {
        let certificates = try await TestCertificates.shared()
        try await TLSTestServer.with(try Self.server(certificates, required: true)) { server in
            let client = try await TLSLink.connect(to: server.address, certificates.client())
            let accepted = try #require(await server.accepted.take())
            let error = await accepted.handshakeError()
            #expect(error?.code == .tlsHandshakeFailed)
            #expect(error?.message.hasSuffix("the peer presented no certificate, and it has to") == true)
            #expect(await accepted.remainingEvents() == [.failed(.tlsHandshakeFailed)])
            // In TLS 1.3 the client is done before the server judges, and learns it by its first read.
            #expect(await client.remainingEvents() == [.open, .failed(.tlsHandshakeFailed), .closed])
        }
    }

    @Test(
        "A client certificate of a stranger, or out of date, is refused, whether one is required or not",
        arguments: [true, false],
        [
            ("selfsigned", NetworkError.Code.certificateUntrusted),
            ("expired", .certificateExpired),
        ])
    func refused(
        required: Bool, presented: (name: String, code: NetworkError.Code)
    ) async throws {
        let certificates = try await TestCertificates.shared()
        try await TLSTestServer.with(try Self.server(certificates, required: required)) { server in
            let identity = try TLSIdentity(certificates.pair(presented.name))
            let client = try await TLSLink.connect(to: server.address, certificates.client { $0.identity = identity })
            let accepted = try #require(await server.accepted.take())
            #expect(await accepted.handshakeError()?.code == presented.code)
            #expect(await client.remainingEvents() == [.open, .failed(.tlsHandshakeFailed), .closed])
        }
    }

    @Test("A certificate that is only requested may be left out")
    func requested() async throws {
        let certificates = try await TestCertificates.shared()
        try await TLSTestServer.with(try Self.server(certificates, required: false)) { server in
            let stranger = try await TLSLink.connect(to: server.address, certificates.client())
            let accepted = try #require(await server.accepted.take())
            #expect(try await accepted.session().peerCertificate == nil)
            try await stranger.send("hello")
            try await stranger.expect("hello")
            try await stranger.close()

            let identity = try TLSIdentity(certificates.client)
            let known = try await TLSLink.connect(to: server.address, certificates.client { $0.identity = identity })
            let second = try #require(await server.accepted.take())
            #expect(try await second.session().peerCertificate?.commonName == "device-7")
            try await known.close()
        }
    }

    @Test("A client is not asked for a certificate by default")
    func notAsked() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        try await TLSTestServer.with(tls) { server in
            let identity = try TLSIdentity(certificates.client)
            let client = try await TLSLink.connect(to: server.address, certificates.client { $0.identity = identity })
            let accepted = try #require(await server.accepted.take())
            #expect(try await accepted.session().peerCertificate == nil)
            try await client.close()
        }
    }

    private static func server(_ certificates: TestCertificates, required: Bool) throws -> ServerTLS {
        let roots = [PEMSource.text(certificates.authority)]
        return try ServerTLS(
            identity: TLSIdentity(certificates.localhost),
            clientCertificates: required ? .required(roots: roots) : .requested(roots: roots))
    }
}

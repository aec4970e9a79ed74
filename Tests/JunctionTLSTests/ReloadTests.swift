import JunctionTLS
import TLSTesting
import TestSupport
import Testing

/// Certificates that change while a server runs.
@Suite(.timeLimit(.minutes(5)), TestCertificates.requirement) struct ReloadTests {
    @Test("After a reload new connections get the new certificate, and open ones live on")
    func reload() async throws {
        let certificates = try await TestCertificates.shared()
        try await certificates.withFiles { directory in
            let tls = try Self.server(directory)
            try await TLSTestServer.with(tls) { server in
                let before = try await TLSLink.connect(to: server.address, certificates.client())
                let old = try TLSIdentity(certificates.localhost).certificate
                #expect(try await before.session().peerCertificate == old)

                try Self.replace(directory, with: certificates.renewed)
                try tls.reload()
                let new = try TLSIdentity(certificates.renewed).certificate
                #expect(new.serialNumber != old.serialNumber)
                #expect(tls.identity.certificate == new)
                let after = try await TLSLink.connect(to: server.address, certificates.client())
                #expect(try await after.session().peerCertificate == new)
                for client in [before, after] {
                    try await client.send("still here")
                    try await client.expect("still here")
                    try await client.close()
                }
            }
        }
    }

    @Test("A handshake that began before a reload ends with the certificate it began with")
    func duringHandshake() async throws {
        let certificates = try await TestCertificates.shared()
        try await certificates.withFiles { directory in
            let tls = try Self.server(directory)
            try await TLSTestServer.with(tls) { server in
                let pipes = try HandshakePair(server: tls, client: ClientTLS.Prepared(certificates.client()))
                try Self.replace(directory, with: certificates.renewed)
                try tls.reload()
                #expect(try pipes.complete().peerCertificate == TLSIdentity(certificates.localhost).certificate)
            }
        }
    }

    @Test(
        "A reload that meets a broken or missing file, or a key that does not fit, throws and changes nothing",
        arguments: ["garbage", "missing", "foreign key", "broken second identity", "broken roots"])
    func brokenReload(fault: String) async throws {
        let certificates = try await TestCertificates.shared()
        try await certificates.withFiles { directory in
            let tls = try ServerTLS(
                identity: Self.identity(directory),
                namedIdentities: ["device.example": Self.identity(directory, "device")],
                clientCertificates: .requested(roots: [.file("\(directory)/ca.pem")]))
            try await TLSTestServer.with(tls) { server in
                try Self.replace(directory, with: certificates.renewed)
                switch fault {
                case "garbage": try write("garbage", "\(directory)/localhost.pem")
                case "missing": try remove("\(directory)/localhost.key")
                case "foreign key": try write(certificates.other.key, "\(directory)/localhost.key")
                case "broken second identity": try write("garbage", "\(directory)/device.pem")
                default: try write("garbage", "\(directory)/ca.pem")
                }
                #expect(networkError { try tls.reload() }?.code == .invalidCertificate)

                let old = try TLSIdentity(certificates.localhost).certificate
                #expect(tls.identity.certificate == old)
                let client = try await TLSLink.connect(to: server.address, certificates.client())
                #expect(try await client.session().peerCertificate == old)
                try await client.close()
            }
        }
    }

    @Test("An identity can be handed over, for all names and for one, and a reload reads its files")
    func use() async throws {
        let certificates = try await TestCertificates.shared()
        try await certificates.withFiles { directory in
            let tls = try ServerTLS(identity: TLSIdentity(certificates.other))
            try await TLSTestServer.with(tls) { server in
                try tls.use(Self.identity(directory))
                try tls.use(Self.identity(directory, "device"), for: "device.example")
                try Self.replace(directory, with: certificates.renewed)
                try tls.reload()
                let client = try await TLSLink.connect(to: server.address, certificates.client())
                #expect(try await client.session().peerCertificate == TLSIdentity(certificates.renewed).certificate)
                let named = try await TLSLink.connect(to: server.address, host: "device.example", certificates.client())
                #expect(try await named.session().peerCertificate?.commonName == "device.example")
                try await client.close()
                try await named.close()
            }
        }
    }

    @Test("Changes by several threads at once are all kept")
    func concurrentChanges() async throws {
        let certificates = try await TestCertificates.shared()
        let identity = try TLSIdentity(certificates.device)
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        try await withThrowingTaskGroup { group in
            for number in 0..<20 { group.addTask { try tls.use(identity, for: "name\(number).example") } }
            try await group.waitForAll()
        }
        try await TLSTestServer.with(tls) { server in
            for number in 0..<20 {
                let client = try await TLSLink.connect(
                    to: server.address,
                    certificates.client {
                        $0.serverName = "name\(number).example"
                        $0.verification = .insecureWithoutHostName
                    })
                #expect(try await client.session().peerCertificate == identity.certificate)
                try await client.close()
            }
        }
    }

    private static func server(_ directory: String) throws -> ServerTLS { try ServerTLS(identity: identity(directory)) }

    private static func identity(_ directory: String, _ name: String = "localhost") throws -> TLSIdentity {
        try TLSIdentity(
            certificateChain: .file("\(directory)/\(name).pem"), privateKey: .file("\(directory)/\(name).key"))
    }

    private static func replace(_ directory: String, with pair: TestCertificates.Pair) throws {
        try write(pair.certificate, "\(directory)/localhost.pem")
        try write(pair.key, "\(directory)/localhost.key")
    }
}

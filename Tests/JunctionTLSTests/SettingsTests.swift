import JunctionTLS
import TLSTesting
import Testing

/// What a configuration refuses before any connection is made.
@Suite(.timeLimit(.minutes(5)), TestCertificates.requirement) struct SettingsTests {
    @Test(
        "A name of an application protocol is 1 to 255 ASCII characters",
        arguments: ["", "프로토콜", String(repeating: "a", count: 256)])
    func applicationProtocols(name: String) async throws {
        let identity = try TLSIdentity(await TestCertificates.shared().localhost)
        let server = networkError { _ = try ServerTLS(identity: identity, applicationProtocols: ["h2", name]) }
        #expect(server?.code == .invalidArgument)
        let client = networkError { _ = try ClientTLS.Prepared(ClientTLS(applicationProtocols: ["h2", name])) }
        #expect(client?.code == .invalidArgument)
    }

    @Test(
        "A server name is a name, or a pattern with one asterisk for its first label",
        arguments: [
            "", ".", "*", "*.", "a.*.example", "**.example", "a*.example", ".example", "a..example", "a b.example",
            "예.example",
        ])
    func serverNames(name: String) async throws {
        let identity = try TLSIdentity(await TestCertificates.shared().localhost)
        let error = networkError { _ = try ServerTLS(identity: identity, namedIdentities: [name: identity]) }
        #expect(error?.code == .invalidArgument)
        let tls = try ServerTLS(identity: identity)
        #expect(networkError { try tls.use(identity, for: name) }?.code == .invalidArgument)
    }

    @Test("The same server name in two spellings is refused")
    func doubledServerName() async throws {
        let identity = try TLSIdentity(await TestCertificates.shared().localhost)
        let names = ["example.com": identity, "EXAMPLE.com.": identity]
        let error = networkError { _ = try ServerTLS(identity: identity, namedIdentities: names) }
        #expect(error?.code == .invalidArgument)
    }

    @Test("Roots that are none are refused")
    func roots() async throws {
        let certificates = try await TestCertificates.shared()
        let identity = try TLSIdentity(certificates.localhost)
        for roots: [PEMSource] in [[], [.text("garbage")], [.text(certificates.authority), .file("/nowhere/ca.pem")]] {
            for policy in [ServerTLS.ClientCertificates.requested(roots: roots), .required(roots: roots)] {
                let error = networkError { _ = try ServerTLS(identity: identity, clientCertificates: policy) }
                #expect(error?.code == .invalidCertificate)
            }
            for roots in [TrustRoots.only(roots), .systemAnd(roots)] {
                let error = networkError { _ = try ClientTLS.Prepared(ClientTLS(trustRoots: roots)) }
                #expect(error?.code == .invalidCertificate)
            }
        }
    }

    @Test("An address is no server name", arguments: ["127.0.0.1", "::1", "fe80::1%eth0"])
    func addressAsServerName(name: String) {
        let error = networkError { _ = try ClientTLS.Prepared(ClientTLS(serverName: name)) }
        #expect(error?.code == .invalidArgument)
    }
}

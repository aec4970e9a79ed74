import JunctionTLS
import NIOCore
import Subprocess
import TLSTesting
import TestSupport
import Testing

/// TLS against Node's `tls`, which is OpenSSL.
@Suite(.timeLimit(.minutes(5)), TestCertificates.requirement, Peer.node.requirement) struct TLSNodeInteropTests {
    @Test("Node's client agrees with a server on everything, ends its side, and reads the answer to the end")
    func nodeClient() async throws {
        try await TestCertificates.shared().withFiles { directory in
            let tls = try ServerTLS(
                identity: identity("localhost", directory),
                namedIdentities: ["device.example": identity("device", directory)],
                applicationProtocols: ["junction/1"])
            try await TLSTestServer.with(tls, echoes: false) { server in
                let options = #""servername": "device.example", "ALPNProtocols": ["other", "junction/1"]"#
                try await client(server, directory, options) { node in
                    let agreed = try await node.expect(prefix: "connected: ")
                    #expect(agreed.hasPrefix("TLSv1.3 junction/1 new device.example "))
                    let accepted = try #require(await server.accepted.take())
                    let session = try await accepted.session()
                    #expect(session.applicationProtocol == "junction/1")
                    #expect(session.serverName == "device.example")
                    try await node.write("question\n")
                    try await accepted.expect("question")
                    try await node.finishInput()
                    #expect(await accepted.nextEvent() == .open)
                    #expect(await accepted.nextEvent() == .inputEnded)
                    try await accepted.send("answer")
                    try await node.expect("received: answer")
                    try await accepted.finish()
                    try await node.expect("ended")
                    try await node.expectEnd()
                    #expect(await accepted.remainingEvents() == [.closed])
                }
            }
        }
    }

    @Test(
        "A client agrees with Node's server on everything, ends its side, and reads the answer to the end",
        arguments: ["TLSv1.2", "TLSv1.3"])
    func nodeServer(version: String) async throws {
        try await TestCertificates.shared().withFiles { directory in
            let options = #""maxVersion": "\#(version)", "ALPNProtocols": ["junction/1"], "requestCert": true"#
            try await nodeServer("localhost", directory, options) { node, address in
                let tls = ClientTLS(
                    trustRoots: .only([.file("\(directory)/ca.pem")]), identity: try identity("client", directory),
                    applicationProtocols: ["other", "junction/1"])
                let link = try await TLSLink.connect(to: address, tls)
                let session = try await link.session()
                #expect(session.version.rawValue == version)
                #expect(session.applicationProtocol == "junction/1")
                #expect(session.peerCertificate?.commonName == "localhost")
                try await node.expect("connected: \(version) junction/1 localhost device-7")
                try await link.send("question")
                try await link.expect("question")
                try await link.finish()
                try await node.expect("ended")
                #expect(await link.remainingEvents() == [.open, .inputEnded, .closed])
                #expect(try await link.received() == ByteBuffer(string: "questionbye"))
                try await node.expect("closed")
            }
        }
    }

    @Test(
        "A certificate that Node's client refuses, a client of ours refuses with the same code",
        arguments: [
            ("expired", "CERT_HAS_EXPIRED"), ("other", "ERR_TLS_CERT_ALTNAME_INVALID"),
        ])
    func refusedCertificate(name: String, code: String) async throws {
        try await TestCertificates.shared().withFiles { directory in
            try await TLSTestServer.with(try ServerTLS(identity: identity(name, directory))) { server in
                try await client(server, directory) { node in
                    try await node.expect("error: \(code)")
                    try await node.expectEnd()
                }
            }
            try await nodeServer(name, directory) { _, address in
                let link = try await TLSLink.connect(
                    to: address, ClientTLS(trustRoots: .only([.file("\(directory)/ca.pem")])))
                #expect(await link.handshakeError()?.code.rawValue == code)
            }
        }
    }

    @Test("Node's client refuses a certificate that nobody trusted signed, and so does a client of ours")
    func untrusted() async throws {
        try await TestCertificates.shared().withFiles { directory in
            let tls = try ServerTLS(identity: identity("selfsigned", directory))
            try await TLSTestServer.with(tls) { server in
                try await client(server, directory) { node in
                    try await node.expect("error: DEPTH_ZERO_SELF_SIGNED_CERT")
                    try await node.expectEnd()
                }
                // It says so in the handshake, so the server knows why the client has gone.
                let accepted = try #require(await server.accepted.take())
                _ = await accepted.remainingEvents()
            }
            try await nodeServer("selfsigned", directory) { _, address in
                let link = try await TLSLink.connect(
                    to: address, ClientTLS(trustRoots: .only([.file("\(directory)/ca.pem")])))
                #expect(await link.handshakeError()?.code == .certificateUntrusted)
            }
        }
    }

    @Test("Node's client is let in with the certificate that is required, and not without")
    func clientCertificate() async throws {
        try await TestCertificates.shared().withFiles { directory in
            let roots = [PEMSource.file("\(directory)/ca.pem")]
            let tls = try ServerTLS(
                identity: identity("localhost", directory), clientCertificates: .required(roots: roots))
            try await TLSTestServer.with(tls) { server in
                let options = #""cert": "\#(directory)/client.pem", "key": "\#(directory)/client.key""#
                try await client(server, directory, options) { node in
                    _ = try await node.expect(prefix: "connected: TLSv1.3 none new localhost ")
                    let accepted = try #require(await server.accepted.take())
                    #expect(try await accepted.session().peerCertificate?.commonName == "device-7")
                }
                try await client(server, directory) { node in
                    let accepted = try #require(await server.accepted.take())
                    #expect(await accepted.handshakeError()?.code == .tlsHandshakeFailed)
                    _ = try await node.expect(prefix: "connected: ")  // in TLS 1.3 it learns it after that
                    try await node.expect("error: ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED")
                }
            }
        }
    }

    @Test(
        "Node's client resumes its session, with a client certificate, too; after a reload it starts anew and sees the new certificate",
        arguments: ["TLSv1.2", "TLSv1.3"])
    func resumption(version: String) async throws {
        let certificates = try await TestCertificates.shared()
        try await certificates.withFiles { directory in
            let roots = [PEMSource.file("\(directory)/ca.pem")]
            let tls = try ServerTLS(
                identity: identity("localhost", directory), clientCertificates: .required(roots: roots))
            let old = tls.identity.certificate.serialNumber
            try await TLSTestServer.with(tls) { server in
                let options =
                    #""maxVersion": "\#(version)", "cert": "\#(directory)/client.pem", "key": "\#(directory)/client.key""#
                try await client(server, directory, options) { node in
                    try await node.expect("connected: \(version) none new localhost \(old)")
                    try await node.write("hello\n")
                    try await node.expect("received: hello")  // the ticket of TLS 1.3 comes before that
                    try await node.write("again\n")
                    try await node.expect("connected: \(version) none resumed as before")
                    _ = await server.accepted.take()
                    let second = try #require(await server.accepted.take())
                    #expect(try await second.session().peerCertificate?.commonName == "device-7")

                    try write(certificates.renewed.certificate, "\(directory)/localhost.pem")
                    try write(certificates.renewed.key, "\(directory)/localhost.key")
                    try tls.reload()
                    try await node.write("still here\n")
                    try await node.expect("received: still here")
                    try await node.write("again\n")
                    try await node.expect(
                        "connected: \(version) none new localhost \(tls.identity.certificate.serialNumber)")
                    #expect(tls.identity.certificate.serialNumber != old)
                }
            }
        }
    }

    private func client(
        _ server: TLSTestServer, _ directory: String, _ options: String = "",
        _ body: @escaping @Sendable (PeerProcess) async throws -> Void
    ) async throws {
        let json = #"{"ca": "\#(directory)/ca.pem"\#(options.isEmpty ? "" : ", ")\#(options)}"#
        try await PeerProcess.run(.node, ["tls-client", try server.address.portText, json], body: body)
    }

    private func nodeServer(
        _ name: String, _ directory: String, _ options: String = "",
        _ body: @escaping @Sendable (PeerProcess, SocketAddress) async throws -> Void
    ) async throws {
        let files =
            #""ca": "\#(directory)/ca.pem", "cert": "\#(directory)/\#(name).pem", "key": "\#(directory)/\#(name).key""#
        let json = #"{"rejectUnauthorized": false, \#(files)\#(options.isEmpty ? "" : ", ")\#(options)}"#
        try await PeerProcess.run(.node, ["tls-server", json]) { node in
            try await body(node, try SocketAddress(ipAddress: "127.0.0.1", port: try await node.port()))
        }
    }
}

/// TLS against the program `openssl`.
@Suite(.timeLimit(.minutes(5)), TestCertificates.requirement) struct TLSOpenSSLInteropTests {
    @Test(
        "openssl s_client verifies the certificate of the name it asks for, and is served",
        arguments: ["-tls1_2", "-tls1_3"])
    func client(version: String) async throws {
        try await TestCertificates.shared().withFiles { directory in
            let tls = try ServerTLS(
                identity: identity("localhost", directory),
                namedIdentities: ["*.apps.example": identity("apps", directory)])
            try await TLSTestServer.with(tls) { server in
                let arguments = ["-servername", "a.apps.example", "-verify_hostname", "a.apps.example", version]
                try await openssl(server, directory, arguments) { openssl in
                    try await openssl.expect("CONNECTION ESTABLISHED")
                    try await openssl.skip(to: "Peer certificate: CN = apps")
                    try await openssl.skip(to: "Verification: OK")
                    try await openssl.write("hello\n")
                    try await openssl.skip(to: "hello")
                    try await openssl.finishInput()
                    try await openssl.expect("DONE")
                    try await openssl.expectEnd()
                    let accepted = try #require(await server.accepted.take())
                    #expect(await accepted.remainingEvents() == [.open, .inputEnded, .closed])
                }
            }
        }
    }

    @Test(
        "A version below the minimum is refused",
        arguments: [("-tls1_1", TLSProtocolVersion.tls12), ("-tls1_2", .tls13)])
    func oldVersion(version: String, minimum: TLSProtocolVersion) async throws {
        try await TestCertificates.shared().withFiles { directory in
            let tls = try ServerTLS(identity: identity("localhost", directory), minimumVersion: minimum)
            try await TLSTestServer.with(tls) { server in
                try await openssl(server, directory, [version, "-cipher", "DEFAULT@SECLEVEL=0"]) { openssl in
                    let accepted = try #require(await server.accepted.take())
                    let error = await accepted.handshakeError()
                    #expect(error?.code == .tlsHandshakeFailed)
                    #expect(error?.message.hasSuffix("the two sides have no version of TLS in common") == true)
                    try await openssl.skipToEnd(status: 1)
                }
            }
        }
    }

    @Test(
        "A client is served by openssl s_server, whose end by a signal is no end in order",
        arguments: ["-tls1_2", "-tls1_3"])
    func server(version: String) async throws {
        try await TestCertificates.shared().withFiles { directory in
            let files = ["-cert", "\(directory)/localhost.pem", "-key", "\(directory)/localhost.key"]
            try await PeerProcess.run(.openssl, ["s_server", "-accept", "127.0.0.1:0", "-rev", version] + files) {
                openssl in
                let line = try await openssl.skip(toPrefix: "ACCEPT 127.0.0.1:")
                let address = try SocketAddress(ipAddress: "127.0.0.1", port: try #require(Int(line)))
                let link = try await TLSLink.connect(
                    to: address, ClientTLS(trustRoots: .only([.file("\(directory)/ca.pem")])))
                #expect(try await link.session().version == (version == "-tls1_2" ? .tls12 : .tls13))
                try await link.send("hello\n")
                try await link.expect("olleh\n")
                try openssl.send(.kill)
                #expect(await link.remainingEvents() == [.open, .failed(.connectionReset), .closed])
            }
        }
    }

    private func openssl(
        _ server: TLSTestServer, _ directory: String, _ arguments: [String],
        _ body: @escaping @Sendable (PeerProcess) async throws -> Void
    ) async throws {
        let fixed = ["s_client", "-connect", "127.0.0.1:\(try server.address.portText)", "-brief"]
        let trust = ["-CAfile", "\(directory)/ca.pem", "-verify_return_error"]
        try await PeerProcess.run(.openssl, fixed + trust + arguments, body: body)
    }
}

private func identity(_ name: String, _ directory: String) throws -> TLSIdentity {
    try TLSIdentity(certificateChain: .file("\(directory)/\(name).pem"), privateKey: .file("\(directory)/\(name).key"))
}

extension PeerProcess {
    /// Takes what is left of the output, and waits for the end.
    fileprivate func skipToEnd(status: Int32) async throws {
        do {
            while true { _ = try await nextLine() }
        } catch is PeerFailure {
            try await expectEnd(status: status)
        }
    }

    /// Takes lines up to this one.
    fileprivate func skip(to line: String) async throws {
        while try await nextLine() != line {}
    }

    /// Takes lines up to one with this prefix, and returns the rest of it.
    fileprivate func skip(toPrefix prefix: String) async throws -> String {
        while true {
            let line = try await nextLine()
            if line.hasPrefix(prefix) { return String(line.dropFirst(prefix.count)) }
        }
    }
}

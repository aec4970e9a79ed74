import JunctionCore
import NIOSSL

/// Who this side is: a certificate with the chain that leads to its issuer, and the private key to it.
///
/// ```swift
/// let identity = try TLSIdentity(certificateChain: .file("server.pem"), privateKey: .file("server.key"))
/// ```
public struct TLSIdentity: Sendable, CustomStringConvertible {
    private let chainSource: PEMSource
    private let keySource: PEMSource
    private let passphrase: String?
    private let chain: [NIOSSLCertificate]
    private let key: NIOSSLPrivateKey
    /// The certificate itself, the first of the chain.
    public let certificate: TLSCertificate

    /// Reads the certificates and the key, and checks that they belong together. Blocks while it reads files.
    ///
    /// That the certificate is in date and for the right name is for the peers to judge: it is not checked here.
    ///
    /// - Parameters:
    ///   - certificateChain: the certificate of this side first, then those of its issuers up to, but without, the root.
    ///   - privateKey: PKCS #8, or the traditional form of an RSA or EC key. May be the same file as the chain.
    ///   - passphrase: opens an encrypted key; ASCII. It stays in memory, since a reload needs it again.
    /// - Throws: ``NetworkError`` with the code `.invalidCertificate`; the message says which file, and what is wrong.
    public init(certificateChain: PEMSource, privateKey: PEMSource, passphrase: String? = nil) throws {
        self.chainSource = certificateChain
        self.keySource = privateKey
        self.passphrase = passphrase
        self.chain = try certificateChain.certificates()
        self.key = try privateKey.privateKey(passphrase: passphrase)
        self.certificate = TLSCertificate(chain[0])
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.certificateChain = certificateSources
        configuration.privateKey = privateKeySource
        do {
            _ = try NIOSSLContext(configuration: configuration)
        } catch NIOSSLError.failedToLoadPrivateKey {
            let text = "\(privateKey): the private key does not belong to the certificate of \(certificateChain)"
            throw NetworkError(.invalidCertificate, text)
        } catch {
            throw NetworkError(.invalidCertificate, "\(certificateChain): the certificate cannot be used (\(error))")
        }
    }

    /// Where the identity comes from.
    public var description: String { "TLS identity from \(chainSource)" }
}

extension TLSIdentity {
    /// The same sources, read again.
    func reread() throws -> TLSIdentity {
        try TLSIdentity(certificateChain: chainSource, privateKey: keySource, passphrase: passphrase)
    }

    var certificateSources: [NIOSSLCertificateSource] { chain.map { .certificate($0) } }

    var privateKeySource: NIOSSLPrivateKeySource { .privateKey(key) }

    /// The identity as NIOSSL takes it for one connection that is not to have the default one.
    var override: NIOSSLContextConfigurationOverride {
        var override = NIOSSLContextConfigurationOverride()
        override.certificateChain = certificateSources
        override.privateKey = privateKeySource
        return override
    }
}

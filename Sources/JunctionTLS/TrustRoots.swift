import JunctionCore
import NIOSSL

/// Whose signature makes the certificate of a peer trusted.
public enum TrustRoots: Sendable {
    /// The certificate authorities that the operating system trusts.
    case system
    /// These certificates, and no others.
    case only([PEMSource])
    /// The operating system's, and these.
    case systemAnd([PEMSource])
}

extension TrustRoots {
    func install(in configuration: inout TLSConfiguration) throws {
        switch self {
        case .system: configuration.trustRoots = .default
        case .only(let sources): configuration.trustRoots = .certificates(try Self.load(sources))
        case .systemAnd(let sources):
            configuration.trustRoots = .default
            configuration.additionalTrustRoots = [.certificates(try Self.load(sources))]
        }
    }

    /// All certificates of the sources. No source at all is a mistake: nobody could ever be trusted.
    static func load(_ sources: [PEMSource]) throws -> [NIOSSLCertificate] {
        guard !sources.isEmpty else { throw NetworkError(.invalidCertificate, "no root to trust was given") }
        return try sources.flatMap { try $0.certificates() }
    }
}

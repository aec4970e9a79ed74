import JunctionCore
import NIOSSL

/// What is checked of settings before NIOSSL sees them, which traps on some of it.
enum TLSSettings {
    /// A protocol's name is 1 to 255 bytes (RFC 7301 section 3.1); NIOSSL takes ASCII alone.
    static func check(applicationProtocols: [String]) throws {
        for name in applicationProtocols
        where !(1...255).contains(name.utf8.count) || !name.utf8.allSatisfy({ $0 < 0x80 }) {
            throw NetworkError(.invalidArgument, "“\(name)” is no ALPN protocol name: 1 to 255 ASCII characters")
        }
    }

    static func makeContext(_ configuration: TLSConfiguration) throws -> NIOSSLContext {
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw NetworkError(.invalidCertificate, "the certificates cannot be used (\(error))")
        }
    }
}

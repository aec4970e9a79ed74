import JunctionCore
import NIOCore
import NIOSSL

/// Where certificates or a key come from, in PEM form (RFC 7468): a file, or bytes in memory.
public struct PEMSource: Sendable, CustomStringConvertible {
    private enum Content: Sendable {
        case file(String)
        case bytes([UInt8])
    }

    private let content: Content

    /// The file at `path`; it is read when the value is used, and again by ``ServerTLS/reload()``.
    public static func file(_ path: String) -> PEMSource { PEMSource(content: .file(path)) }

    /// PEM text.
    public static func text(_ text: some StringProtocol) -> PEMSource { bytes(text.utf8) }

    /// PEM text as bytes.
    public static func bytes(_ bytes: some Sequence<UInt8>) -> PEMSource { PEMSource(content: .bytes(Array(bytes))) }

    /// The path, or that the bytes are in memory; never the bytes themselves, which may be a private key.
    public var description: String {
        switch content {
        case .file(let path): path
        case .bytes: "PEM in memory"
        }
    }
}

extension PEMSource {
    /// Every certificate of the source, in its order; at least one.
    func certificates() throws -> [NIOSSLCertificate] {
        let bytes = try read()
        do {
            return try NIOSSLCertificate.fromPEMBytes(bytes)
        } catch {
            throw NetworkError(.invalidCertificate, "\(self): there is no certificate in PEM form, or a broken one")
        }
    }

    /// The private key of the source.
    func privateKey(passphrase: String?) throws -> NIOSSLPrivateKey {
        let bytes = try read()
        let secret = Array((passphrase ?? "").utf8)
        // NIOSSL turns each byte into a signed one with a conversion that traps above 127.
        guard secret.allSatisfy({ $0 < 0x80 }) else {
            throw NetworkError(.invalidCertificate, "\(self): a passphrase has to be ASCII")
        }
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem) { (set: NIOSSLPassphraseSetter<[UInt8]>) in
                set(secret)
            }
        } catch {
            let text = String(decoding: bytes, as: UTF8.self)
            let isEncrypted = text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
            guard isEncrypted else {
                throw NetworkError(.invalidCertificate, "\(self): there is no private key in PEM form, or a broken one")
            }
            let problem =
                passphrase == nil ? "is encrypted, and no passphrase was given" : "does not open with the passphrase"
            throw NetworkError(.invalidCertificate, "\(self): the private key \(problem)")
        }
    }

    private func read() throws -> [UInt8] {
        switch content {
        case .bytes(let bytes): return bytes
        case .file(let path):
            do {
                return try FileContents.read(path)
            } catch {
                throw NetworkError(.invalidCertificate, NetworkError(error, doing: path).message)
            }
        }
    }
}

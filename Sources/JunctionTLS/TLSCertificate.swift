import NIOCore
import NIOSSL

/// An X.509 certificate (RFC 5280).
public struct TLSCertificate: Sendable, Hashable, CustomStringConvertible {
    let certificate: NIOSSLCertificate

    init(_ certificate: NIOSSLCertificate) { self.certificate = certificate }

    /// The whole certificate in DER form; empty if it cannot be written.
    public var derBytes: [UInt8] { (try? certificate.toDERBytes()) ?? [] }

    /// The serial number, in lower-case hexadecimal digits, two to a byte.
    public var serialNumber: String {
        certificate.serialNumber.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    /// The common name of the subject, the last if there are several.
    public var commonName: String? { certificate.subjectName.last { $0.type == .commonName }?.value }

    /// The subject alternative names of the kind `dNSName`, as they are written: `example.com`, `*.example.com`.
    public var dnsNames: [String] { alternativeNames(.dnsName) }

    /// The subject alternative names of the kind `uniformResourceIdentifier`.
    public var uris: [String] { alternativeNames(.uri) }

    /// The subject alternative names of the kind `rfc822Name`: addresses for e-mail.
    public var emailAddresses: [String] { alternativeNames(.email) }

    /// The subject alternative names of the kind `iPAddress`, as text.
    public var ipAddresses: [String] {
        certificate._subjectAlternativeNames().lazy.filter { $0.nameType == .ipAddress }.compactMap { name in
            try? SocketAddress(packedIPAddress: ByteBuffer(bytes: name.contents), port: 0).ipAddress
        }
    }

    /// The first moment the certificate is valid, in seconds since 1970-01-01 00:00 UTC.
    public var notBefore: Int { Int(certificate.notValidBefore) }

    /// The last moment the certificate is valid, in seconds since 1970-01-01 00:00 UTC.
    public var notAfter: Int { Int(certificate.notValidAfter) }

    /// The serial number and the common name, fit for a log.
    public var description: String { "certificate \(serialNumber) of \(commonName?.printable ?? "an unnamed subject")" }

    private func alternativeNames(_ kind: _SubjectAlternativeName.NameType) -> [String] {
        certificate._subjectAlternativeNames().lazy.filter { $0.nameType == kind }
            .map { String(decoding: $0.contents, as: UTF8.self) }
    }
}

extension String {
    /// Without control characters: a line of a log stays one line, whatever a peer put into its certificate.
    var printable: String {
        String(
            String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 })
        )
    }
}

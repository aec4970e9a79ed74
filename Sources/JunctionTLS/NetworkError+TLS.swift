package import JunctionCore
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#else
    import Darwin
#endif

extension NetworkError {
    /// Translates an error of NIOSSL, and any other as `NetworkError(_:doing:)` does.
    ///
    /// Behind a ``TLSHandler`` every error of the pipeline has gone through this; the results of writes have not.
    ///
    /// - Parameter action: what was tried ("connect to example.com:443").
    package init(tls error: any Error, doing action: String) {
        self.init(tls: error, doing: action, certificate: nil)
    }

    /// - Parameter certificate: what the peer presented, if it did: NIOSSL says that a certificate was not accepted, but not
    ///   why.
    init(tls error: any Error, doing action: String, certificate: NIOSSLCertificate?) {
        switch error {
        case NIOSSLError.handshakeFailed(let reason), NIOSSLError.shutdownFailed(let reason):
            self.init(reason, action, certificate)
        case let reason as BoringSSLError:
            self.init(reason, action, certificate)
        case NIOSSLError.uncleanShutdown:
            let text = "the peer ended the connection without close_notify, so what it sent may be cut off"
            self.init(.connectionReset, "\(action): \(text)")
        case NIOSSLError.noCertificateToValidate:
            self.init(.certificateUntrusted, "\(action): the peer presented no certificate")
        case let error as NIOSSLExtraError
        where error == .failedToValidateHostname || error == .serverHostnameImpossibleToMatch:
            let names = certificate.map { TLSCertificate($0) }.map { $0.dnsNames + $0.ipAddresses } ?? []
            let text = names.isEmpty ? "" : ": \(names.prefix(5).joined(separator: ", ").printable)"
            self.init(.certificateNameMismatch, "\(action): the certificate is for another name\(text)")
        default:
            self.init(error, doing: action)
        }
    }

    private init(_ error: BoringSSLError, _ action: String, _ certificate: NIOSSLCertificate?) {
        let stack: NIOBoringSSLErrorStack
        switch error {
        case .sslError(let errors), .unknownError(let errors): stack = errors
        default: stack = []
        }
        if stack.contains(.eofDuringHandshake) {
            self.init(.tlsHandshakeFailed, "\(action): the peer closed the connection during the TLS handshake")
            return
        }
        guard let reason = stack.first.flatMap(Self.reason) else {
            self.init(.tlsHandshakeFailed, "\(action): TLS failed (\(error))")
            return
        }
        let (code, text) = reason == "CERTIFICATE_VERIFY_FAILED" ? Self.judge(certificate) : Self.describe(reason)
        self.init(code, "\(action): \(text)")
    }

    /// BoringSSL's name for what happened. NIOSSL gives it only within a text:
    /// `Error: 268435612 error:1000009c:SSL routines:OPENSSL_internal:HTTP_REQUEST at …:259`.
    private static func reason(_ error: BoringSSLInternalError) -> String? {
        let text = error.description
        guard let start = text.firstRange(of: "OPENSSL_internal:") else { return nil }
        return String(text[start.upperBound...].prefix { $0 != " " })
    }

    /// Why a certificate was not accepted: what can be seen from itself, else that nobody trusted signed it.
    private static func judge(_ certificate: NIOSSLCertificate?) -> (Code, String) {
        let now = time(nil)
        if let certificate, certificate.notValidAfter < now {
            return (.certificateExpired, "the certificate has expired")
        }
        if let certificate, certificate.notValidBefore > now {
            return (.certificateExpired, "the certificate is not valid yet (or this machine's clock is slow)")
        }
        return (.certificateUntrusted, "the certificate is not signed by anybody who is trusted")
    }

    private static func describe(_ reason: String) -> (Code, String) {
        let text =
            switch reason {
            case "HTTP_REQUEST", "HTTPS_PROXY_REQUEST":
                "the peer speaks HTTP without TLS"
            case "WRONG_VERSION_NUMBER", "UNEXPECTED_RECORD", "UNEXPECTED_MESSAGE", "CLIENTHELLO_PARSE_FAILED",
                "DECODE_ERROR":
                "the peer does not speak TLS as it should"
            case "UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION":
                "the two sides have no version of TLS in common"
            case "NO_SHARED_CIPHER", "NO_CIPHERS_AVAILABLE", "TLSV1_ALERT_INSUFFICIENT_SECURITY":
                "the two sides have no cipher suite in common"
            case "NO_APPLICATION_PROTOCOL", "TLSV1_ALERT_NO_APPLICATION_PROTOCOL":
                "the two sides have no application protocol in common"
            case "PEER_DID_NOT_RETURN_A_CERTIFICATE":
                "the peer presented no certificate, and it has to"
            case "TLSV1_ALERT_CERTIFICATE_REQUIRED":
                "the peer wants a certificate of this side"
            case "SSLV3_ALERT_CERTIFICATE_EXPIRED":
                "the peer says that this side's certificate has expired"
            case "TLSV1_ALERT_UNKNOWN_CA":
                "the peer does not trust who signed this side's certificate"
            case "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
                "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
                "SSLV3_ALERT_CERTIFICATE_REVOKED", "TLSV1_ALERT_ACCESS_DENIED":
                "the peer does not accept this side's certificate"
            case "SSLV3_ALERT_HANDSHAKE_FAILURE":
                "the peer refused the TLS handshake: nothing in common, or it wants a certificate of this side"
            default:
                "TLS failed: \(reason.lowercased().split(separator: "_").joined(separator: " "))"
            }
        return (.tlsHandshakeFailed, text)
    }
}

import JunctionTLS
import NIOCore
import NIOSSL
import Testing

/// Errors of NIOSSL in the words and codes of this package.
@Suite struct NetworkErrorTests {
    @Test("Each error gets its code, and the sentence says what was tried")
    func translation() {
        let cases: [(any Error, NetworkError.Code, String)] = [
            (
                NIOSSLError.uncleanShutdown, .connectionReset,
                "try: the peer ended the connection without close_notify, so what it sent may be cut off"
            ),
            (NIOSSLError.noCertificateToValidate, .certificateUntrusted, "try: the peer presented no certificate"),
            (
                NIOSSLExtraError.failedToValidateHostname, .certificateNameMismatch,
                "try: the certificate is for another name"
            ),
            (
                NIOSSLExtraError.serverHostnameImpossibleToMatch, .certificateNameMismatch,
                "try: the certificate is for another name"
            ),
            (
                NIOSSLError.handshakeFailed(.sslError([.eofDuringHandshake])), .tlsHandshakeFailed,
                "try: the peer closed the connection during the TLS handshake"
            ),
            (NIOSSLError.handshakeFailed(.syscallError), .tlsHandshakeFailed, "try: TLS failed (syscallError)"),
            (ChannelError.alreadyClosed, .brokenPipe, "try: the connection is closed"),
            (NetworkError(.addressBlocked, "as it was"), .addressBlocked, "as it was"),
        ]
        for (error, code, message) in cases {
            let translated = NetworkError(tls: error, doing: "try")
            #expect(translated.code == code)
            #expect(translated.message == message)
        }
    }
}

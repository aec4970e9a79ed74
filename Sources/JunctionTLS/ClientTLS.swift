import JunctionCore
package import NIOCore
import NIOSSL

/// TLS for clients.
///
/// ```swift
/// var tls = ClientTLS()
/// tls.trustRoots = .only([.file("our-ca.pem")])
/// ```
public struct ClientTLS: Sendable {
    /// What is checked of the server's certificate.
    public enum Verification: Sendable, Hashable {
        /// That somebody trusted signed it, that it is in date, and that it is for the server's name or address (RFC 9525).
        case full
        /// All but the name: anybody with any certificate of a trusted issuer can stand between. For tests.
        case insecureWithoutHostName
        /// Nothing: anybody can stand between and read and change everything. For tests.
        case insecureNone
    }

    /// The name that the server is asked for (SNI) and that its certificate has to be for. `nil`, the default, is the host
    /// that is dialled. Where that is an IP address, no name is asked for, and the certificate has to be for the address.
    public var serverName: String?
    /// Who is trusted to sign the server's certificate. The operating system's roots by default.
    public var trustRoots: TrustRoots
    /// What this side presents if the server asks for a certificate. Nothing by default.
    public var identity: TLSIdentity?
    /// For ALPN (RFC 7301), the preferred one first. None by default.
    public var applicationProtocols: [String]
    /// TLS 1.2 by default.
    public var minimumVersion: TLSProtocolVersion
    /// What is checked of the server's certificate. Everything by default.
    public var verification: Verification
    /// The longest that a handshake may take, from the open TCP connection on. 10 seconds.
    public var handshakeTimeout: Duration

    /// Makes a configuration; every setting has a default that is safe.
    public init(
        serverName: String? = nil, trustRoots: TrustRoots = .system, identity: TLSIdentity? = nil,
        applicationProtocols: [String] = [], minimumVersion: TLSProtocolVersion = .tls12,
        verification: Verification = .full, handshakeTimeout: Duration = .seconds(10)
    ) {
        self.serverName = serverName
        self.trustRoots = trustRoots
        self.identity = identity
        self.applicationProtocols = applicationProtocols
        self.minimumVersion = minimumVersion
        self.verification = verification
        self.handshakeTimeout = handshakeTimeout
    }
}

extension ClientTLS {
    /// The settings, with their files read: made once for a client, and used for each of its connections.
    package struct Prepared: Sendable {
        private let serverName: String?
        private let handshakeTimeout: TimeAmount
        private let context: NIOSSLContext

        /// Reads the roots, which blocks; with the system's that takes some milliseconds.
        package init(_ tls: ClientTLS) throws {
            try TLSSettings.check(applicationProtocols: tls.applicationProtocols)
            if let name = tls.serverName, Self.isAddress(name) {
                let text =
                    "“\(name)” is an address: a server name is a DNS name, and an address is verified as the one dialled"
                throw NetworkError(.invalidArgument, text)
            }
            self.serverName = tls.serverName
            self.handshakeTimeout = TimeAmount(tls.handshakeTimeout)
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.minimumTLSVersion = tls.minimumVersion.nio
            configuration.applicationProtocols = tls.applicationProtocols
            switch tls.verification {
            case .full: configuration.certificateVerification = .fullVerification
            case .insecureWithoutHostName: configuration.certificateVerification = .noHostnameVerification
            case .insecureNone: configuration.certificateVerification = .none
            }
            if tls.verification != .insecureNone { try tls.trustRoots.install(in: &configuration) }
            if let identity = tls.identity {
                configuration.certificateChain = identity.certificateSources
                configuration.privateKey = identity.privateKeySource
            }
            self.context = try TLSSettings.makeContext(configuration)
        }

        /// Adds TLS to the pipeline of a channel that is connected, or is going to be. On the channel's loop.
        ///
        /// - Parameters:
        ///   - host: the name or address that was dialled; `nil` if there is none, as for a Unix domain socket.
        ///   - action: what errors say was tried: "connect to example.com:443".
        ///   - position: where in the pipeline; the handlers that speak plain text come behind.
        package func addHandlers(
            to channel: any Channel, host: String?, doing action: String,
            position: ChannelPipeline.SynchronousOperations.Position = .last
        ) throws -> TLSHandler {
            let name = (serverName ?? host).flatMap { Self.isAddress($0) ? nil : ServerNames.normalized($0) }
            let ssl: NIOSSLClientHandler
            do {
                ssl = try NIOSSLClientHandler(context: context, serverHostname: name)
            } catch {
                throw NetworkError(.invalidArgument, "\(action): “\(name ?? "")” is no server name")
            }
            let tls = TLSHandler(
                ssl: ssl, serverName: .fixed(name), timeout: handshakeTimeout, doing: action,
                eventLoop: channel.eventLoop)
            try tls.add(to: channel, position: position)
            return tls
        }

        /// No DNS name has a colon; one of IPv6 may have a zone, which the parser does not take.
        private static func isAddress(_ host: String) -> Bool {
            host.utf8.contains(UInt8(ascii: ":")) || (try? SocketAddress(ipAddress: host, port: 0)) != nil
        }
    }
}

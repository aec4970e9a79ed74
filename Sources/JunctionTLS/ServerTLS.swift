import JunctionCore
package import NIOCore
import NIOSSL
import Synchronization

/// TLS for servers: one value serves any number of them, of whatever kind, and its certificates can be changed while they run.
///
/// ```swift
/// let tls = try ServerTLS(identity: TLSIdentity(certificateChain: .file("server.pem"), privateKey: .file("server.key")))
/// try tls.reload()      // later, when the files have been renewed
/// ```
///
/// A change takes effect for connections that are accepted after it; those that are open live on as they are.
/// May be used from any thread.
public final class ServerTLS: Sendable {
    /// What a server wants to know of its clients.
    public enum ClientCertificates: Sendable {
        /// No client is asked for a certificate.
        case none
        /// A client may present a certificate; one that is not signed by these roots ends the handshake.
        case requested(roots: [PEMSource])
        /// A client has to present a certificate that is signed by one of these roots.
        case required(roots: [PEMSource])
    }

    /// Everything that changes together.
    private struct Certificates: Sendable {
        var identity: TLSIdentity
        var named: [String: TLSIdentity]
        var clientRoots: [NIOSSLCertificate]
        var context: NIOSSLContext
    }

    private let applicationProtocols: [String]
    private let clientCertificates: ClientCertificates
    private let minimumVersion: TLSProtocolVersion
    private let handshakeTimeout: TimeAmount
    private let current: Mutex<Certificates>
    /// Held by one change at a time, from reading the old state to writing the new; connections do not wait for it.
    private let changes = Mutex(())

    /// Makes the configuration of one server or many. Blocks while it reads the files of `clientCertificates`.
    ///
    /// - Parameters:
    ///   - identity: for clients that ask for no name (SNI), or for one that is not in `namedIdentities`.
    ///   - namedIdentities: by the name that a client asks for: `example.com`, or `*.example.com`, which stands for any one
    ///     label there. An exact name comes before a pattern. Case does not matter.
    ///   - applicationProtocols: for ALPN (RFC 7301), the preferred one first. A client that offers none of them is served all
    ///     the same, without an agreed protocol.
    ///   - clientCertificates: whether clients are asked for a certificate. Not by default.
    ///   - minimumVersion: TLS 1.2 by default.
    ///   - handshakeTimeout: the longest that a handshake may take, from the accepted connection on; one that is not done by
    ///     then is closed. 10 seconds.
    /// - Throws: ``NetworkError``: `.invalidCertificate` for roots that cannot be used, `.invalidArgument` for a name that is
    ///   none.
    public init(
        identity: TLSIdentity, namedIdentities: [String: TLSIdentity] = [:], applicationProtocols: [String] = [],
        clientCertificates: ClientCertificates = .none, minimumVersion: TLSProtocolVersion = .tls12,
        handshakeTimeout: Duration = .seconds(10)
    ) throws {
        try TLSSettings.check(applicationProtocols: applicationProtocols)
        self.applicationProtocols = applicationProtocols
        self.clientCertificates = clientCertificates
        self.minimumVersion = minimumVersion
        self.handshakeTimeout = TimeAmount(handshakeTimeout)
        let named = try ServerNames.checked(namedIdentities)
        let roots = try Self.loadRoots(clientCertificates)
        let context = try Self.makeContext(
            identity, named, roots, clientCertificates, applicationProtocols, minimumVersion)
        self.current = Mutex(
            Certificates(identity: identity, named: named, clientRoots: roots, context: context))
    }

    /// The identity of new connections that ask for no name in particular.
    public var identity: TLSIdentity { current.withLock { $0.identity } }

    /// Reads every file again: the identities' and those of the roots for client certificates. Blocks meanwhile, so it is not
    /// for an event loop.
    ///
    /// New connections get all of the new certificates, or, if anything is wrong with one of them, all of the old.
    ///
    /// - Throws: ``NetworkError`` with the code `.invalidCertificate`; then nothing has changed.
    public func reload() throws {
        try change { certificates in
            certificates.identity = try certificates.identity.reread()
            certificates.named = try certificates.named.mapValues { try $0.reread() }
            certificates.clientRoots = try Self.loadRoots(clientCertificates)
        }
    }

    /// Gives new connections another identity.
    ///
    /// - Parameter serverName: the name or pattern whose identity is replaced or added; `nil`, the default, is the identity of
    ///   clients that ask for none of the names.
    /// - Throws: ``NetworkError``, `.invalidArgument`, for a name that is none; then nothing has changed.
    public func use(_ identity: TLSIdentity, for serverName: String? = nil) throws {
        let name = try serverName.map(ServerNames.checked)
        try change { certificates in
            if let name { certificates.named[name] = identity } else { certificates.identity = identity }
        }
    }

    private func change(_ change: (inout Certificates) throws -> Void) throws {
        try changes.withLock { _ in
            var certificates = current.withLock { $0 }
            try change(&certificates)
            certificates.context = try Self.makeContext(
                certificates.identity, certificates.named, certificates.clientRoots, clientCertificates,
                applicationProtocols, minimumVersion)
            current.withLock { $0 = certificates }
        }
    }

    private static func loadRoots(_ policy: ClientCertificates) throws -> [NIOSSLCertificate] {
        switch policy {
        case .none: []
        case .requested(let roots), .required(let roots): try TrustRoots.load(roots)
        }
    }

    private static func makeContext(
        _ identity: TLSIdentity, _ named: [String: TLSIdentity], _ roots: [NIOSSLCertificate],
        _ policy: ClientCertificates, _ applicationProtocols: [String], _ minimumVersion: TLSProtocolVersion
    ) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: identity.certificateSources, privateKey: identity.privateKeySource)
        configuration.minimumTLSVersion = minimumVersion.nio
        configuration.applicationProtocols = applicationProtocols
        switch policy {
        case .none: configuration.certificateVerification = .none
        case .requested: configuration.certificateVerification = .optionalVerification
        case .required: configuration.certificateVerification = .noHostnameVerification
        }
        configuration.trustRoots = .certificates(roots)
        configuration.sendCANameList = !roots.isEmpty
        let names = ServerNames(named)
        configuration.sslContextCallback = { client, promise in
            let name = client.serverHostname.flatMap(ServerNames.asked)
            ServerName.ofCurrentHandshake?.value = name
            promise.succeed(name.flatMap(names.override) ?? .noChanges)
        }
        return try TLSSettings.makeContext(configuration)
    }
}

extension ServerTLS {
    /// Adds TLS to the pipeline of an accepted channel, with the certificates of this moment. On the channel's loop.
    ///
    /// - Parameters:
    ///   - action: what errors say was tried: "TLS handshake with 192.0.2.1:51234".
    ///   - position: where in the pipeline; the handlers that speak plain text come behind.
    package func addHandlers(
        to channel: any Channel, doing action: String,
        position: ChannelPipeline.SynchronousOperations.Position = .last
    ) throws -> TLSHandler {
        let capture = ServerNameCapture()
        let ssl = NIOSSLServerHandler(context: current.withLock { $0.context })
        let tls = TLSHandler(
            ssl: ssl, serverName: .asked(capture), timeout: handshakeTimeout, doing: action,
            eventLoop: channel.eventLoop)
        try tls.add(to: channel, position: position)
        return tls
    }
}

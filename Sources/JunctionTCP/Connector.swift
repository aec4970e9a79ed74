import JunctionCore
import JunctionFraming
import JunctionTLS
import JunctionTransport
package import NIOCore
import NIOPosix

/// Makes a client's connections: dials, speaks TLS where that is asked for, and puts the connection behind it.
struct Connector: Sendable {
    private let settings: ConnectionSettings
    private let tls: ClientTLS?
    private let options: ConnectOptions
    private let socketOptions: SocketOptions

    init(
        _ framing: Framing, _ tls: ClientTLS?, _ timeout: Duration?, _ options: ConnectOptions,
        _ configuration: TCPConnection.Configuration
    ) {
        self.settings = ConnectionSettings(framing: framing, configuration, isNextToSocket: tls == nil)
        self.tls = tls
        self.socketOptions = configuration.socket
        var options = options
        if let timeout { options.timeout = timeout }
        self.options = options
    }

    func connect(_ target: Dialer.Target) async throws -> TCPConnection {
        let tls = try await preparedTLS()
        let dialer = Dialer(target, options: options) { [socketOptions] channel, address in
            try StreamChannel.configure(channel)
            try socketOptions.apply(to: channel, isLocal: address.port == nil)
        }
        let connection = try await dialer.dial { channel in
            try makeConnection(on: channel, tls, target)
        }
        return try await secured(connection)
    }

    func connect(from socket: BoundSocket, to address: SocketAddress) async throws -> TCPConnection {
        let tls = try await preparedTLS()
        let isLocal = address.port == nil
        let descriptor = try await BoundDialer.connect(socket, to: address, timeout: options.timeout)
        let connection = try await BoundDialer.adopt(descriptor, on: EventLoops.group.next()) {
            [socketOptions] channel in
            try StreamChannel.configure(channel)
            try socketOptions.apply(to: channel, isLocal: isLocal)
            return try makeConnection(on: channel, tls, .address(address))
        }
        return try await secured(connection)
    }

    /// Puts a connection on a channel. On its loop.
    private func makeConnection(
        on channel: any Channel, _ tls: ClientTLS.Prepared?, _ target: Dialer.Target
    ) throws -> TCPConnection {
        let executor = LoopExecutor.of(channel.eventLoop)
        let core = ConnectionCore(executor: executor, settings: settings)
        try settings.configure(channel)
        core.tls = try tls?.addHandlers(to: channel, host: target.host, doing: "connect to \(target)")
        let connection = TCPConnection(
            channel: channel, core: core, executor: executor, remoteAddress: channel.remoteAddress)
        try channel.pipeline.syncOperations.addHandler(core)
        return connection
    }

    /// Reading the roots of trust blocks.
    private func preparedTLS() async throws -> ClientTLS.Prepared? {
        guard let tls else { return nil }
        return try await NIOThreadPool.singleton.runIfActive { try ClientTLS.Prepared(tls) }
    }

    /// Waits for the TLS handshake, if there is one.
    private func secured(_ connection: TCPConnection) async throws -> TCPConnection {
        guard tls != nil else { return connection }
        do {
            try await withTaskCancellationHandler {
                try await connection.waitUntilSecured()
            } onCancel: {
                connection.forceClose()
            }
            try Task.checkCancellation()
            return connection
        } catch {
            connection.forceClose()
            if Task.isCancelled { throw CancellationError() }
            throw error
        }
    }
}

extension Dialer.Target: CustomStringConvertible {
    /// The host or the address as text.
    package var description: String {
        switch self {
        case .host(let host, let port): ListenAddress.text(host: host, port: port)
        case .address(let address): address.text
        }
    }

    /// What a certificate is checked against; `nil` for a path.
    fileprivate var host: String? {
        switch self {
        case .host(let host, _): host
        case .address(let address): address.ipAddress
        }
    }
}

extension TCPClient {
    /// A client's connection on a channel whose addresses are known and that has read nothing yet. On its loop.
    package static func connection(
        on channel: any Channel, framing: Framing, configuration: TCPConnection.Configuration
    ) throws -> TCPConnection {
        let settings = ConnectionSettings(framing: framing, configuration)
        let executor = LoopExecutor.of(channel.eventLoop)
        let core = ConnectionCore(executor: executor, settings: settings)
        try settings.configure(channel)
        let connection = TCPConnection(
            channel: channel, core: core, executor: executor, remoteAddress: channel.remoteAddress)
        try channel.pipeline.syncOperations.addHandler(core)
        return connection
    }
}

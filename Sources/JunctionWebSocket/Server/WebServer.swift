public import JunctionCore
package import JunctionTransport
public import Logging
public import NIOCore
import NIOHTTP1

/// A part of a web server: what answers below one path.
public struct Mount: Sendable {
    /// The path, which takes everything below it: `/socket.io` answers `/socket.io/` and `/socket.io/x`.
    public let path: String

    package let handle: @Sendable (HTTPExchange) -> Void
    /// The path itself, without a slash behind it, is not answered.
    private let addTrailingSlash: Bool
    /// Tells the clients that the server goes away.
    package let shutDown: @Sendable () async -> Void

    package init(
        path: String, addTrailingSlash: Bool = false, shutDown: @escaping @Sendable () async -> Void = {},
        handle: @escaping @Sendable (HTTPExchange) -> Void
    ) {
        self.path = path.last == "/" && path.count > 1 ? String(path.dropLast()) : path
        self.addTrailingSlash = addTrailingSlash
        self.shutDown = shutDown
        self.handle = handle
    }

    fileprivate func takes(_ requested: Substring) -> Bool {
        guard requested.utf8.starts(with: path.utf8) else { return false }
        guard let next = requested.utf8.dropFirst(path.utf8.count).first else {
            return !addTrailingSlash || path == "/"
        }
        return next == UInt8(ascii: "/") || path == "/"
    }
}

/// An HTTP/1.1 server for one or several mounts, for example a Socket.IO server beside an Engine.IO server.
///
/// ```swift
/// try await WebServer(port: 3000, mounts: [io.mount(), engine.mount(at: "/engine.io")]).run()
/// ```
public final class WebServer: ListeningService {
    private let address: ListenAddress
    private let application: Application
    private let limits: HTTPLimits
    private let drainTimeout: Duration
    private let logger: Logger
    private let connections = ConnectionRegistry()

    /// A server that passes each request to the mount for its path.
    ///
    /// - Parameters:
    ///   - host: name or address to listen on; `nil` is every address of the machine.
    ///   - port: 0 asks for any free port.
    ///   - maximumBodySize: bytes of a request's body; a larger one is answered with 413.
    ///   - drainTimeout: how long connections may take to end when the server drains.
    ///   - localNamesOnly: answers only requests for `localhost` or an address, others with 421: a server on loopback keeps
    ///     out the pages of a site that points its own name at this machine (DNS rebinding).
    ///   - mounts: the longest path that fits a request takes it; 404 where none does.
    public init(
        host: String? = nil, port: Int, maximumBodySize: Int = 1_000_000, drainTimeout: Duration = .seconds(10),
        localNamesOnly: Bool = false, logger: Logger = Logger(label: "junction.web"), mounts: [Mount]
    ) {
        self.address = .host(host, port: port)
        self.application = Application(
            mounts: mounts.sorted { $0.path.utf8.count > $1.path.utf8.count }, localNamesOnly: localNamesOnly)
        var limits = HTTPLimits()
        limits.maximumBodySize = maximumBodySize
        self.limits = limits
        self.drainTimeout = drainTimeout
        self.logger = logger
    }

    /// Listens and serves until cancelled or shut down; see ``ListeningService/run(onListening:)``.
    public func run(onListening: @escaping @Sendable (SocketAddress) -> Void) async throws {
        var listener = Listener(address: address, drainTimeout: TimeAmount(drainTimeout), logger: logger)
        listener.willDrain = shutDownMounts
        try await listener.run(connections: connections, onListening: onListening) { try self.accept($0) }
    }

    /// Serves an accepted channel, on its loop. A listener that shares its port calls it, too.
    package func accept(_ channel: any Channel) throws {
        try HTTPConnection.serve(channel, limits: limits, application: application, connections: connections)
    }

    /// Tells the clients and ends the connections of a listener that shares its port.
    package func drain() async {
        await shutDownMounts()
        await connections.drain(timeout: TimeAmount(drainTimeout), logger: logger)
    }

    @Sendable private func shutDownMounts() async {
        for mount in application.mounts { await mount.shutDown() }
    }

    private struct Application: HTTPApplication {
        let mounts: [Mount]
        let localNamesOnly: Bool

        func handle(_ exchange: HTTPExchange) {
            guard !localNamesOnly || Self.isLocal(exchange.request.head.headers.first(name: "host")) else {
                return exchange.respond(
                    HTTPResponse(status: .misdirectedRequest, body: ByteBuffer(string: "Unknown host\n")))
            }
            let path = exchange.request.path
            guard let mount = mounts.first(where: { $0.takes(path) }) else {
                return exchange.respond(HTTPResponse(status: .notFound, body: ByteBuffer(string: "Not found\n")))
            }
            mount.handle(exchange)
        }

        /// `localhost`, or an address, with or without a port.
        private static func isLocal(_ host: String?) -> Bool {
            guard let host, !host.isEmpty else { return true }
            if host.hasPrefix("[") { return true }
            let name = host.prefix { $0 != ":" }
            return name == "localhost" || name.hasSuffix(".localhost")
                || (try? SocketAddress(ipAddress: String(name), port: 0)) != nil
        }
    }
}

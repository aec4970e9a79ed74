package import JunctionTransport
import NIOCore
package import NIOHTTP1

/// A part of an HTTP server: what answers below one path.
///
/// A ``WebServer`` has mounts and nothing else. A server that others wrote gets them beside its own routes:
/// `configureHTTPServerPipeline(mounting:)` puts them into a pipeline of NIO's, and `JunctionHummingbird` on a Hummingbird
/// application.
public struct Mount: Sendable {
    /// The path, which takes everything below it: `/socket.io` answers `/socket.io/` and `/socket.io/x`.
    public let path: String

    private let pathBytes: [UInt8]
    /// The path itself, without a slash behind it, is not answered.
    private let addTrailingSlash: Bool
    /// Bytes that the body of a request may have; `nil` is the server's limit.
    package let maximumBodySize: Int?
    package let handle: @Sendable (HTTPExchange) -> Void
    private let drain: @Sendable () async -> Void
    private let close: @Sendable () async -> Void

    /// - Parameters:
    ///   - drain: takes no new clients any more, and returns when the last has gone.
    ///   - shutDown: tells the clients that the server goes away.
    package init(
        path: String, addTrailingSlash: Bool = false, maximumBodySize: Int? = nil,
        drain: @escaping @Sendable () async -> Void = {},
        shutDown: @escaping @Sendable () async -> Void = {}, handle: @escaping @Sendable (HTTPExchange) -> Void
    ) {
        self.path = path.last == "/" && path.count > 1 ? String(path.dropLast()) : path
        self.pathBytes = Array(self.path.utf8)
        self.addTrailingSlash = addTrailingSlash
        self.maximumBodySize = maximumBodySize
        self.drain = drain
        self.close = shutDown
        self.handle = handle
    }

    /// Tells the clients that the server goes away, ends their sessions, and takes no new ones. For servers that others wrote:
    /// call it when yours begins to shut down.
    public func shutDown() async { await close() }

    /// Takes no new clients any more, while those that are there go on; returns when the last has gone, or after `timeout`.
    /// Then call ``shutDown()``.
    public func drain(timeout: Duration) async {
        guard timeout > .zero else { return }
        await withTaskGroup(of: Void.self) { [drain] group in
            group.addTask { await drain() }
            group.addTask { try? await Task.sleep(for: timeout) }
            await group.next()
            group.cancelAll()
        }
    }

    /// - Parameter uri: what was requested, the query included.
    func takes(_ uri: UnsafeBufferPointer<UInt8>) -> Bool {
        guard uri.count >= pathBytes.count else { return false }
        for place in pathBytes.indices where uri[place] != pathBytes[place] { return false }
        if path == "/" { return true }
        guard uri.count > pathBytes.count, uri[pathBytes.count] != UInt8(ascii: "?") else { return !addTrailingSlash }
        return uri[pathBytes.count] == UInt8(ascii: "/")
    }
}

/// Passes each request to the mount for its path.
package struct MountTable: HTTPApplication {
    /// The longest path first.
    package let mounts: [Mount]
    private let localNamesOnly: Bool

    /// - Parameter localNamesOnly: answers only requests for `localhost` or an address.
    package init(_ mounts: [Mount], localNamesOnly: Bool = false) {
        self.mounts = mounts.sorted { $0.path.utf8.count > $1.path.utf8.count }
        self.localNamesOnly = localNamesOnly
    }

    package func takes(_ head: HTTPRequestHead) -> Bool { mount(for: head.uri) != nil }

    package func maximumBodySize(of head: HTTPRequestHead) -> Int? {
        mount(for: head.uri)?.maximumBodySize
    }

    package func handle(_ exchange: HTTPExchange) {
        guard !localNamesOnly || Self.isLocal(exchange.request.head.headers.first(name: "host")) else {
            return exchange.respond(
                HTTPResponse(status: .misdirectedRequest, body: ByteBuffer(string: "Unknown host\n")))
        }
        guard let mount = mount(for: exchange.request.head.uri) else {
            return exchange.respond(HTTPResponse(status: .notFound, body: ByteBuffer(string: "Not found\n")))
        }
        mount.handle(exchange)
    }

    package var shutDown: (@Sendable () async -> Void)? { shutDownAll }

    /// Tells the clients of all mounts that the server goes away.
    @Sendable package func shutDownAll() async {
        await withTaskGroup(of: Void.self) { group in
            for mount in mounts { group.addTask { await mount.shutDown() } }
        }
    }

    /// Lets the clients of all mounts finish.
    @Sendable package func drain(timeout: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            for mount in mounts { group.addTask { await mount.drain(timeout: timeout) } }
        }
    }

    private func mount(for uri: String) -> Mount? {
        var uri = uri
        return uri.withUTF8 { uri in mounts.first { $0.takes(uri) } }
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

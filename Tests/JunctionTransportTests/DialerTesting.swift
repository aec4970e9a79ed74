import JunctionCore
import JunctionTransport
import NIOCore
import NIOPosix
import Synchronization
import TestSupport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A socket of this machine that is bound, so that nobody else gets its port, and does what a test needs of it.
final class BoundPort: Sendable {
    let address: SocketAddress
    private let descriptors: [CInt]

    private init(_ address: SocketAddress, _ descriptors: [CInt]) {
        self.address = address
        self.descriptors = descriptors
    }

    deinit {
        for descriptor in descriptors { close(descriptor) }
    }

    /// Nobody listens there: connections are refused. It can be connected from.
    static func silent(_ host: String = "127.0.0.1") throws -> BoundPort {
        let (address, descriptor) = try bound(host)
        return BoundPort(address, [descriptor])
    }

    #if os(Linux)
        /// A listener that accepts nothing and whose queue is full: the system drops what would open a further connection, so
        /// that a client hears nothing at all.
        static func blackHole() throws -> BoundPort {
            let (address, descriptor) = try bound("127.0.0.1")
            try check(listen(descriptor, 0))
            // A queue of length 0 takes one connection; those after it are dropped.
            return BoundPort(address, [descriptor] + (try (0..<2).map { _ in try connecting(to: address) }))
        }
    #endif

    private static func bound(_ host: String) throws -> (SocketAddress, CInt) {
        let descriptor = try check(socket(AF_INET, streamType, 0))
        var on: CInt = 1
        try check(setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size)))
        try SocketAddress(ipAddress: host, port: 0).withSockAddr { pointer, size in
            _ = try check(bind(descriptor, pointer, socklen_t(size)))
        }
        return (try name(of: descriptor), descriptor)
    }

    private static func name(of descriptor: CInt) throws -> SocketAddress {
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var bytes = [UInt8](repeating: 0, count: Int(size))
        return try bytes.withUnsafeMutableBytes { bytes in
            _ = try check(getsockname(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress!, &size))
            return SocketAddress(bytes.loadUnaligned(as: sockaddr_in.self))
        }
    }

    private static func connecting(to address: SocketAddress) throws -> CInt {
        let descriptor = try check(socket(AF_INET, streamType, 0))
        try check(fcntl(descriptor, F_SETFL, O_NONBLOCK))
        address.withSockAddr { _ = connect(descriptor, $0, socklen_t($1)) }
        return descriptor
    }

    @discardableResult
    private static func check(_ result: CInt) throws -> CInt {
        if result < 0 { throw IOError(errnoCode: errno, reason: "a socket of the test") }
        return result
    }

    #if canImport(Glibc)
        private static let streamType = CInt(SOCK_STREAM.rawValue)
    #else
        private static let streamType = SOCK_STREAM
    #endif
}

/// Gives the same addresses for every name, and keeps what it was asked.
final class RecordingResolver: HostResolver {
    private let known: [SocketAddress]
    private let asked = Mutex<[String]>([])

    init(_ known: SocketAddress...) { self.known = known }

    /// For example `device:7 IPv4`, sorted: the order in which tasks start is open.
    var questions: [String] { asked.withLock { $0.sorted() } }

    func addresses(of host: String, port: Int, family: AddressFamily) async throws -> [SocketAddress] {
        asked.withLock { $0.append("\(host):\(port) \(family)") }
        return known
    }
}

/// Keeps the attempts of a connect.
final class AttemptLog: Sendable {
    private let entries = Mutex<[String]>([])

    var lines: [String] { entries.withLock { $0 } }
    func add(_ attempt: ConnectAttempt) { entries.withLock { $0.append(attempt.line) } }
}

/// Accepts connections on the loopback interface while `body` runs, greets each, and hands on who connected and all that
/// came.
func withAcceptor<Result: Sendable>(
    on address: SocketAddress? = nil, greeting: String = "",
    _ body: @Sendable (SocketAddress, Box<Accepted>) async throws -> Result
) async throws -> Result {
    let accepted = Box<Accepted>()
    let bootstrap = ServerBootstrap(group: EventLoops.group).childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(Acceptor(greeting, accepted))
        }
    }
    let loopback = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
    let server = try await bootstrap.bind(to: address ?? loopback).get()
    defer { server.close(promise: nil) }
    let local = server.localAddress ?? loopback
    return try await body(local, accepted)
}

/// A connection that an acceptor has seen the end of.
struct Accepted: Sendable {
    var peer: SocketAddress?
    var text: String
}

private final class Acceptor: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let greeting: String
    private let accepted: Box<Accepted>
    private var peer: SocketAddress?
    private var bytes = ByteBuffer()

    init(_ greeting: String, _ accepted: Box<Accepted>) {
        self.greeting = greeting
        self.accepted = accepted
    }

    func channelActive(context: ChannelHandlerContext) {
        peer = context.remoteAddress
        if !greeting.isEmpty { context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: greeting)), promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes.writeImmutableBuffer(unwrapInboundIn(data))
    }

    func channelInactive(context: ChannelHandlerContext) {
        accepted.put(Accepted(peer: peer, text: String(buffer: bytes)))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}

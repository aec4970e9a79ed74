public import JunctionCore
package import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#else
    import Darwin
#endif

/// A stream socket that has an address already, and neither listens nor is connected yet.
///
/// Reserve a port first, tell others about it, and listen on it or connect from it later:
/// ```swift
/// let socket = try await BoundSocket.bind(host: "127.0.0.1", port: 0)
/// print(socket.localAddress?.port)
/// try await TCPServer(on: .socket(socket)) { … }.run()
/// ```
///
/// It is used once, and closed when nobody has used it until it is released.
public final class BoundSocket: Sendable {
    /// The address that the socket has; `nil` for a Unix domain socket without a path.
    public let localAddress: SocketAddress?
    /// The address as text, for messages.
    package let name: String
    /// It is no socket of an IP address.
    package var isLocal: Bool { localAddress?.port == nil }
    /// The file of a Unix domain socket that was bound here.
    package let file: UnixSocketFile?
    private let descriptor: Mutex<CInt?>

    /// Takes ownership of a stream socket that has an address, for example one inherited from a supervisor.
    ///
    /// - Throws: ``NetworkError``, for example `EBADF` or `ENOTSOCK`; the descriptor then still belongs to the caller.
    public convenience init(adopting descriptor: CInt) throws {
        let kind = try SocketCalls.get(descriptor, SOL_SOCKET, SO_TYPE, doing: "adopt descriptor \(descriptor)")
        #if canImport(Glibc) || canImport(Musl)
            let stream = CInt(SOCK_STREAM.rawValue)
        #else
            let stream = CInt(SOCK_STREAM)
        #endif
        guard kind == stream else {
            throw NetworkError(.invalidArgument, "adopt descriptor \(descriptor): it is no stream socket")
        }
        self.init(owning: descriptor, file: nil)
    }

    init(owning descriptor: CInt, name: String? = nil, file: UnixSocketFile? = nil) {
        self.localAddress = SocketCalls.localAddress(of: descriptor)
        self.name = name ?? localAddress?.text ?? "descriptor \(descriptor)"
        self.file = file
        self.descriptor = Mutex(descriptor)
    }

    deinit { close() }

    /// Binds a socket to a host and a port. Suspends while a name is looked up.
    ///
    /// - Parameters:
    ///   - host: name or address; `nil` is every address of the machine, IPv6 and IPv4.
    ///   - port: 0 asks for any free port; see ``localAddress``.
    ///   - ipv6Only: an IPv6 socket that takes no IPv4 peers (`IPV6_V6ONLY`).
    ///   - reusePort: other sockets may have the same port at the same time; the system spreads connections over them.
    /// - Throws: ``NetworkError``, for example `.addressInUse`.
    public static func bind(
        host: String? = nil, port: Int, ipv6Only: Bool = false, reusePort: Bool = false
    ) async throws -> BoundSocket {
        let text = ListenAddress.text(host: host, port: port)
        return try await NIOThreadPool.singleton.runIfActive {  // the system's resolver blocks
            try bindNow(host: host, port: port, ipv6Only: ipv6Only, reusePort: reusePort, doing: "listen on \(text)")
        }
    }

    /// Gives the descriptor away; the caller closes it. Throws when it was used before.
    package func take() throws(NetworkError) -> CInt {
        guard let descriptor = descriptor.withLock({ $0.take() }) else {
            throw NetworkError(.invalidState, "the socket of \(name) was used or closed before")
        }
        return descriptor
    }

    /// Calls `body` with the descriptor, if the socket has not been used yet.
    package func withDescriptor<Result, Failure: Error>(
        _ body: (CInt) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard let descriptor = descriptor.withLock({ $0 }) else { return nil }
        return try body(descriptor)
    }

    /// Gives the address up again. Does nothing when the socket was used.
    public func close() {
        guard let descriptor = descriptor.withLock({ $0.take() }) else { return }
        file?.remove()  // first: while the socket is open, no other program's file can have its inode
        SocketCalls.close(descriptor)
    }
}

extension BoundSocket {
    /// Binds without a detour, blocking while a name is looked up.
    private static func bindNow(
        host: String?, port: Int, ipv6Only: Bool, reusePort: Bool, doing action: String
    ) throws(NetworkError) -> BoundSocket {
        guard let host else {
            do {
                return try bindNow(host: "::", port: port, ipv6Only: ipv6Only, reusePort: reusePort, doing: action)
            } catch {
                // A machine without IPv6 gets the IPv4 wildcard where IPv6's was meant.
                guard !ipv6Only, error.code == .addressFamilyNotSupported || error.code == .addressNotAvailable else {
                    throw error
                }
                return try bindNow(host: "0.0.0.0", port: port, ipv6Only: false, reusePort: reusePort, doing: action)
            }
        }
        let address = try PassiveLookup.address(of: host, port: port, doing: action)
        let isIPv6 = address.protocol == .inet6
        let descriptor = try SocketCalls.streamSocket(family: isIPv6 ? AF_INET6 : AF_INET, doing: action)
        do throws(NetworkError) {
            if reusePort { try SocketCalls.set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1, doing: action) }
            if isIPv6 {
                try SocketCalls.set(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, ipv6Only ? 1 : 0, doing: action)
            }
            try bindNow(descriptor, to: address, doing: action)
        } catch {
            SocketCalls.close(descriptor)
            throw error
        }
        return BoundSocket(owning: descriptor)
    }

    /// Binds for itself alone where that is possible: with `SO_REUSEADDR` a second socket could have the address until one of
    /// them listens. A server that is started again needs it, since its old connections keep the port in TIME-WAIT.
    private static func bindNow(
        _ descriptor: CInt, to address: SocketAddress, doing action: String
    ) throws(NetworkError) {
        do {
            try SocketCalls.bind(descriptor, to: address, doing: action)
        } catch {
            guard error.code == .addressInUse else { throw error }
            try SocketCalls.set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1, doing: action)
            try SocketCalls.bind(descriptor, to: address, doing: action)
        }
    }

    /// Gives the descriptor away, listening.
    ///
    /// - Parameter options: for the connections, which inherit them; with an error the socket is not used up.
    package func listen(backlog: CInt, options: SocketOptions? = nil) throws(NetworkError) -> CInt {
        _ = try withDescriptor { descriptor throws(NetworkError) in try options?.apply(to: descriptor, isLocal: isLocal)
        }
        let descriptor = try take()
        let action = "listen on \(name)"
        do throws(NetworkError) {
            // Its connections inherit this, and so do not keep the port from a server that is started again.
            try SocketCalls.set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1, doing: action)
            try SocketCalls.listen(descriptor, backlog: backlog, doing: action)
        } catch {
            file?.remove()
            SocketCalls.close(descriptor)
            throw error
        }
        return descriptor
    }
}

/// Looks up the address that a server binds to.
private enum PassiveLookup {
    static func address(of host: String, port: Int, doing action: String) throws(NetworkError) -> SocketAddress {
        guard UInt16(exactly: port) != nil else {
            throw NetworkError(.invalidPort, "\(action): a port is a number from 0 to 65535")
        }
        if let address = try SocketAddress.literal(host, port: port, doing: action) { return address }
        do {
            return try SocketAddress.makeAddressResolvingHost(host, port: port)
        } catch {
            throw NetworkError(error, doing: action)
        }
    }
}

import JunctionCore
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#else
    import Darwin
#endif

/// Finds an address that a socket of a given family can send to.
///
/// NIO's look-up takes the first address of any family, which an IPv4 socket may not be able to reach: `localhost` is `::1`
/// first.
enum HostLookup {
    /// The address of `host` that the system prefers, IPv4 for an IPv4 socket, else IPv6 or an IPv4 address as IPv6 spells it
    /// (`::ffff:127.0.0.1`). Blocks.
    static func address(of host: String, port: Int, for family: NIOBSDSocket.ProtocolFamily) throws -> SocketAddress {
        guard let number = UInt16(exactly: port) else {
            throw NetworkError(.invalidState, "send to \(host):\(port): there is no such port")
        }
        var hints = addrinfo()
        hints.ai_family = family == .inet ? AF_INET : AF_INET6
        hints.ai_flags = family == .inet ? AI_NUMERICSERV : AI_NUMERICSERV | AI_V4MAPPED | AI_ALL
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(number), &hints, &list) == 0, let found = list?.pointee.ai_addr else {
            throw NetworkError(.hostNotFound, "send to \(host): the host name has no address")
        }
        defer { freeaddrinfo(list) }
        if family == .inet {
            return SocketAddress(UnsafeRawPointer(found).loadUnaligned(as: sockaddr_in.self), host: host)
        }
        return SocketAddress(UnsafeRawPointer(found).loadUnaligned(as: sockaddr_in6.self), host: host)
    }
}

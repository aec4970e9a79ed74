import JunctionCore
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#else
    import Darwin
#endif

/// Finds addresses that a socket of a given family can be bound to or send to.
///
/// NIO's look-up takes the first address of any family, which an IPv4 socket may not be able to reach: `localhost` is `::1`
/// first.
enum HostLookup {
    private struct Question: Sendable {
        /// What the address is wanted for, in words.
        var action: String
        var family: UDPSocket.Family
        /// Whether IPv4 addresses may be found as IPv6 spells them.
        var mapping: Bool
        /// Whether only addresses are understood, which nobody need be asked for.
        var isNumeric = false
    }

    /// Where a socket may be bound, the best first.
    static func bindAddresses(
        _ host: String?, _ port: Int, _ family: UDPSocket.Family
    ) async throws -> [SocketAddress] {
        guard let host else {
            guard UInt16(exactly: port) != nil else { throw badPort("listen on *", port) }
            let (any4, any6) = (
                try SocketAddress(ipAddress: "0.0.0.0", port: port), try SocketAddress(ipAddress: "::", port: port)
            )
            return switch family {
            case .automatic: [any6, any4]
            case .ipv4: [any4]
            case .ipv6: [any6]
            }
        }
        return try await addresses(host, port, Question(action: "listen on", family: family, mapping: false))
    }

    /// The address of `host` to connect a socket of the family to.
    static func address(of host: String, port: Int, _ family: UDPSocket.Family) async throws -> SocketAddress {
        try await first(host, port, Question(action: "connect to", family: family, mapping: true))
    }

    /// The address of `host` that the system prefers, IPv4 for an IPv4 socket, else IPv6 or an IPv4 address as IPv6 spells it
    /// (`::ffff:127.0.0.1`).
    static func address(
        of host: String, port: Int, for family: NIOBSDSocket.ProtocolFamily, action: String
    ) async throws -> SocketAddress {
        let question = Question(action: action, family: family == .inet ? .ipv4 : .ipv6, mapping: true)
        return try await first(host, port, question)
    }

    /// Every address of the machine, in the family of another address.
    static func wildcard(for address: SocketAddress) throws -> SocketAddress {
        try SocketAddress(ipAddress: address.protocol == .inet6 ? "::" : "0.0.0.0", port: 0)
    }

    private static func hints(_ question: Question) -> addrinfo {
        let (family, mapping) = (question.family, question.mapping)
        var hints = addrinfo()
        #if canImport(Darwin)
            hints.ai_socktype = SOCK_DGRAM
        #elseif canImport(Glibc) || canImport(Musl) || canImport(Android)
            hints.ai_socktype = CInt(SOCK_DGRAM.rawValue)
        #endif
        hints.ai_flags = AI_NUMERICSERV
        if question.isNumeric { hints.ai_flags |= AI_NUMERICHOST }
        switch family {
        case .automatic: hints.ai_family = AF_UNSPEC
        case .ipv4: hints.ai_family = AF_INET
        case .ipv6:
            hints.ai_family = AF_INET6
            if mapping { hints.ai_flags |= AI_V4MAPPED | AI_ALL }
        }
        return hints
    }

    private static func first(_ host: String, _ port: Int, _ question: Question) async throws -> SocketAddress {
        guard let first = try await addresses(host, port, question).first else { throw notFound("\(question.action) \(host)") }
        return first
    }

    private static func addresses(_ host: String, _ port: Int, _ question: Question) async throws -> [SocketAddress] {
        guard UInt16(exactly: port) != nil else { throw badPort("\(question.action) \(host)", port) }
        var numeric = question
        numeric.isNumeric = true
        let known = ask(host, port, numeric)  // an address needs nobody to be asked
        if !known.isEmpty { return known }
        let found = try await NIOThreadPool.singleton.runIfActive { ask(host, port, question) }  // the resolver blocks
        guard !found.isEmpty else { throw notFound("\(question.action) \(host)") }
        return found
    }

    private static func ask(_ host: String, _ port: Int, _ question: Question) -> [SocketAddress] {
        var hints = hints(question)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee {
            if let raw = entry.ai_addr, let address = SocketAddress(raw, named: host) { addresses.append(address) }
            next = entry.ai_next
        }
        return addresses
    }

    private static func badPort(_ action: String, _ port: Int) -> NetworkError {
        NetworkError(.invalidPort, "\(action):\(port): there is no such port")
    }

    private static func notFound(_ action: String) -> NetworkError {
        NetworkError(.hostNotFound, "\(action): the host name has no address")
    }
}

extension SocketAddress {
    fileprivate init?(_ address: UnsafeMutablePointer<sockaddr>, named host: String) {
        let raw = UnsafeRawPointer(address)
        switch CInt(address.pointee.sa_family) {
        case AF_INET: self.init(raw.loadUnaligned(as: sockaddr_in.self), host: host)
        case AF_INET6: self.init(raw.loadUnaligned(as: sockaddr_in6.self), host: host)
        default: return nil
        }
    }
}

import CJunctionUDP
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

private let ip = CInt(IPPROTO_IP)
private let ipv6 = CInt(IPPROTO_IPV6)

extension UDPSocket {
    /// Whether the socket may send to broadcast addresses (`SO_BROADCAST`).
    public func setBroadcast(_ isOn: Bool) async throws {
        try await setting("broadcast") { try $0.set(SOL_SOCKET, SO_BROADCAST, isOn ? 1 : 0) }
    }

    /// Routers that a datagram may pass (`IP_TTL`, `IPV6_UNICAST_HOPS`): 1 to 255. The system's default is 64.
    public func setTTL(_ hops: Int) async throws {
        try await setting("the TTL") { socket in
            let hops = try Self.checked(hops, 1...255)
            if socket.isIPv6 { try socket.set(ipv6, IPV6_UNICAST_HOPS, hops) }
            try socket.setIPv4(IP_TTL, hops)
        }
    }

    /// Routers that a multicast datagram may pass (`IP_MULTICAST_TTL`, `IPV6_MULTICAST_HOPS`): 0 to 255. The system's default
    /// is 1, the own network.
    public func setMulticastTTL(_ hops: Int) async throws {
        try await setting("the multicast TTL") { socket in
            let hops = try Self.checked(hops, 0...255)
            if socket.isIPv6 { try socket.set(ipv6, IPV6_MULTICAST_HOPS, hops) }
            try socket.setIPv4(IP_MULTICAST_TTL, hops)
        }
    }

    /// Whether members on this machine receive what the socket sends to a group. The system's default is on.
    public func setMulticastLoopback(_ isOn: Bool) async throws {
        try await setting("multicast loopback") { socket in
            if socket.isIPv6 { try socket.set(ipv6, IPV6_MULTICAST_LOOP, isOn ? 1 : 0) }
            try socket.setIPv4(IP_MULTICAST_LOOP, isOn ? 1 : 0)
        }
    }

    /// The interface by which multicast datagrams leave; `nil` has the system choose by its routes.
    public func setMulticastInterface(_ interface: NetworkInterface?) async throws {
        try await setting("the multicast interface") { socket in
            let index = try interface?.index() ?? 0
            if socket.isIPv6 { try socket.set(ipv6, IPV6_MULTICAST_IF, CInt(bitPattern: index)) }
            var request = ip_mreqn()
            request.imr_ifindex = CInt(bitPattern: index)
            do {
                try socket.setValue(ip, IP_MULTICAST_IF, request)
            } catch  where socket.isIPv6 {}  // a socket that speaks IPv6 alone
        }
    }

    /// The time to live of datagrams that are not multicast.
    public var ttl: Int {
        get async throws { try await option(IP_TTL, IPV6_UNICAST_HOPS) }
    }

    /// The time to live of multicast datagrams.
    public var multicastTTL: Int {
        get async throws { try await option(IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS) }
    }

    /// Bytes that the kernel holds for the reader (`SO_RCVBUF`). Linux says twice of what was asked for, because it counts what
    /// it needs itself.
    public var receiveBufferSize: Int {
        get async throws { try await socketOption(SO_RCVBUF) }
    }

    /// Bytes that the kernel takes and has not sent yet (`SO_SNDBUF`). Linux says twice of what was asked for.
    public var sendBufferSize: Int {
        get async throws { try await socketOption(SO_SNDBUF) }
    }

    /// Sets ``receiveBufferSize``. The system may give less (`net.core.rmem_max` on Linux): read what it gave.
    public func setReceiveBufferSize(_ bytes: Int) async throws {
        try await setting("the receive buffer") {
            try $0.set(SOL_SOCKET, SO_RCVBUF, Self.checked(bytes, 1...Int(CInt.max)))
        }
    }

    /// Sets ``sendBufferSize``. The system may give less (`net.core.wmem_max` on Linux): read what it gave.
    public func setSendBufferSize(_ bytes: Int) async throws {
        try await setting("the send buffer") {
            try $0.set(SOL_SOCKET, SO_SNDBUF, Self.checked(bytes, 1...Int(CInt.max)))
        }
    }

    private static func checked(_ value: Int, _ range: ClosedRange<Int>) throws -> CInt {
        guard range.contains(value), let value = CInt(exactly: value) else {
            throw NetworkError(.invalidArgument, "\(value) is not in \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private func setting(
        _ what: String, _ body: @escaping @Sendable (SocketDescriptor) throws -> Void
    ) async throws {
        do {
            try await withCore { try body(try $0.openDescriptor) }
        } catch {
            throw NetworkError(error, doing: "set \(what)")
        }
    }

    private func option(_ name4: CInt, _ name6: CInt) async throws -> Int {
        do {
            return try await withCore { core in
                let socket = try core.openDescriptor
                return Int(try socket.isIPv6 ? socket.option(ipv6, name6) : socket.option(ip, name4))
            }
        } catch {
            throw NetworkError(error, doing: "read an option")
        }
    }

    private func socketOption(_ name: CInt) async throws -> Int {
        do {
            return try await withCore { Int(try $0.openDescriptor.option(SOL_SOCKET, name)) }
        } catch {
            throw NetworkError(error, doing: "read an option")
        }
    }
}

extension DatagramCore {
    /// The descriptor while it is the socket's own.
    var openDescriptor: SocketDescriptor {
        get throws {
            guard isOpen else { throw ChannelError.alreadyClosed }
            return descriptor
        }
    }
}

extension SocketDescriptor {
    /// Sets an option of IPv4; a socket that speaks IPv6 alone need not know it.
    fileprivate func setIPv4(_ name: CInt, _ value: CInt) throws {
        do {
            try set(ip, name, value)
        } catch  where isIPv6 {}
    }

    /// Sets what must be known before the socket is bound.
    func configure(_ configuration: UDPSocket.Configuration) throws {
        if isIPv6 { try set(ipv6, IPV6_V6ONLY, configuration.ipv6Only ? 1 : 0) }
        if configuration.reuseAddress { try set(SOL_SOCKET, SO_REUSEADDR, 1) }
        if configuration.reusePort || configuration.socketPerEventLoop { try set(SOL_SOCKET, SO_REUSEPORT, 1) }
        if let size = configuration.receiveBufferSize { try set(SOL_SOCKET, SO_RCVBUF, CInt(clamping: size)) }
        if let size = configuration.sendBufferSize { try set(SOL_SOCKET, SO_SNDBUF, CInt(clamping: size)) }
    }

    /// Sets what the configuration says of receiving and sending.
    func configureReceiving(_ configuration: UDPSocket.Configuration) throws {
        if configuration.broadcast { try set(SOL_SOCKET, SO_BROADCAST, 1) }
        junction_udp_own_groups_only(number, isIPv6 ? AF_INET6 : AF_INET)
        #if os(Linux) || os(Android)
            if configuration.reportsDestination {
                try set(ip, IP_PKTINFO, 1)
                if isIPv6 { try set(ipv6, IPV6_RECVPKTINFO, 1) }
            }
            // UDP_GRO of linux/udp.h. An older kernel joins nothing.
            if configuration.joinsOnReceive { try? set(CInt(IPPROTO_UDP), 104, 1) }
        #else
            if configuration.reportsDestination {
                throw NetworkError(.invalidArgument, "this system does not tell where datagrams were sent to")
            }
        #endif
    }
}

import CJunctionUDP
import JunctionCore
import JunctionTransport
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

extension UDPSocket {
    /// A network interface of this machine, by whatever is known of it.
    public enum NetworkInterface: Sendable, Hashable, CustomStringConvertible {
        /// By its name, for example `eth0`.
        case name(String)
        /// By its number, as ``Datagram/interfaceIndex`` tells it.
        case index(Int)
        /// By one of its addresses, for example `192.168.1.2`.
        case address(String)

        /// What it is known by.
        public var description: String {
            switch self {
            case .name(let name): name
            case .index(let index): "number \(index)"
            case .address(let address): address
            }
        }

        /// Its number.
        func index() throws -> UInt32 {
            let found: UInt32 =
                switch self {
                case .name(let name): if_nametoindex(name)
                case .index(let index): UInt32(exactly: index) ?? 0
                case .address(let address): try Self.index(ofAddress: address)
                }
            guard found > 0 else {
                throw NetworkError(.addressNotAvailable, "this machine has no network interface \(self)")
            }
            return found
        }

        private static func index(ofAddress text: String) throws -> UInt32 {
            let address = try SocketAddress(ipAddress: text, port: 0)
            let device = try System.enumerateDevices().first {
                $0.address.flatMap(PeerKey.init)?.hasSameHost(as: PeerKey(address)) ?? false
            }
            return UInt32(exactly: device?.interfaceIndex ?? 0) ?? 0
        }
    }

    /// Joins a multicast group: the socket receives what is sent to it, at the port that the socket is bound to.
    ///
    /// ```swift
    /// let socket = try await UDPSocket.bind(port: 5353, configuration: shared)
    /// try await socket.joinGroup("224.0.0.251", on: .name("eth0"))
    /// ```
    /// Joining again changes nothing. A socket receives what its own groups get, not what other sockets of the machine joined.
    /// Bind it to every address; a socket bound to one of the machine's addresses hears no group.
    ///
    /// - Parameters:
    ///   - group: an IPv4 or IPv6 multicast address. A socket for IPv6 and IPv4 takes both.
    ///   - interface: by which the group's datagrams come; `nil` has the system choose by its routes.
    ///   - source: if given, only this sender of the group is heard (RFC 4607). Call again for further senders.
    /// - Throws: ``NetworkError``: `.invalidAddress` for no multicast address, `.addressNotAvailable` for no interface …
    public func joinGroup(
        _ group: String, on interface: NetworkInterface? = nil, source: String? = nil
    ) async throws {
        try await changeMembership("join \(group)", group, interface, source) { core, membership in
            guard !core.memberships.contains(membership) else { return }
            let result = membership.apply(to: core.descriptor, join: true)
            guard result == 0 || result == -EADDRINUSE else { throw IOError(errnoCode: -result, reason: "join") }
            core.memberships.insert(membership)
        }
    }

    /// Leaves a group; the arguments are those that it was joined with. Closing the socket leaves all.
    ///
    /// - Throws: ``NetworkError`` `.addressNotAvailable` when the socket is not a member of the group on the interface (and of
    ///   the source).
    public func leaveGroup(
        _ group: String, on interface: NetworkInterface? = nil, source: String? = nil
    ) async throws {
        try await changeMembership("leave \(group)", group, interface, source) { core, membership in
            let result = membership.apply(to: core.descriptor, join: false)
            let wasMember = core.memberships.remove(membership) != nil
            guard result != 0 else { return }
            if !wasMember, result == -EADDRNOTAVAIL || result == -EINVAL {
                throw NetworkError(.addressNotAvailable, "leave \(group): the socket is not a member of the group")
            }
            throw IOError(errnoCode: -result, reason: "leave")
        }
    }

    private func changeMembership(
        _ action: String, _ group: String, _ interface: NetworkInterface?, _ source: String?,
        _ body: @escaping @Sendable (DatagramCore, GroupMembership) throws -> Void
    ) async throws {
        do {
            let membership = try GroupMembership(group, interface, source)
            try await withCore { core in
                _ = try core.openDescriptor
                try body(core, membership)
            }
        } catch {
            throw NetworkError(error, doing: action)
        }
    }
}

/// A group that a socket is a member of.
struct GroupMembership: Hashable, Sendable {
    let group: SocketAddress
    let interface: UInt32
    let source: SocketAddress?

    init(_ group: String, _ interface: UDPSocket.NetworkInterface?, _ source: String?) throws {
        guard let address = try? SocketAddress(ipAddress: group, port: 0), address.isMulticast else {
            throw NetworkError(.invalidAddress, "\(group) is no multicast address")
        }
        self.group = address
        self.interface = try interface?.index() ?? 0
        self.source = try source.map { text in
            guard let source = try? SocketAddress(ipAddress: text, port: 0), source.protocol == address.protocol else {
                throw NetworkError(.invalidAddress, "\(text) cannot be a source of \(group)")
            }
            return source
        }
    }

    /// 0, or -errno.
    func apply(to descriptor: SocketDescriptor, join: Bool) -> CInt {
        group.withSockAddr { group, groupLength in
            guard let source else {
                return junction_udp_membership(
                    descriptor.number, join ? 1 : 0, interface, group, groupLength, nil, 0)
            }
            return source.withSockAddr { source, sourceLength in
                junction_udp_membership(
                    descriptor.number, join ? 1 : 0, interface, group, groupLength, source, sourceLength)
            }
        }
    }
}

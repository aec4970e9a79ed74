import JunctionCore
import JunctionTransport
import NIOCore

/// Finds addresses that a socket of a given family can be bound to or send to.
struct HostLookup: Sendable {
    private let family: UDPSocket.Family
    private let ipv6Only: Bool
    private let resolver: any HostResolver

    init(_ configuration: UDPSocket.Configuration) {
        self.init(configuration, configuration.family)
    }

    /// For a socket of that family, whatever the configuration says.
    init(_ configuration: UDPSocket.Configuration, _ family: UDPSocket.Family) {
        self.family = family
        ipv6Only = configuration.ipv6Only
        resolver = configuration.resolver ?? SystemResolver()
    }

    /// Where a socket may be bound, the best first. Without a host that is every address of the machine.
    func bindAddresses(_ host: String?, _ port: Int) async throws -> [SocketAddress] {
        let action = "listen on \(ListenAddress.text(host: host, port: port))"
        guard let host else {
            try Self.check(port, action)
            let wildcards =
                switch family {
                case .automatic: ["::", "0.0.0.0"]
                case .ipv4: ["0.0.0.0"]
                case .ipv6: ["::"]
                }
            return try wildcards.map { try SocketAddress(ipAddress: $0, port: port) }
        }
        return try await addresses(of: host, port, action: action, binding: true)
    }

    /// Where to send for a host: of its IPv6 and IPv4 addresses one that the machine has a route to, IPv6 if there is a choice.
    func address(of host: String, port: Int, action: String) async throws -> SocketAddress {
        let action = "\(action) \(ListenAddress.text(host: host, port: port))"
        let candidates = try await addresses(of: host, port, action: action, binding: false)
        guard candidates.count > 1 else { return candidates[0] }
        return candidates.first(where: SocketDescriptor.hasRoute) ?? candidates[0]
    }

    /// Every address of the machine, in the family of another address.
    static func wildcard(for address: SocketAddress) throws -> SocketAddress {
        try SocketAddress(ipAddress: address.protocol == .inet6 ? "::" : "0.0.0.0", port: 0)
    }

    /// At least one address.
    private func addresses(
        of host: String, _ port: Int, action: String, binding: Bool
    ) async throws -> [SocketAddress] {
        try Self.check(port, action)
        // An IPv6 socket can send to IPv4 addresses, as `::ffff:a.b.c.d`.
        let families: [AddressFamily] =
            switch family {
            case .automatic: [.ipv6, .ipv4]
            case .ipv4: [.ipv4]
            case .ipv6: binding || ipv6Only ? [.ipv6] : [.ipv6, .ipv4]
            }
        var found: [SocketAddress] = []
        if let address = IPAddress(host) {
            found = [try SocketAddress(address, port: port)]  // nobody need be asked
        } else {
            for family in families { found += try await resolver.addresses(of: host, port: port, family: family) }
        }
        found.removeAll { address in !(AddressFamily(of: address).map(families.contains) ?? false) }
        guard !found.isEmpty else { throw NetworkError(.hostNotFound, "\(action): the host name has no address") }
        return found
    }

    private static func check(_ port: Int, _ action: String) throws {
        guard UInt16(exactly: port) != nil else {
            throw NetworkError(.invalidPort, "\(action): \(port) is no port: ports are 0 to 65535")
        }
    }
}

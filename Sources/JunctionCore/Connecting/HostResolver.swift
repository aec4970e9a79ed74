public import NIOCore

/// Finds the addresses of a host name.
///
/// Junction asks for the IPv6 and the IPv4 addresses at the same time, so that the slower answer does not hold up the faster
/// one (RFC 8305 section 3). Host names that are IP addresses are never asked for.
public protocol HostResolver: Sendable {
    /// The addresses of `host` in one family, in the order in which they are to be tried, each with the port to connect to.
    ///
    /// Called in a task that is cancelled when nobody waits for the answer any more; must not block its thread. Addresses of
    /// the other family are ignored, so a resolver may return all it knows.
    ///
    /// - Returns: an empty array when the host has no address of that family.
    /// - Throws: ``NetworkError`` with `.hostNotFound` when there is no such host, which is the same as an empty array;
    ///   `.resolverUnavailable` when nobody could be asked.
    func addresses(of host: String, port: Int, family: AddressFamily) async throws -> [SocketAddress]
}

/// Asks a closure for the addresses of a host name.
///
/// ```swift
/// options.resolver = CustomHostResolver { host, port, family in
///     try await registry.addresses(of: host).map { try SocketAddress(ipAddress: $0, port: port) }
/// }
/// ```
public struct CustomHostResolver: HostResolver {
    /// A function that finds addresses; see ``HostResolver/addresses(of:port:family:)``.
    public typealias Lookup =
        @Sendable (_ host: String, _ port: Int, _ family: AddressFamily) async throws -> [SocketAddress]

    private let lookup: Lookup

    /// Makes a resolver of a function.
    public init(_ lookup: @escaping Lookup) {
        self.lookup = lookup
    }

    /// What the function returns.
    public func addresses(of host: String, port: Int, family: AddressFamily) async throws -> [SocketAddress] {
        try await lookup(host, port, family)
    }
}

/// Looks host names up in a table, as a hosts file does.
///
/// ```swift
/// options.resolver = StaticHostResolver(["sensor": ["10.0.0.7", "fd00::7"]])
/// ```
public struct StaticHostResolver: HostResolver {
    private let table: [String: [String]]
    private let next: (any HostResolver)?

    /// Makes a table of host names, in any letter case, and their IP addresses in the order in which they are to be tried.
    ///
    /// - Parameter next: asked for names that the table lacks; without it they are not found.
    public init(_ table: [String: [String]], otherwise next: (any HostResolver)? = nil) {
        self.table = Dictionary(table.map { ($0.key.lowercased(), $0.value) }) { $0 + $1 }
        self.next = next
    }

    /// The addresses that the table has for `host`.
    ///
    /// - Throws: ``NetworkError`` with `.hostNotFound` for a name that is not in the table, and `.invalidAddress` for an
    ///   entry of the table that is no IP address.
    public func addresses(of host: String, port: Int, family: AddressFamily) async throws -> [SocketAddress] {
        guard let addresses = table[host.lowercased()] else {
            if let next { return try await next.addresses(of: host, port: port, family: family) }
            throw NetworkError(.hostNotFound, "resolve \(host): the host name has no address")
        }
        return try addresses.map {
            do {
                return try SocketAddress(ipAddress: $0, port: port)
            } catch {
                throw NetworkError(.invalidAddress, "resolve \(host): \($0) is no IP address")
            }
        }
    }
}

public import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#else
    import Darwin
#endif

extension IPAddress {
    /// The address of a socket address; `nil` for a Unix domain socket.
    ///
    /// A scope id becomes the zone: the name of the interface with that number, or the number where there is none such.
    /// Only addresses with a scope id, which are link-local ones, make it ask the operating system.
    public init?(_ address: SocketAddress) {
        switch address {
        case .v4(let address):
            self.init(.v4, bits: address.address.bits)
        case .v6(let address):
            let address = address.address
            self.init(.v6, bits: address.bits, zone: address.sin6_scope_id == 0 ? nil : zoneName(address.sin6_scope_id))
        case .unixDomainSocket:
            return nil
        }
    }
}

extension SocketAddress {
    /// The socket address of an IP address and a port. It goes through no text.
    ///
    /// A zone becomes the scope id: it is the name of an interface of this machine, or a number.
    ///
    /// - Parameter port: 0 to 65,535.
    /// - Throws: ``NetworkError`` with the code `invalidPort`, or `invalidAddress` for a zone that is no interface.
    public init(_ address: IPAddress, port: Int) throws(NetworkError) {
        guard let port = in_port_t(exactly: port) else {
            throw NetworkError(.invalidPort, "\(port) is no port: ports are 0 to 65535")
        }
        switch address.version {
        case .v4:
            var result = sockaddr_in()
            result.sin_family = sa_family_t(AF_INET)
            result.sin_port = port.bigEndian
            result.sin_addr.s_addr = UInt32(truncatingIfNeeded: address.bits).bigEndian
            self.init(result, host: "")
        case .v6:
            var result = sockaddr_in6()
            result.sin6_family = sa_family_t(AF_INET6)
            result.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &result.sin6_addr) {
                $0.storeBytes(of: address.bits.bigEndian, as: UInt128.self)
            }
            if let zone = address.zone {
                guard let scope = scopeID(zone) else { throw .invalid(zone, "no network interface") }
                result.sin6_scope_id = scope
            }
            self.init(result, host: "")
        }
    }

    /// What rules are matched by: the address as an IPv6 number, IPv4 in its IPv4-mapped form. It allocates nothing.
    var key: UInt128? {
        switch self {
        case .v4(let address): IPAddress.key(ofIPv4: address.address.bits)
        case .v6(let address): address.address.bits
        case .unixDomainSocket: nil
        }
    }
}

extension sockaddr_in {
    fileprivate var bits: UInt128 { UInt128(UInt32(bigEndian: sin_addr.s_addr)) }
}

extension sockaddr_in6 {
    fileprivate var bits: UInt128 {
        withUnsafeBytes(of: sin6_addr) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) }
    }
}

/// The name of the interface with that number, or the number.
private func zoneName(_ scope: UInt32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) { name in
        guard let start = name.baseAddress, if_indextoname(scope, start) != nil else { return String(scope) }
        let text = String(cString: start)
        return IPAddress.isValidZone(text.utf8) ? text : String(scope)
    }
}

/// The number of the interface with that name, or the number that the zone is.
private func scopeID(_ zone: String) -> UInt32? {
    let index = if_nametoindex(zone)
    return index != 0 ? index : UInt32(zone)
}

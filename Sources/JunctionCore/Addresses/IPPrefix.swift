/// A network in CIDR notation (RFC 4632): `10.0.0.0/8`, `2001:db8::/32`.
///
/// The bits after the prefix are always zero: `10.1.2.3/8` is read as `10.0.0.0/8`. A prefix has no zone.
public struct IPPrefix: Hashable, Sendable {
    /// The first address of the network.
    public let address: IPAddress
    /// How many bits the addresses of the network share: 0 to 32, or 0 to 128.
    public let length: Int

    /// The network of that length in which the address is; a zone is dropped. `nil` for a length that the version does
    /// not have.
    public init?(_ address: IPAddress, length: Int) {
        let width = address.version.bitWidth
        guard (0...width).contains(length) else { return nil }
        let rest = Self.mask(width - length)
        self.address = IPAddress(address.version, bits: address.bits & ~rest)
        self.length = length
    }

    /// The lowest bits set, that many.
    private static func mask(_ count: Int) -> UInt128 { count == 0 ? 0 : UInt128.max >> (128 - count) }

    /// Whether it is a network of IPv4 or of IPv6.
    public var version: IPAddress.Version { address.version }

    /// The last address of the network.
    public var lastAddress: IPAddress {
        IPAddress(version, bits: address.bits | Self.mask(version.bitWidth - length))
    }

    /// Whether the address is in the network, whatever its zone.
    ///
    /// An IPv4 address and its IPv4-mapped form count as the same address: both are in `10.0.0.0/8` or neither is, and
    /// so it is with `::ffff:0:0/96` and with `::/0`.
    public func contains(_ address: IPAddress) -> Bool { interval.contains(address.key) }

    var interval: AddressInterval { AddressInterval(address.key, lastAddress.key) }
}

extension IPPrefix: LosslessStringConvertible {
    /// Reads `10.0.0.0/8` or `2001:db8::/32`: an address as ``IPAddress`` reads it, without a zone, and a decimal
    /// length without leading zeros. `nil` for anything else, and for an address without a length.
    public init?(_ description: String) {
        guard let prefix = Self.parse(description) else { return nil }
        self = prefix
    }

    /// Reads a prefix as ``init(_:)-(String)`` does.
    ///
    /// - Throws: ``NetworkError`` with the code `invalidAddress`.
    public init(parsing text: some StringProtocol) throws(NetworkError) {
        guard let prefix = Self.parse(text) else { throw .invalid(text, "no CIDR prefix") }
        self = prefix
    }

    static func parse(_ text: some StringProtocol) -> IPPrefix? {
        guard let slash = text.lastIndex(of: "/"),
            let address = IPAddress.parse(text[..<slash]), address.zone == nil,
            let length = parseDecimal(text[text.index(after: slash)...], upTo: address.version.bitWidth)
        else { return nil }
        return IPPrefix(address, length: length)
    }

    /// The first address and the length: `10.0.0.0/8`.
    public var description: String { "\(address)/\(length)" }
}

extension IPPrefix {
    /// The networks that are not the public internet.
    ///
    /// | Network | What it is |
    /// |---|---|
    /// | `0.0.0.0/8`, `::/128` | unspecified, "this network" (RFC 1122, section 3.2.1.3); Linux connects `0.0.0.0` to itself |
    /// | `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16` | private networks (RFC 1918) |
    /// | `100.64.0.0/10` | behind a carrier's address translation (RFC 6598) |
    /// | `127.0.0.0/8`, `::1/128` | loopback |
    /// | `169.254.0.0/16`, `fe80::/10` | link-local (RFC 3927, RFC 4291); cloud machines read their credentials there |
    /// | `fc00::/7` | unique local (RFC 4193) |
    /// | `fec0::/10` | site-local, the former private networks of IPv6 (RFC 3879) |
    ///
    /// Multicast, broadcast, documentation and benchmarking networks are not among them, and neither are IPv6 prefixes
    /// by which a router translates to IPv4 (`64:ff9b::/96`, `2002::/16`).
    public static let privateRanges: [IPPrefix] = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "::/128", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10",
    ].compactMap(IPPrefix.init(_:))
}

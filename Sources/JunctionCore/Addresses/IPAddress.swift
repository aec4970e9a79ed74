/// An IPv4 or IPv6 address, the latter with a zone where it has one.
///
/// It is a value of 128 bits: comparing, hashing and classifying one goes through no text. Text comes in strictly, as
/// `inet_pton` reads it, and goes out in the canonical form of RFC 5952, so that equal addresses have equal text.
///
/// ```swift
/// let address = try IPAddress(parsing: "2001:DB8:0:0:0:0:0:1")
/// print(address)                                  // 2001:db8::1
/// print(IPAddress.version(of: "10.0.0.1") == .v4) // true: what Node's net.isIP answers with 4
/// ```
///
/// Addresses of one version are ordered by their number; those of IPv4 come before those of IPv6. Two addresses are
/// equal when number, version and zone are: `::ffff:1.2.3.4` is not `1.2.3.4`, but its ``unmapped`` form is.
public struct IPAddress: Hashable, Sendable {
    /// Version 4 or 6 of the Internet Protocol.
    public enum Version: Int, Hashable, Sendable, Codable, CustomStringConvertible {
        /// IPv4: 32 bits.
        case v4 = 4
        /// IPv6: 128 bits.
        case v6 = 6

        /// How many bits an address has: 32 or 128.
        public var bitWidth: Int { self == .v4 ? 32 : 128 }

        /// `IPv4` or `IPv6`.
        public var description: String { self == .v4 ? "IPv4" : "IPv6" }
    }

    /// Whether it is an IPv4 or an IPv6 address. An IPv4-mapped address is an IPv6 address.
    public let version: Version
    /// The zone of an IPv6 address (RFC 4007): the name of an interface, or its number. `nil` where there is none.
    public let zone: String?
    /// The address as a number; an IPv4 address has the lower 32 bits.
    let bits: UInt128

    /// Without checking: `bits` fits the version, and `zone` is valid.
    init(_ version: Version, bits: UInt128, zone: String? = nil) {
        self.version = version
        self.bits = bits
        self.zone = zone
    }

    /// The address of these bytes in network order.
    ///
    /// - Parameters:
    ///   - bytes: 4 bytes for IPv4, 16 for IPv6. `nil` comes out for any other number.
    ///   - zone: the zone of an IPv6 address; `nil` comes out for one with IPv4, and for one that no text may have.
    public init?(bytes: some Collection<UInt8>, zone: String? = nil) {
        let version: Version
        switch bytes.count {
        case 4 where zone == nil: version = .v4
        case 16: version = .v6
        default: return nil
        }
        if let zone, !Self.isValidZone(zone.utf8) { return nil }
        self.init(version, bits: bytes.reduce(0) { $0 << 8 | UInt128($1) }, zone: zone)
    }

    /// The bytes in network order: 4 or 16.
    public var bytes: [UInt8] {
        stride(from: version.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: bits >> UInt128($0)) }
    }

    /// The same address without its zone.
    public var withoutZone: IPAddress { zone == nil ? self : IPAddress(version, bits: bits) }
}

extension IPAddress: Comparable {
    /// By version, then by number, then by zone.
    public static func < (left: IPAddress, right: IPAddress) -> Bool {
        if left.version != right.version { return left.version == .v4 }
        if left.bits != right.bits { return left.bits < right.bits }
        return (left.zone ?? "") < (right.zone ?? "")
    }
}

// MARK: - Kinds of addresses

extension IPAddress {
    /// `::ffff:0:0`, the prefix of IPv4-mapped addresses, without its last 32 bits.
    private static let mappedPrefix: UInt128 = 0xFFFF

    /// The address as an IPv6 number, IPv4 addresses in their IPv4-mapped form: what rules are matched by.
    var key: UInt128 { version == .v4 ? Self.key(ofIPv4: bits) : bits }

    static func key(ofIPv4 bits: UInt128) -> UInt128 { mappedPrefix << 32 | bits }

    /// Whether it is an IPv6 address that stands for an IPv4 address: `::ffff:0:0/96` (RFC 4291, section 2.5.5.2).
    ///
    /// A dual-stack listener sees its IPv4 peers with such addresses.
    public var isIPv4Mapped: Bool { version == .v6 && bits >> 32 == Self.mappedPrefix }

    /// The IPv4 address that an IPv4-mapped address stands for; any other address as it is.
    public var unmapped: IPAddress {
        isIPv4Mapped ? IPAddress(.v4, bits: bits & 0xFFFF_FFFF) : self
    }

    /// Whether it means this machine: `127.0.0.0/8`, `::1`, also IPv4-mapped.
    public var isLoopback: Bool {
        let address = unmapped
        return address.version == .v4 ? address.bits >> 24 == 127 : address.bits == 1
    }

    /// Whether it means no address, or each of this machine when listening: `0.0.0.0`, `::`, also IPv4-mapped.
    public var isUnspecified: Bool { unmapped.bits == 0 }

    /// Whether it is for private networks: `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16` (RFC 1918), also IPv4-mapped,
    /// and `fc00::/7` (RFC 4193).
    public var isPrivate: Bool {
        let address = unmapped
        switch address.version {
        case .v4: return address.bits >> 24 == 10 || address.bits >> 20 == 0xAC1 || address.bits >> 16 == 0xC0A8
        case .v6: return address.bits >> 121 == 0xFC >> 1
        }
    }

    /// Whether it is valid on one link alone: `169.254.0.0/16` (RFC 3927), also IPv4-mapped, and `fe80::/10` (RFC 4291).
    public var isLinkLocal: Bool {
        let address = unmapped
        return address.version == .v4 ? address.bits >> 16 == 0xA9FE : address.bits >> 118 == 0xFE80 >> 6
    }

    /// Whether it is a group of receivers: `224.0.0.0/4` (RFC 5771), also IPv4-mapped, and `ff00::/8` (RFC 4291).
    public var isMulticast: Bool {
        let address = unmapped
        return address.version == .v4 ? address.bits >> 28 == 0xE : address.bits >> 120 == 0xFF
    }
}

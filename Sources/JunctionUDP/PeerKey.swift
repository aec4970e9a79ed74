import CJunctionUDP
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

/// An IP address with its port as three numbers: cheap to compare, to hash and to make a `sockaddr` of.
struct PeerKey: Hashable {
    /// The first eight bytes of an IPv6 address as they lie in memory; 0 for IPv4.
    let high: UInt64
    /// The last eight bytes of an IPv6 address, or an IPv4 address, as they lie in memory.
    let low: UInt64
    /// Family (4 or 6), port as it lies in memory, scope.
    private let rest: UInt64

    /// The peer of a connected socket, which needs no address.
    static let connected = PeerKey(high: 0, low: 0, rest: 0)

    private init(high: UInt64, low: UInt64, rest: UInt64) {
        self.high = high
        self.low = low
        self.rest = rest
    }

    /// The key of an IP address; `nil` for a Unix domain socket.
    init?(_ address: SocketAddress) {
        // The fields by their places in `sockaddr_in` and `sockaddr_in6`, which are the same on all systems: port at 2, IPv4
        // address at 4, IPv6 address at 8, scope at 24.
        switch address {
        case .v4(let address):
            self = withUnsafeBytes(of: address.address) { raw in
                let port = raw.loadUnaligned(fromByteOffset: 2, as: in_port_t.self)
                let low = raw.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
                return PeerKey(high: 0, low: UInt64(low), rest: 4 << 48 | UInt64(port) << 32)
            }
        case .v6(let address):
            self = withUnsafeBytes(of: address.address) { raw in
                let port = raw.loadUnaligned(fromByteOffset: 2, as: in_port_t.self)
                let scope = raw.loadUnaligned(fromByteOffset: 24, as: UInt32.self)
                return PeerKey(
                    high: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                    low: raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
                    rest: 6 << 48 | UInt64(port) << 32 | UInt64(scope))
            }
        case .unixDomainSocket:
            return nil
        }
    }

    private var family: UInt64 { rest >> 48 }
    private var port: in_port_t { in_port_t(truncatingIfNeeded: rest >> 32) }
    private var scope: UInt32 { UInt32(truncatingIfNeeded: rest) }

    /// A few bits to look up a small table by. Equal keys have equal bits; who sends chooses them, so that no table may rely
    /// on their being spread.
    var mixed: Int {
        var bits = low ^ high ^ rest
        bits = (bits ^ bits >> 32) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: bits >> 48)
    }

    /// Bytes of an IPv4 address in the last four bytes behind `::ffff:`.
    private var isMapped: Bool { family == 6 && high == 0 && low.bigEndian >> 32 == 0xFFFF }

    /// Whether packets to the address stay on this machine.
    var isLoopback: Bool {
        switch family {
        case 4: UInt32(truncatingIfNeeded: low).bigEndian >> 24 == 127
        case 6 where isMapped: UInt32(truncatingIfNeeded: low.bigEndian) >> 24 == 127
        case 6: high == 0 && low.bigEndian == 1
        default: false
        }
    }

    /// Whether IPv4 carries the packets.
    var isIPv4: Bool { family == 4 || isMapped }

    /// An IPv4 address as IPv6 spells it: `::ffff:a.b.c.d`. That is how an IPv6 socket sees IPv4 peers.
    var asIPv6: PeerKey {
        guard family == 4 else { return self }
        let mapped = UInt64(0xFFFF) << 32 | UInt64(UInt32(truncatingIfNeeded: low).bigEndian)
        return PeerKey(high: 0, low: mapped.bigEndian, rest: 6 << 48 | UInt64(port) << 32)
    }

    /// Writes the address where the system wants it.
    func write(to message: inout junction_udp_message) {
        message.family = UInt8(truncatingIfNeeded: family)
        message.port = port
        message.high = high
        message.low = low
        message.scope = scope
    }
}

extension PeerKey {
    /// Whether both are the same address, whatever the ports and scopes.
    func hasSameHost(as other: PeerKey?) -> Bool {
        guard let other else { return false }
        return high == other.high && low == other.low && family == other.family
    }
}

import CJunctionUDP
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

/// The system's socket, and the calls that are made on it. Errors are `IOError`.
struct SocketDescriptor: Sendable {
    let number: CInt
    let isIPv6: Bool

    /// A new socket that does not block and is not inherited by other programs.
    init(ipv6: Bool) throws {
        isIPv6 = ipv6
        #if canImport(Darwin)
            number = try Self.check(socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0), "socket")
            _ = fcntl(number, F_SETFD, FD_CLOEXEC)
            _ = fcntl(number, F_SETFL, O_NONBLOCK)
        #else
            let type = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
            number = try Self.check(socket(ipv6 ? AF_INET6 : AF_INET, type, 0), "socket")
        #endif
    }

    /// A descriptor that another part of the program has opened. It must be a UDP socket, and is closed if it cannot be used.
    init(adopting number: CInt) throws {
        self.init(number: number, isIPv6: true)
        do {
            self = try adopted()
        } catch {
            closeDescriptor()
            throw error
        }
    }

    private func adopted() throws -> SocketDescriptor {
        #if canImport(Darwin)
            let datagram = SOCK_DGRAM
        #else
            let datagram = CInt(SOCK_DGRAM.rawValue)
        #endif
        guard try option(SOL_SOCKET, SO_TYPE) == datagram else {
            throw IOError(errnoCode: EINVAL, reason: "the descriptor is not a datagram socket")
        }
        let isIPv6 = try localFamily() == AF_INET6
        let flags = fcntl(number, F_GETFL)
        _ = try Self.check(fcntl(number, F_SETFL, flags | O_NONBLOCK), "fcntl")
        #if os(Linux) || os(Android)
            // The error queue is not read: what lies in it would make the socket look broken for ever.
            try set(CInt(IPPROTO_IP), IP_RECVERR, 0)
            if isIPv6 { try set(CInt(IPPROTO_IPV6), IPV6_RECVERR, 0) }
        #endif
        return SocketDescriptor(number: number, isIPv6: isIPv6)
    }

    private init(number: CInt, isIPv6: Bool) {
        self.number = number
        self.isIPv6 = isIPv6
    }

    private static func check(_ result: CInt, _ call: String) throws -> CInt {
        guard result >= 0 else { throw IOError(errnoCode: errno, reason: call) }
        return result
    }

    private func localFamily() throws -> CInt {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &length) }
        }
        _ = try Self.check(result, "getsockname")
        let family = CInt(storage.ss_family)
        guard family == AF_INET || family == AF_INET6 else {
            throw IOError(errnoCode: EAFNOSUPPORT, reason: "the descriptor is not a UDP socket")
        }
        return family
    }

    // MARK: Options

    /// Sets an option that is an `int`.
    func set(_ level: CInt, _ name: CInt, _ value: CInt) throws {
        try setValue(level, name, value)
    }

    /// Sets an option whose value is a structure of C.
    func setValue<Value: BitwiseCopyable>(_ level: CInt, _ name: CInt, _ value: Value) throws {
        let result = withUnsafePointer(to: value) {
            setsockopt(number, level, name, $0, socklen_t(MemoryLayout<Value>.size))
        }
        _ = try Self.check(result, "setsockopt")
    }

    /// Reads an option that is an `int`.
    func option(_ level: CInt, _ name: CInt) throws -> CInt {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        _ = try Self.check(getsockopt(number, level, name, &value, &length), "getsockopt")
        // Some systems give one byte for options such as the multicast hop limit.
        return length == 1 ? CInt(UInt8(truncatingIfNeeded: CInt(littleEndian: value))) : value
    }

    // MARK: Addresses

    func bind(to address: SocketAddress) throws {
        let result = address.withSockAddr { SocketCalls.bind(number, $0, socklen_t($1)) }
        _ = try Self.check(result, "bind")
    }

    func connect(to address: SocketAddress) throws {
        let address = isIPv6 ? try address.asIPv6() : address
        let result = address.withSockAddr { SocketCalls.connect(number, $0, socklen_t($1)) }
        _ = try Self.check(result, "connect")
    }

    /// Whether the machine knows a way to the address. Nothing is sent.
    static func hasRoute(to address: SocketAddress) -> Bool {
        guard let probe = try? SocketDescriptor(ipv6: address.protocol == .inet6) else { return false }
        defer { probe.closeDescriptor() }
        return (try? probe.connect(to: address)) != nil
    }

    /// Leaves the peer and has the address again that it was bound to.
    func disconnect(restoring bound: SocketAddress?) throws {
        let result = junction_udp_disconnect(number)
        guard result == 0 else { throw IOError(errnoCode: -result, reason: "disconnect") }
        // Linux takes a port away that it had chosen itself.
        if let bound, localAddress?.port == 0 { try bind(to: bound) }
    }

    var localAddress: SocketAddress? { address(getsockname) }

    var remoteAddress: SocketAddress? { address(getpeername) }

    private func address(
        _ call: (CInt, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
    ) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(number, $0, &length) }
        }
        return result == 0 ? SocketAddress(storage) : nil
    }

    /// A second descriptor of the same socket.
    func duplicate() throws -> CInt {
        try Self.check(fcntl(number, F_DUPFD_CLOEXEC, 0), "dup")
    }

    func closeDescriptor() { SocketCalls.close(number) }
}

extension SocketAddress {
    /// An IPv4 address as IPv6 spells it: `::ffff:a.b.c.d`.
    fileprivate func asIPv6() throws -> SocketAddress {
        guard case .v4 = self, let text = ipAddress, let port else { return self }
        return try SocketAddress(ipAddress: "::ffff:\(text)", port: port)
    }

    /// The IP address in the storage; `nil` for another family.
    init?(_ storage: sockaddr_storage) {
        switch CInt(storage.ss_family) {
        case AF_INET:
            self.init(withUnsafeBytes(of: storage) { $0.loadUnaligned(as: sockaddr_in.self) }, host: "")
        case AF_INET6:
            self.init(withUnsafeBytes(of: storage) { $0.loadUnaligned(as: sockaddr_in6.self) }, host: "")
        default:
            return nil
        }
    }
}

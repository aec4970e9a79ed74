package import JunctionCore
package import NIOCore
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

/// Asks the operating system: hosts file, DNS, and what else it is set up for (getaddrinfo(3)).
package struct SystemResolver: HostResolver {
    /// Look-ups at a time; further ones wait. One that the name server does not answer takes its thread for some seconds.
    package static let maximumConcurrentLookups = 8

    private static let threads: NIOThreadPool = {
        let threads = NIOThreadPool(numberOfThreads: maximumConcurrentLookups)
        threads.start()
        return threads
    }()

    package init() {}

    package func addresses(of host: String, port: Int, family: AddressFamily) async throws -> [SocketAddress] {
        // RFC 6761 section 6.4: no name server is asked. And a C string would end at the NUL.
        if host.hasSuffix(".invalid") || host.utf8.contains(0) { return [] }
        return try await Self.threads.runIfActive { try Self.lookUp(host, port, family) }
    }

    private static func lookUp(_ host: String, _ port: Int, _ family: AddressFamily) throws -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = family == .ipv4 ? AF_INET : AF_INET6
        #if canImport(Glibc)
            hints.ai_socktype = CInt(SOCK_STREAM.rawValue)  // else each address comes once for every type
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else { return try noAddresses(host, status) }
        defer { freeaddrinfo(list) }
        return sequence(first: list) { $0?.pointee.ai_next }.prefix { $0 != nil }.compactMap {
            $0?.pointee.ai_addr.flatMap { address(UnsafeRawPointer($0), port) }
        }
    }

    private static func address(_ found: UnsafeRawPointer, _ port: Int) -> SocketAddress? {
        var address: SocketAddress
        switch CInt(found.loadUnaligned(as: sockaddr.self).sa_family) {
        case AF_INET: address = SocketAddress(found.loadUnaligned(as: sockaddr_in.self))
        case AF_INET6: address = SocketAddress(found.loadUnaligned(as: sockaddr_in6.self))
        default: return nil
        }
        address.port = port
        return address
    }

    private static func noAddresses(_ host: String, _ status: CInt) throws -> [SocketAddress] {
        switch status {
        case EAI_NONAME, noData, noAddressOfFamily:
            return []
        case EAI_AGAIN:
            throw NetworkError(.resolverUnavailable, "resolve \(host): the name server does not answer")
        default:
            throw NetworkError(.other, "resolve \(host): \(String(cString: gai_strerror(status)))")
        }
    }

    #if os(Linux)
        // GNU extensions that Swift's Glibc module leaves out.
        private static let noData: CInt = -5
        private static let noAddressOfFamily: CInt = -9
    #else
        private static let noData = EAI_NODATA
        private static let noAddressOfFamily = EAI_ADDRFAMILY
    #endif
}

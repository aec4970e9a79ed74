package import JunctionCore
package import NIOCore

#if canImport(Glibc)
    package import Glibc
#elseif canImport(Musl)
    package import Musl
#elseif canImport(Android)
    package import Android
#else
    package import Darwin
#endif

// Outside of the type, whose own functions would hide the system's.
private func systemClose(_ descriptor: CInt) { _ = close(descriptor) }
private func systemListen(_ descriptor: CInt, _ backlog: CInt) -> CInt { listen(descriptor, backlog) }
private func systemBind(_ descriptor: CInt, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> CInt {
    bind(descriptor, address, size)
}
private func systemConnect(_ descriptor: CInt, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> CInt {
    connect(descriptor, address, size)
}

/// The system calls on sockets that NIO does not make for us, with errors in the project's words.
package enum SocketCalls {
    /// Calls `body` and turns -1 into the error of `errno`; interrupted calls are made again.
    @discardableResult
    package static func check(doing action: String, _ body: () -> CInt) throws(NetworkError) -> CInt {
        while true {
            let result = body()
            if result != -1 { return result }
            let code = errno
            if code != EINTR { throw NetworkError(IOError(errnoCode: code, reason: action), doing: action) }
        }
    }

    /// Sets an option whose value is a C integer.
    package static func set(
        _ descriptor: CInt, _ level: CInt, _ name: CInt, _ value: CInt, doing action: String
    ) throws(NetworkError) {
        var value = value
        try check(doing: action) { setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<CInt>.size)) }
    }

    /// The value of an option that is a C integer.
    package static func get(_ descriptor: CInt, _ level: CInt, _ name: CInt, doing action: String) throws(NetworkError)
        -> CInt
    {
        var value: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        try check(doing: action) { getsockopt(descriptor, level, name, &value, &size) }
        return value
    }

    /// Makes the close of a channel a reset: `SO_LINGER` with a time of 0, socket(7). On its loop.
    package static func resetOnClose(_ channel: any Channel) {
        var linger = linger(l_onoff: 1, l_linger: 0)
        let isSocket: Void? = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { descriptor in
            _ = setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        }
        // One in memory takes options all the same.
        if isSocket == nil { _ = (channel as? any SocketOptionProvider)?.setSoLinger(linger) }
    }

    /// A new stream socket of the address family, which programs that this one starts do not inherit.
    package static func streamSocket(family: CInt, doing action: String) throws(NetworkError) -> CInt {
        #if canImport(Darwin)
            let descriptor = try check(doing: action) { socket(family, SOCK_STREAM, 0) }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            return descriptor
        #elseif canImport(Glibc) || canImport(Musl)
            return try check(doing: action) {
                socket(family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
            }
        #else
            return try check(doing: action) { socket(family, CInt(SOCK_STREAM) | CInt(SOCK_CLOEXEC), 0) }
        #endif
    }

    /// Closes a descriptor that nobody else uses.
    package static func close(_ descriptor: CInt) { systemClose(descriptor) }

    /// bind(2).
    package static func bind(_ descriptor: CInt, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> CInt {
        systemBind(descriptor, address, size)
    }

    /// listen(2); called again it changes the backlog.
    static func listen(_ descriptor: CInt, backlog: CInt, doing action: String) throws(NetworkError) {
        try check(doing: action) { systemListen(descriptor, backlog) }
    }

    /// connect(2).
    package static func connect(_ descriptor: CInt, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> CInt {
        systemConnect(descriptor, address, size)
    }

    /// Binds to an IP address.
    package static func bind(
        _ descriptor: CInt, to address: SocketAddress, doing action: String
    ) throws(NetworkError) {
        try check(doing: action) { address.withSockAddr { bind(descriptor, $0, socklen_t($1)) } }
    }

    /// Calls `body` with the address of a path, or of a name outside the file system, and its exact size.
    @discardableResult
    static func withUnixAddress<Result>(
        _ path: String, isAbstract: Bool, doing action: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws(NetworkError) -> Result
    ) throws(NetworkError) -> Result {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = (isAbstract ? [0] : []) + Array(path.utf8) + (isAbstract ? [] : [0])
        guard !path.isEmpty, bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else {
            throw NetworkError(
                .invalidArgument,
                "\(action): the path is empty or longer than \(MemoryLayout.size(ofValue: address.sun_path) - 1) bytes")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let size = MemoryLayout<sockaddr_un>.offset(of: \.sun_path).map { $0 + bytes.count } ?? 0
        var result: Swift.Result<Result, NetworkError> = .failure(NetworkError(.other, action))
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                do throws(NetworkError) {
                    result = .success(try body(pointer, socklen_t(size)))
                } catch {
                    result = .failure(error)
                }
            }
        }
        return try result.get()
    }

    /// The address that a socket is bound to; nil where it has none that can be written down.
    package static func localAddress(of descriptor: CInt) -> SocketAddress? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        guard result == 0 else { return nil }
        let family = CInt(storage.ss_family)
        return withUnsafeBytes(of: &storage) { bytes in
            switch family {
            case AF_INET: SocketAddress(bytes.loadUnaligned(as: sockaddr_in.self))
            case AF_INET6: SocketAddress(bytes.loadUnaligned(as: sockaddr_in6.self))
            // A path may fill its field without a terminator, which the longer storage supplies.
            case AF_UNIX: SocketAddress(bytes.loadUnaligned(as: sockaddr_un.self))
            default: nil
            }
        }
    }
}

extension SocketOptions {
    /// Whether the kernel's buffers are to have other sizes than the system's.
    var hasBufferSizes: Bool { sendBufferSize != nil || receiveBufferSize != nil }

    /// Sets the options on a stream socket; connections accepted from a listening one inherit them (tcp(7), socket(7)).
    ///
    /// - Parameter isLocal: a Unix domain socket, which has buffers alone.
    package func apply(to descriptor: CInt, isLocal: Bool) throws(NetworkError) {
        if let sendBufferSize {
            try SocketCalls.set(
                descriptor, SOL_SOCKET, SO_SNDBUF, CInt(clamping: sendBufferSize), doing: "set SO_SNDBUF")
        }
        if let receiveBufferSize {
            try SocketCalls.set(
                descriptor, SOL_SOCKET, SO_RCVBUF, CInt(clamping: receiveBufferSize), doing: "set SO_RCVBUF")
        }
        guard !isLocal else { return }
        try Self.setNoDelay(noDelay, on: descriptor)
        if let keepAlive { try Self.setKeepAlive(keepAlive, on: descriptor) }
        if let typeOfService { try Self.setTypeOfService(typeOfService, on: descriptor) }
    }

    /// Sets the options on a channel that is no socket of a listener, whose options it inherits. On its loop.
    package func apply(to channel: any Channel, isLocal: Bool) throws {
        try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            try apply(to: $0, isLocal: isLocal)
        }
    }

    /// `TCP_NODELAY`.
    package static func setNoDelay(_ isOn: Bool, on descriptor: CInt) throws(NetworkError) {
        try SocketCalls.set(descriptor, tcp, TCP_NODELAY, isOn ? 1 : 0, doing: "set TCP_NODELAY")
    }

    /// `SO_KEEPALIVE` and its times.
    package static func setKeepAlive(_ keepAlive: KeepAlive?, on descriptor: CInt) throws(NetworkError) {
        try SocketCalls.set(descriptor, SOL_SOCKET, SO_KEEPALIVE, keepAlive == nil ? 0 : 1, doing: "set SO_KEEPALIVE")
        guard let keepAlive else { return }
        #if canImport(Darwin)
            let idle = TCP_KEEPALIVE
        #else
            let idle = TCP_KEEPIDLE
        #endif
        try SocketCalls.set(descriptor, tcp, idle, seconds(keepAlive.idle), doing: "set TCP_KEEPIDLE")
        try SocketCalls.set(descriptor, tcp, TCP_KEEPINTVL, seconds(keepAlive.interval), doing: "set TCP_KEEPINTVL")
        try SocketCalls.set(
            descriptor, tcp, TCP_KEEPCNT, max(1, CInt(clamping: keepAlive.count)), doing: "set TCP_KEEPCNT")
    }

    /// `IP_TOS`, or `IPV6_TCLASS` on an IPv6 socket; there both, since IPv4 peers of a dual-stack socket have the former.
    package static func setTypeOfService(_ value: UInt8, on descriptor: CInt) throws(NetworkError) {
        let isIPv6 = SocketCalls.localAddress(of: descriptor)?.protocol == .inet6
        if isIPv6 {
            try SocketCalls.set(descriptor, CInt(IPPROTO_IPV6), IPV6_TCLASS, CInt(value), doing: "set IPV6_TCLASS")
        }
        do {
            try SocketCalls.set(descriptor, CInt(IPPROTO_IP), IP_TOS, CInt(value), doing: "set IP_TOS")
        } catch {
            if !isIPv6 { throw error }  // not every system lets an IPv6 socket set it
        }
    }

    private static let tcp = CInt(IPPROTO_TCP)

    private static func seconds(_ duration: Duration) -> CInt {
        let (seconds, rest) = duration.components
        return max(1, CInt(clamping: seconds + (rest > 0 ? 1 : 0)))
    }
}

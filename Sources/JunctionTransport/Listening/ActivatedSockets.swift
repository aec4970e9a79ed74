import JunctionCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#else
    import Darwin
#endif

/// The sockets that a service manager hands to the process; sd_listen_fds(3).
enum ActivatedSockets {
    /// The first descriptor that is handed over.
    private static let first: CInt = 3
    /// Those that were taken; a descriptor belongs to one server.
    private static let taken = Mutex<Set<CInt>>([])

    /// The sockets of that name, or all, that nobody has taken before.
    static func take(named name: String?) throws -> [BoundSocket] {
        let action = "listen on the service manager's sockets"
        guard variable("LISTEN_PID").flatMap({ Int32($0) }) == getpid(),
            let count = variable("LISTEN_FDS").flatMap({ CInt($0) }), count > 0, count <= 4_096
        else {
            throw NetworkError(.notConnected, "\(action): none were handed to this process (LISTEN_PID, LISTEN_FDS)")
        }
        let names = variable("LISTEN_FDNAMES")?.split(separator: ":", omittingEmptySubsequences: false)
        let wanted = (0..<count).filter { index in
            guard let name else { return true }
            return names.map { Int(index) < $0.count && $0[Int(index)] == name } ?? false
        }
        guard !wanted.isEmpty else { throw NetworkError(.noSuchFile, "\(action): none is called “\(name ?? "")”") }
        let sockets = try wanted.compactMap { index -> BoundSocket? in
            let descriptor = first + index
            guard taken.withLock({ $0.insert(descriptor).inserted }) else { return nil }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)  // programs that this one starts do not inherit it
            return try BoundSocket(adopting: descriptor)
        }
        guard !sockets.isEmpty else { throw NetworkError(.invalidState, "\(action): they were taken before") }
        return sockets
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}

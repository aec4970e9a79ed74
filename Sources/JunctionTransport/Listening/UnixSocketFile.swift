package import JunctionCore
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

/// The file that a Unix domain socket has in the file system, from `bind` to its removal.
package struct UnixSocketFile: Sendable {
    private let path: String
    private let device: UInt64
    private let inode: UInt64

    /// Removes the file, unless another program has put its own there meanwhile.
    package func remove() {
        guard let found = Self.status(path), found.device == device, found.inode == inode else { return }
        _ = unlink(path)
    }

    /// Binds a socket to `path`, or to the abstract name when `isAbstract` (Linux, unix(7)).
    ///
    /// A socket file that nobody listens on any more is taken over; any other file is left alone.
    ///
    /// - Parameter mode: the permissions of the file; `nil` leaves them to the umask.
    package static func bind(path: String, isAbstract: Bool, mode: UInt32?) throws(NetworkError) -> BoundSocket {
        let name = isAbstract ? "@\(path)" : path
        let action = "listen on \(name)"
        let descriptor = try SocketCalls.streamSocket(family: AF_UNIX, doing: action)
        do throws(NetworkError) {
            var file: UnixSocketFile?
            if isAbstract {
                try SocketCalls.withUnixAddress(path, isAbstract: true, doing: action) {
                    address, size throws(NetworkError) in
                    try SocketCalls.check(doing: action) { SocketCalls.bind(descriptor, address, size) }
                }
            } else {
                file = try bind(descriptor, to: path, mode: mode, doing: action)
            }
            return BoundSocket(owning: descriptor, name: name, file: file)
        } catch {
            SocketCalls.close(descriptor)
            throw error
        }
    }

    private static func bind(
        _ descriptor: CInt, to path: String, mode: UInt32?, doing action: String
    ) throws(NetworkError) -> UnixSocketFile {
        if let mode {
            // On Linux the file gets the permissions of the socket, less the umask: it is never open to more than it should.
            _ = fchmod(descriptor, mode_t(mode))
        }
        do {
            try bindOnce(descriptor, to: path, doing: action)
        } catch {
            guard error.code == .addressInUse, try isStale(path, doing: action) else { throw error }
            _ = unlink(path)
            try bindOnce(descriptor, to: path, doing: action)
        }
        if let mode { try SocketCalls.check(doing: action) { chmod(path, mode_t(mode)) } }
        guard let status = status(path) else { throw NetworkError(.noSuchFile, "\(action): the file is gone again") }
        return UnixSocketFile(path: path, device: status.device, inode: status.inode)
    }

    private static func bindOnce(_ descriptor: CInt, to path: String, doing action: String) throws(NetworkError) {
        try SocketCalls.withUnixAddress(path, isAbstract: false, doing: action) { address, size throws(NetworkError) in
            try SocketCalls.check(doing: action) { SocketCalls.bind(descriptor, address, size) }
        }
    }

    /// Whether `path` is a socket that refuses connections, because its program has ended without removing it.
    private static func isStale(_ path: String, doing action: String) throws(NetworkError) -> Bool {
        guard status(path)?.isSocket == true else { return false }
        let probe = try SocketCalls.streamSocket(family: AF_UNIX, doing: action)
        defer { SocketCalls.close(probe) }
        // A server that lives and has no room for a connection would be waited for: it is EAGAIN then.
        _ = fcntl(probe, F_SETFL, fcntl(probe, F_GETFL) | O_NONBLOCK)
        return try SocketCalls.withUnixAddress(path, isAbstract: false, doing: action) { address, size in
            SocketCalls.connect(probe, address, size) == -1 && errno == ECONNREFUSED
        }
    }

    private static func status(_ path: String) -> (device: UInt64, inode: UInt64, isSocket: Bool)? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        let isSocket = status.st_mode & mode_t(S_IFMT) == mode_t(S_IFSOCK)
        return (UInt64(truncatingIfNeeded: status.st_dev), UInt64(truncatingIfNeeded: status.st_ino), isSocket)
    }
}

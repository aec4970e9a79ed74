import JunctionCore

/// Where a server listens.
///
/// ```swift
/// TCPServer(on: .unix(path: "/run/app.sock", mode: 0o660)) { … }
/// ```
public struct ListenAddress: Sendable, CustomStringConvertible {
    enum Place: Sendable {
        case host(String?, port: Int, ipv6Only: Bool)
        case unix(path: String, isAbstract: Bool, mode: UInt32?)
        case sockets([BoundSocket])
        case activated(name: String?)
    }

    let place: Place

    /// A host and a port.
    ///
    /// - Parameters:
    ///   - host: name or address; `nil` is every address of the machine, IPv6 and IPv4.
    ///   - port: 0 asks for any free port.
    ///   - ipv6Only: takes no IPv4 peers on an IPv6 address.
    public static func host(_ host: String? = nil, port: Int, ipv6Only: Bool = false) -> ListenAddress {
        ListenAddress(place: .host(host, port: port, ipv6Only: ipv6Only))
    }

    /// A Unix domain socket with a path in the file system; see unix(7).
    ///
    /// A socket file that nobody listens on any more is taken over, any other file is an error (`EADDRINUSE`). The file is
    /// removed when the server has stopped.
    ///
    /// - Parameter mode: permissions of the file, for example `0o660`; `nil` leaves them to the process's umask.
    public static func unix(path: String, mode: UInt32? = nil) -> ListenAddress {
        ListenAddress(place: .unix(path: path, isAbstract: false, mode: mode))
    }

    /// A Unix domain socket with a name that is not in the file system; Linux only.
    public static func abstract(_ name: String) -> ListenAddress {
        ListenAddress(place: .unix(path: name, isAbstract: true, mode: nil))
    }

    /// A socket that has its address already.
    public static func socket(_ socket: BoundSocket) -> ListenAddress {
        ListenAddress(place: .sockets([socket]))
    }

    /// The sockets that the service manager has opened for this process (`LISTEN_FDS`, sd_listen_fds(3)); for several
    /// sockets of one name the server listens on all.
    ///
    /// - Parameter name: the `FileDescriptorName=` of the socket unit; `nil` takes all.
    public static func systemd(name: String? = nil) -> ListenAddress {
        ListenAddress(place: .activated(name: name))
    }

    /// The address as text: `127.0.0.1:3000`, `*:3000`, `/run/app.sock`, `@name`.
    public var description: String {
        switch place {
        case .host(let host, let port, _): Self.text(host: host, port: port)
        case .unix(let path, let isAbstract, _): isAbstract ? "@\(path)" : path
        case .sockets(let sockets): sockets.map(\.name).joined(separator: ", ")
        case .activated(let name): "systemd:\(name ?? "*")"
        }
    }

    package static func text(host: String?, port: Int) -> String {
        let host = host ?? "*"
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// The sockets to listen on, bound.
    ///
    /// - Parameter count: as many sockets on the same port, for as many acceptors; with more than one, other processes may
    ///   share the port, too.
    package func bind(count: Int? = nil) async throws -> [BoundSocket] {
        switch place {
        case .host(let host, var port, let ipv6Only):
            var sockets: [BoundSocket] = []
            for _ in 0..<max(1, count ?? 1) {
                let socket = try await BoundSocket.bind(
                    host: host, port: port, ipv6Only: ipv6Only, reusePort: count != nil)
                port = socket.localAddress?.port ?? port  // the others share the port that the first was given
                sockets.append(socket)
            }
            return sockets
        case .unix(let path, let isAbstract, let mode):
            return [try UnixSocketFile.bind(path: path, isAbstract: isAbstract, mode: mode)]
        case .sockets(let sockets):
            return sockets
        case .activated(let name):
            return try ActivatedSockets.take(named: name)
        }
    }
}

package import NIOCore

extension SocketAddress {
    /// `127.0.0.1:3000`, `[::1]:3000`, or the path of a Unix domain socket.
    ///
    /// An IPv4 peer of a dual-stack listener is shown as the IPv4 address it has, not as `::ffff:127.0.0.1`.
    package var text: String {
        guard var host = ipAddress, let port else { return pathname ?? "unknown" }
        if host.hasPrefix("::ffff:"), host.contains(".") { host.removeFirst("::ffff:".count) }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

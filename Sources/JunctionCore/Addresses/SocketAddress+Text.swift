public import NIOCore

extension SocketAddress {
    /// `127.0.0.1:3000`, `[::1]:3000`, `[fe80::1%eth0]:3000`, or the path of a Unix domain socket.
    ///
    /// An IPv4 peer of a dual-stack listener is shown as the IPv4 address it has, not as `::ffff:127.0.0.1`. Apart from
    /// that, ``init(parsing:defaultPort:)`` reads what this gives of an IP address.
    public var text: String {
        guard let address = IPAddress(self)?.unmapped, let port else { return pathname ?? "unknown" }
        return address.version == .v6 ? "[\(address)]:\(port)" : "\(address):\(port)"
    }

    /// Reads an IP address and a port, as Node's `net.SocketAddress.parse` does: `127.0.0.1:3000`, `[::1]:3000`.
    ///
    /// An IPv6 address stands in brackets, without which `::1:3000` would be an address itself. Host names are not
    /// looked up, and the address is read strictly, see ``IPAddress``.
    ///
    /// - Parameter defaultPort: the port where the text has none. Node takes 0.
    /// - Throws: ``NetworkError`` with the code `invalidAddress`, also for a zone that is no interface of this machine,
    ///   or `invalidPort`.
    public init(parsing text: some StringProtocol, defaultPort: Int = 0) throws(NetworkError) {
        let isBracketed = text.first == "["
        let closing: Character = isBracketed ? "]" : ":"
        let end = text.firstIndex(of: closing) ?? text.endIndex
        let host = isBracketed ? text[..<end].dropFirst() : text[..<end]
        guard !isBracketed || end < text.endIndex, let address = IPAddress.parse(host),
            (address.version == .v6) == isBracketed
        else { throw .invalid(text, "no IP address with a port, such as 127.0.0.1:3000 or [::1]:3000") }

        let rest = isBracketed ? text[end...].dropFirst() : text[end...]
        guard !rest.isEmpty else {
            try self.init(address, port: defaultPort)
            return
        }
        guard rest.first == ":", let port = parseDecimal(rest.dropFirst(), upTo: 65_535) else {
            throw NetworkError(.invalidPort, "\(NetworkError.invalid(text, "without a port from 0 to 65535").message)")
        }
        try self.init(address, port: port)
    }
}

public import NIOCore

/// Whom a server takes, or where a client goes: a list of blocked addresses, and one of allowed addresses.
///
/// ```swift
/// let filter = AddressFilter(blockList: try BlockList(["10.0.0.66"]), allowList: try BlockList(["10.0.0.0/8"]))
/// filter.permits(try SocketAddress(parsing: "10.0.0.1:3000"))   // true
/// ```
///
/// What is blocked is not permitted, also if it is allowed. With an allow list nothing else is permitted, so that an empty
/// one lets nobody in; without one, everything that is not blocked. Both lists may change while the filter is in use.
///
/// Peers of a Unix domain socket have no IP address and are always permitted: the permissions of the socket's file say who
/// may connect to it.
public struct AddressFilter: Sendable {
    /// Addresses that are not permitted; `nil` blocks none.
    public var blockList: BlockList?
    /// The only addresses that are permitted; `nil` allows all.
    public var allowList: BlockList?

    /// A filter of both lists; without any it permits everything.
    public init(blockList: BlockList? = nil, allowList: BlockList? = nil) {
        self.blockList = blockList
        self.allowList = allowList
    }

    /// Whether the address passes the filter. It allocates nothing and may be called for each datagram.
    public func permits(_ address: SocketAddress) -> Bool {
        guard blockList != nil || allowList != nil, let key = address.key else { return true }
        return permits(key: key)
    }

    /// Whether the address passes the filter.
    public func permits(_ address: IPAddress) -> Bool { permits(key: address.key) }

    private func permits(key: UInt128) -> Bool {
        if let blockList, blockList.check(key: key) { return false }
        return allowList?.check(key: key) ?? true
    }

    /// Lets addresses pass that are permitted.
    ///
    /// - Parameter action: what was tried, for the message: `connect to 10.0.0.1:80`.
    /// - Throws: ``NetworkError`` with the code `addressBlocked` for one that is not.
    package func check(_ address: SocketAddress, doing action: String) throws(NetworkError) {
        guard permits(address) else {
            throw NetworkError(.addressBlocked, "\(action): \(address.text) is not a permitted address")
        }
    }
}

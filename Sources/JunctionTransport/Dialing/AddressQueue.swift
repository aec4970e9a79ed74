import JunctionCore
import NIOCore

/// Addresses that wait to be tried: each once, the families in turn, IPv6 first (RFC 8305 section 4, with a First Address
/// Family Count of 1).
struct AddressQueue {
    private let families: Set<AddressFamily>
    private var waiting: [SocketAddress] = []
    private var known: Set<SocketAddress> = []
    private var turn = AddressFamily.ipv6

    /// A queue that takes Unix domain sockets and addresses of `families`.
    init(families: Set<AddressFamily>) {
        self.families = families
    }

    var isEmpty: Bool { waiting.isEmpty }
    var count: Int { waiting.count }

    /// Adds what is new among `addresses`, in their order.
    mutating func append(_ addresses: [SocketAddress]) {
        for address in addresses {
            if let family = AddressFamily(of: address), !families.contains(family) { continue }
            if known.insert(address).inserted { waiting.append(address) }
        }
    }

    /// Takes the address whose turn it is.
    mutating func next() -> SocketAddress? {
        guard !waiting.isEmpty else { return nil }
        let address = waiting.remove(at: waiting.firstIndex { AddressFamily(of: $0) == turn } ?? 0)
        turn = AddressFamily(of: address) == .ipv6 ? .ipv4 : .ipv6
        return address
    }
}

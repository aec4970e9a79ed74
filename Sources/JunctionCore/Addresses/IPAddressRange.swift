/// A range of addresses of one version, with both its ends: `10.0.0.1-10.0.0.10`. It has no zone.
public struct IPAddressRange: Hashable, Sendable {
    /// The first address.
    public let first: IPAddress
    /// The last address, which is in the range.
    public let last: IPAddress

    /// The range from one address to another, both included; zones are dropped. `nil` when the versions differ, and
    /// when the first address is above the last.
    public init?(from first: IPAddress, through last: IPAddress) {
        guard first.version == last.version, first.bits <= last.bits else { return nil }
        self.first = first.withoutZone
        self.last = last.withoutZone
    }

    /// Whether it is a range of IPv4 or of IPv6.
    public var version: IPAddress.Version { first.version }

    /// Whether the address is in the range, whatever its zone.
    ///
    /// An IPv4 address and its IPv4-mapped form count as the same address: both are in the range or neither is.
    public func contains(_ address: IPAddress) -> Bool { interval.contains(address.key) }

    var interval: AddressInterval { AddressInterval(first.key, last.key) }
}

extension IPAddressRange: LosslessStringConvertible {
    /// Reads `10.0.0.1-10.0.0.10`: two addresses as ``IPAddress`` reads them, without zones. `nil` for anything else.
    public init?(_ description: String) {
        guard let range = Self.parse(description) else { return nil }
        self = range
    }

    /// Reads a range as ``init(_:)`` does.
    ///
    /// - Throws: ``NetworkError`` with the code `invalidAddress`.
    public init(parsing text: some StringProtocol) throws(NetworkError) {
        guard let range = Self.parse(text) else { throw .invalid(text, "no range of addresses") }
        self = range
    }

    static func parse(_ text: some StringProtocol) -> IPAddressRange? {
        guard let dash = text.firstIndex(of: "-"),
            let first = IPAddress.parse(text[..<dash]), first.zone == nil,
            let last = IPAddress.parse(text[text.index(after: dash)...]), last.zone == nil
        else { return nil }
        return IPAddressRange(from: first, through: last)
    }

    /// Both ends: `10.0.0.1-10.0.0.10`.
    public var description: String { "\(first)-\(last)" }
}

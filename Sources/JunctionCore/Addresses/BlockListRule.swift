extension BlockList {
    /// One entry of a block list. Its description is the text that Node's `BlockList.rules` has for it.
    public enum Rule: Hashable, Sendable {
        /// One address. A list drops its zone.
        case address(IPAddress)
        /// All addresses from one to another.
        case range(IPAddressRange)
        /// All addresses of a network.
        case subnet(IPPrefix)

        var interval: AddressInterval {
            switch self {
            case .address(let address): AddressInterval(address.key, address.key)
            case .range(let range): range.interval
            case .subnet(let prefix): prefix.interval
            }
        }

        var withoutZone: Rule {
            if case .address(let address) = self { .address(address.withoutZone) } else { self }
        }
    }
}

extension BlockList.Rule: LosslessStringConvertible {
    /// Reads a rule as Node writes it (`Subnet: IPv4 10.0.0.0/8`, `Address: IPv6 ::1`, `Range: IPv4 10.0.0.1-10.0.0.10`),
    /// or only its last part: `10.0.0.0/8`, `::1`, `10.0.0.1-10.0.0.10`. `nil` for anything else.
    public init?(_ description: String) {
        guard let rule = Self.parse(description) else { return nil }
        self = rule
    }

    /// Reads a rule as ``init(_:)-(String)`` does.
    ///
    /// - Throws: ``NetworkError`` with the code `invalidAddress`.
    public init(parsing text: some StringProtocol) throws(NetworkError) {
        guard let rule = Self.parse(text) else { throw .invalid(text, "no address, range or network") }
        self = rule
    }

    private static func parse(_ text: some StringProtocol) -> BlockList.Rule? {
        guard let space = text.lastIndex(of: " ") else {
            if let prefix = IPPrefix.parse(text) { return .subnet(prefix) }
            if let address = IPAddress.parse(text) { return address.zone == nil ? .address(address) : nil }
            return IPAddressRange.parse(text).map(Self.range)
        }
        // The rest has no space, so this goes no deeper.
        guard let rule = parse(text[text.index(after: space)...]), text[..<space] == rule.label else { return nil }
        return rule
    }

    /// What stands before the addresses: `Subnet: IPv4`.
    private var label: String {
        switch self {
        case .address(let address): "Address: \(address.version)"
        case .range(let range): "Range: \(range.version)"
        case .subnet(let prefix): "Subnet: \(prefix.version)"
        }
    }

    /// The rule as Node writes it: `Subnet: IPv4 10.0.0.0/8`.
    public var description: String {
        switch self {
        case .address(let address): "\(label) \(address)"
        case .range(let range): "\(label) \(range)"
        case .subnet(let prefix): "\(label) \(prefix)"
        }
    }
}

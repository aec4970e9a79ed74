extension IPAddress: LosslessStringConvertible {
    /// The longest zone that text may have, in bytes. Names of interfaces have at most 15.
    public static let maximumZoneLength = 64

    /// Reads an address: `127.0.0.1`, `2001:db8::1`, `::ffff:1.2.3.4`, `fe80::1%eth0`. `nil` for anything else.
    ///
    /// An IPv4 address has four decimal parts without leading zeros: `127.1`, `0x7f.0.0.1` and `010.0.0.1`, which
    /// programs understand differently, are none. An IPv6 address is written as RFC 4291, section 2.2, allows. A zone
    /// (RFC 4007, section 11) has 1 to ``maximumZoneLength`` visible ASCII characters other than `%`, `/`, `[` and `]`.
    public init?(_ description: String) {
        guard let address = Self.parse(description) else { return nil }
        self = address
    }

    /// Reads an address as ``init(_:)-(String)`` does.
    ///
    /// - Throws: ``NetworkError`` with the code `invalidAddress`.
    public init(parsing text: some StringProtocol) throws(NetworkError) {
        guard let address = Self.parse(text) else { throw .invalid(text, "no IP address") }
        self = address
    }

    /// The version of the address that the text is; `nil` for text that is none. Node calls it `net.isIP`.
    public static func version(of text: some StringProtocol) -> Version? { parse(text)?.version }

    /// Whether the text is an IP address. Node: `net.isIP(text) != 0`.
    public static func isIP(_ text: some StringProtocol) -> Bool { version(of: text) != nil }

    /// Whether the text is an IPv4 address, as Node's `net.isIPv4` answers.
    public static func isIPv4(_ text: some StringProtocol) -> Bool { version(of: text) == .v4 }

    /// Whether the text is an IPv6 address, as Node's `net.isIPv6` answers.
    public static func isIPv6(_ text: some StringProtocol) -> Bool { version(of: text) == .v6 }

    /// The address in the canonical form of RFC 5952: `2001:db8::1`. An IPv4-mapped address ends as IPv4 is written
    /// (`::ffff:1.2.3.4`), and a zone follows after `%`.
    public var description: String {
        let address = version == .v4 ? Self.dotted(bits) : isIPv4Mapped ? "::ffff:" + Self.dotted(bits) : Self.hex(bits)
        guard let zone else { return address }
        return "\(address)%\(zone)"
    }
}

// MARK: - Reading

extension IPAddress {
    /// The longest address without a zone: `0000:0000:0000:0000:0000:ffff:255.255.255.255`.
    private static let maximumLength = 45

    static func parse(_ text: some StringProtocol) -> IPAddress? {
        guard text.utf8.prefix(maximumLength + 1 + maximumZoneLength + 1).count <= maximumLength + 1 + maximumZoneLength
        else { return nil }
        var text = String(text)
        return text.withUTF8 { parse($0[...]) }
    }

    private typealias Bytes = Slice<UnsafeBufferPointer<UInt8>>

    private static func parse(_ text: Bytes) -> IPAddress? {
        if let bits = parseIPv4(text) { return IPAddress(.v4, bits: UInt128(bits)) }
        let address = text.prefix { $0 != UInt8(ascii: "%") }
        guard let bits = parseIPv6(address) else { return nil }
        guard address.endIndex < text.endIndex else { return IPAddress(.v6, bits: bits) }
        let zone = text[address.endIndex...].dropFirst()
        guard isValidZone(zone) else { return nil }
        return IPAddress(.v6, bits: bits, zone: String(decoding: zone, as: UTF8.self))
    }

    static func isValidZone(_ zone: some Collection<UInt8>) -> Bool {
        (1...maximumZoneLength).contains(zone.count)
            && zone.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "%"), UInt8(ascii: "/"), UInt8(ascii: "["), UInt8(ascii: "]"): false
                default: (0x21...0x7E).contains(byte)
                }
            }
    }

    private static func parseIPv4(_ text: Bytes) -> UInt32? {
        var address: UInt32 = 0
        var part: UInt32 = 0
        var digits = 0
        var dots = 0
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                guard digits == 0 || part > 0 else { return nil }  // a leading zero means octal to some programs
                part = part * 10 + UInt32(byte - UInt8(ascii: "0"))
                guard part <= 255 else { return nil }
                digits += 1
            case UInt8(ascii: "."):
                guard digits > 0, dots < 3 else { return nil }
                address = address << 8 | part
                part = 0
                digits = 0
                dots += 1
            default: return nil
            }
        }
        return digits > 0 && dots == 3 ? address << 8 | part : nil
    }

    private static func parseIPv6(_ text: Bytes) -> UInt128? {
        let colon = UInt8(ascii: ":")
        var bits: UInt128 = 0
        var groups = 0
        /// How many groups stand before `::`.
        var gap: Int?
        var rest = text
        if rest.starts(with: [colon, colon]) {
            gap = 0
            rest = rest.dropFirst(2)
        }
        while !(rest.isEmpty && gap == groups) {
            let group = rest.prefix { $0 != colon }
            rest = rest[group.endIndex...]
            if rest.isEmpty, group.contains(UInt8(ascii: ".")) {
                guard groups <= 6, let embedded = parseIPv4(group) else { return nil }
                bits = bits << 32 | UInt128(embedded)
                groups += 2
                break
            }
            guard groups < 8, let value = parseGroup(group) else { return nil }
            bits = bits << 16 | value
            groups += 1
            if rest.isEmpty { break }
            rest = rest.dropFirst()
            if rest.first == colon {
                guard gap == nil else { return nil }
                gap = groups
                rest = rest.dropFirst()
            }
        }
        guard let gap else { return groups == 8 ? bits : nil }
        guard groups < 8 else { return nil }
        let lower = 16 * (groups - gap)
        return (bits >> lower) << (128 - 16 * gap) | bits & ((1 << lower) - 1)
    }

    private static func parseGroup(_ text: Bytes) -> UInt128? {
        guard (1...4).contains(text.count) else { return nil }
        var value: UInt128 = 0
        for byte in text {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            value = value << 4 | UInt128(digit)
        }
        return value
    }
}

// MARK: - Writing

extension IPAddress {
    private static func dotted(_ bits: UInt128) -> String {
        "\(bits >> 24 & 0xFF).\(bits >> 16 & 0xFF).\(bits >> 8 & 0xFF).\(bits & 0xFF)"
    }

    private static func hex(_ bits: UInt128) -> String {
        let groups = stride(from: 112, through: 0, by: -16).map { UInt16(truncatingIfNeeded: bits >> UInt128($0)) }
        let text = groups.map { String($0, radix: 16) }
        let gap = longestZeros(groups)
        guard gap.count > 1 else { return text.joined(separator: ":") }
        return text[..<gap.lowerBound].joined(separator: ":") + "::" + text[gap.upperBound...].joined(separator: ":")
    }

    /// The longest run of zeros; the first one of several (RFC 5952, section 4.2.3).
    private static func longestZeros(_ groups: [UInt16]) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        for (index, group) in groups.enumerated() {
            if group != 0 {
                start = index + 1
            } else if index + 1 - start > longest.count {
                longest = start..<index + 1
            }
        }
        return longest
    }
}

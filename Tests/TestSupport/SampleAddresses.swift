/// An address as bytes, with no help of the code under test.
public struct SampleAddress: Hashable, Sendable {
    /// 4 or 16 bytes.
    public let bytes: [UInt8]

    /// An address of these bytes.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Whether it is an IPv4 address.
    public var isIPv4: Bool { bytes.count == 4 }

    /// 16 bytes, IPv4 in its IPv4-mapped form.
    public var mapped: [UInt8] {
        isIPv4 ? [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + bytes : bytes
    }

    /// The longest way to write it: each group of an IPv6 address with four digits.
    public var text: String {
        if isIPv4 { return bytes.map(String.init).joined(separator: ".") }
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return stride(from: 0, to: 16, by: 2).map { digits[$0] + digits[$0 + 1] }.joined(separator: ":")
    }
}

/// A rule of a block list that is matched byte by byte and bit by bit.
public enum SampleRule: Sendable {
    case address(SampleAddress)
    /// The first one is not above the last one.
    case range(SampleAddress, SampleAddress)
    case subnet(SampleAddress, length: Int)

    /// The rule as text.
    public var text: String {
        switch self {
        case .address(let address): address.text
        case .range(let first, let last): "\(first.text)-\(last.text)"
        case .subnet(let address, let length): "\(address.text)/\(length)"
        }
    }

    private static func bits(_ bytes: [UInt8]) -> [Bool] {
        bytes.flatMap { byte in (0..<8).map { byte & (0x80 >> $0) != 0 } }
    }

    /// Whether the address is one that the rule means.
    public func matches(_ address: SampleAddress) -> Bool {
        let bytes = address.mapped
        switch self {
        case .address(let own):
            return own.mapped == bytes
        case .range(let first, let last):
            return !bytes.lexicographicallyPrecedes(first.mapped) && !last.mapped.lexicographicallyPrecedes(bytes)
        case .subnet(let network, let length):
            let shared = network.isIPv4 ? 96 + length : length
            return Self.bits(network.mapped).prefix(shared) == Self.bits(bytes).prefix(shared)
        }
    }
}

/// Random addresses, rules and texts; few enough different ones that rules overlap, touch and match.
public struct AddressSamples {
    private var random: SeededGenerator

    /// The same seed gives the same samples.
    public init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    private mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    /// 10.0.0.0 to 10.0.3.255, also IPv4-mapped, or something in 2001:db8::/64.
    public mutating func address() -> SampleAddress {
        let ending = [UInt8(below(4)), UInt8(below(256))]
        switch below(4) {
        case 0, 1: return SampleAddress([10, 0] + ending)
        case 2: return SampleAddress([UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 10, 0] + ending)
        default: return SampleAddress([0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 10) + ending)
        }
    }

    /// An address of any value.
    public mutating func anyAddress() -> SampleAddress {
        SampleAddress((0..<pick([4, 16])).map { _ in UInt8(pick([0, 0, 0, 1, 10, 127, 254, 255, below(256)])) })
    }

    /// A rule of any kind. Networks are mostly small, and their address has bits after the prefix.
    public mutating func rule() -> SampleRule {
        let first = address()
        switch below(5) {
        case 0, 1: return .address(first)
        case 2, 3: return .subnet(first, length: max(0, first.bytes.count * 8 - pick([0, 1, 2, 3, 4, 5, 7, 8, 9])))
        default:
            var last = first.bytes
            last[last.count - 1] = UInt8.random(in: last[last.count - 1]...255, using: &random)
            if below(4) == 0 { last[last.count - 2] += 1 }
            return .range(first, SampleAddress(last))
        }
    }

    /// The text of an address, in any of the ways to write it.
    public mutating func text() -> String {
        let address = anyAddress()
        guard !address.isIPv4 else { return address.text }
        var groups = address.text.split(separator: ":").map(String.init)
        if below(2) == 0 { groups = groups.map { String(Int($0, radix: 16) ?? 0, radix: 16) } }
        if below(3) == 0 { groups = groups.map { $0.uppercased() } }
        if below(3) == 0 {
            groups[6...] = [address.bytes[12...].map(String.init).joined(separator: ".")]
        }
        var text = groups.joined(separator: ":")
        if below(2) == 0 {
            let start = below(groups.count)
            let end = start + 1 + below(groups.count - start)
            text = groups[..<start].joined(separator: ":") + "::" + groups[end...].joined(separator: ":")
        }
        if below(4) == 0 { text += "%" + pick(["eth0", "1", "en0.100", "a-b:c", "0", "%", ""]) }
        return text
    }

    /// The text of an address, damaged in up to three places.
    public mutating func damagedText() -> String {
        var characters = Array(text())
        for _ in 0..<(1 + below(3)) {
            let index = below(characters.count + 1)
            let character: Character = pick(Array("0123456789abcdefABCDEFg:.%/[]- x\n\0é"))
            switch below(3) {
            case 0: characters.insert(character, at: index)
            case 1 where index < characters.count: characters.remove(at: index)
            default:
                if index < characters.count { characters[index] = character }
            }
        }
        return String(characters)
    }
}

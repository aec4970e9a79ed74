import JunctionCore
import Testing

@Suite(.timeLimit(.minutes(5))) struct IPAddressTests {
    @Test(
        "An address is printed in the canonical form of RFC 5952",
        arguments: [
            // RFC 5952, sections 1 to 4
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:0db8::1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8:0:0:1::1", "2001:db8::1:0:0:1"),
            ("2001:db8:0000:0:1::1", "2001:db8::1:0:0:1"), ("2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"),
            ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"),
            ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"), ("2001:db8::0:1", "2001:db8::1"),
            ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:0:1:0:0:0", "2001:db8:0:0:1::"),
            // RFC 4291, section 2.2
            ("ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"),
            ("FF01:0:0:0:0:0:0:101", "ff01::101"), ("0:0:0:0:0:0:0:1", "::1"), ("0:0:0:0:0:0:0:0", "::"),
            ("0:0:0:0:0:0:13.1.68.3", "::d01:4403"), ("::13.1.68.3", "::d01:4403"),
            ("0:0:0:0:0:FFFF:129.144.52.38", "::ffff:129.144.52.38"), ("::FFFF:8190:3426", "::ffff:129.144.52.38"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("1:2:3:4:5::1.2.3.4", "1:2:3:4:5:0:102:304"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
            ("0000:0000:0000:0000:0000:ffff:255.255.255.255", "::ffff:255.255.255.255"),
            ("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            // RFC 4007, section 11
            ("FE80::1%eth0", "fe80::1%eth0"), ("fe80::1%1", "fe80::1%1"), ("::ffff:1.2.3.4%lo", "::ffff:1.2.3.4%lo"),
            ("fe80:0::1%br_lan.7", "fe80::1%br_lan.7"),
            ("0.0.0.0", "0.0.0.0"), ("127.0.0.1", "127.0.0.1"), ("255.255.255.255", "255.255.255.255"),
        ])
    func canonical(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
        #expect(try IPAddress(parsing: text[...]) == address)
    }

    static let invalid = [
        "", " ", ".", ":", "%", "localhost", "1", "1.2.3", "1.2.3.", ".1.2.3", "1.2.3.4.5", "1.2.3.4.", "1..3.4",
        "1.2.3.256",
        "1.2.3.999999999999999999999", "01.2.3.4", "1.2.3.04", "1.2.3.00", "0x7f.0.0.1", "127.1", "2130706433",
        "1.2.3.4 ",
        " 1.2.3.4", "1.2.3.-4", "+1.2.3.4", "1.2.3.4\n", "1.2.3.4\0", "1.2.3.4%eth0", "1.2.3.4/8", "١.٢.٣.٤", "１.2.3.4",
        ":::", "::1::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
        "1::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", ":1::2", "1::2:", "::00001", "12345::", "::g", "::-1",
        "::+1",
        "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:6::1.2.3.4", "::1.2.3", "::1.2.3.256", "::1.2.3.04", "::1.2.3.4:5",
        "1.2.3.4::", "::1.2.3.4.5", "[::1]", "::1%", "::1%a%b", "::1%a b", "::1%a/64", "::1%[a]", "::1%é", "::1%\0",
        "%eth0",
        "::1 ", " ::1", "::1\n", "::1/128", "fe80::1%" + String(repeating: "a", count: 65),
    ]

    @Test("Text that is no address is refused, whatever some programs make of it", arguments: invalid)
    func refused(text: String) throws {
        #expect(IPAddress(text) == nil)
        #expect(!IPAddress.isIP(text))
        #expect(!IPAddress.isIPv4(text))
        #expect(!IPAddress.isIPv6(text))
        let error = try #require(throws: NetworkError.self) { try IPAddress(parsing: text) }
        #expect(error.code == .invalidAddress)
        #expect(!error.message.contains("\n") && !error.message.contains("\0"))
    }

    @Test("A long text is refused unread, and shown shortened")
    func long() throws {
        let text = String(repeating: "1.2.3.4", count: 100_000)
        let error = try #require(throws: NetworkError.self) { try IPAddress(parsing: text) }
        #expect(error.message.utf8.count < 200)
    }

    @Test("Versions are told as Node's net.isIP does")
    func version() {
        #expect(IPAddress.version(of: "127.0.0.1")?.rawValue == 4)
        #expect(IPAddress.version(of: "::1")?.rawValue == 6)
        #expect(IPAddress.version(of: "fhqwhgads") == nil)
        #expect(IPAddress.isIP("::1") && IPAddress.isIPv6("::1") && !IPAddress.isIPv4("::1"))
        #expect(IPAddress.isIP("127.0.0.1") && IPAddress.isIPv4("127.0.0.1") && !IPAddress.isIPv6("127.0.0.1"))
    }

    @Test("A zone has up to 64 visible characters, and belongs to IPv6 alone")
    func zones() throws {
        let longest = String(repeating: "z", count: IPAddress.maximumZoneLength)
        #expect(IPAddress.maximumZoneLength == 64)
        #expect(IPAddress("fe80::1%\(longest)")?.zone == longest)
        #expect(IPAddress("0000:0000:0000:0000:0000:ffff:255.255.255.255%\(longest)")?.zone == longest)
        #expect(IPAddress("fe80::1%\(longest)z") == nil)
        let address = try IPAddress(parsing: "fe80::1%eth0")
        #expect(address.withoutZone == IPAddress("fe80::1"))
        #expect(address != address.withoutZone)
        #expect(IPAddress(bytes: address.bytes, zone: "eth0") == address)
        #expect(IPAddress(bytes: address.bytes, zone: "") == nil)
        #expect(IPAddress(bytes: [1, 2, 3, 4], zone: "eth0") == nil)
    }

    @Test("Bytes are in network order")
    func bytes() throws {
        #expect(try IPAddress(parsing: "1.2.3.4").bytes == [1, 2, 3, 4])
        #expect(IPAddress(bytes: [1, 2, 3, 4])?.description == "1.2.3.4")
        let long: [UInt8] = [0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        #expect(try IPAddress(parsing: "2001:db8::1").bytes == long)
        #expect(IPAddress(bytes: long)?.description == "2001:db8::1")
        for count in [0, 1, 3, 5, 15, 17] { #expect(IPAddress(bytes: [UInt8](repeating: 1, count: count)) == nil) }
    }

    /// The properties that an address has.
    private static func kinds(_ address: IPAddress) -> Set<String> {
        var kinds: Set<String> = []
        if address.isLoopback { kinds.insert("loopback") }
        if address.isPrivate { kinds.insert("private") }
        if address.isLinkLocal { kinds.insert("link-local") }
        if address.isMulticast { kinds.insert("multicast") }
        if address.isUnspecified { kinds.insert("unspecified") }
        return kinds
    }

    @Test(
        "The kinds of addresses end where their networks end",
        arguments: [
            ("0.0.0.0", "unspecified"), ("0.0.0.1", ""), ("126.255.255.255", ""), ("127.0.0.0", "loopback"),
            ("127.255.255.255", "loopback"), ("128.0.0.0", ""), ("9.255.255.255", ""), ("10.0.0.0", "private"),
            ("10.255.255.255", "private"), ("11.0.0.0", ""), ("172.15.255.255", ""), ("172.16.0.0", "private"),
            ("172.31.255.255", "private"), ("172.32.0.0", ""), ("192.167.255.255", ""), ("192.168.0.0", "private"),
            ("192.168.255.255", "private"), ("192.169.0.0", ""), ("169.253.255.255", ""), ("169.254.0.0", "link-local"),
            ("169.254.255.255", "link-local"), ("169.255.0.0", ""), ("223.255.255.255", ""), ("224.0.0.0", "multicast"),
            ("239.255.255.255", "multicast"), ("240.0.0.0", ""), ("100.64.0.1", ""),
        ])
    func kindsOfIPv4(text: String, kind: String) throws {
        let expected: Set<String> = kind.isEmpty ? [] : [kind]
        #expect(Self.kinds(try IPAddress(parsing: text)) == expected)
        #expect(Self.kinds(try IPAddress(parsing: "::ffff:\(text)")) == expected)
    }

    @Test(
        "The kinds of IPv6 addresses end where their networks end",
        arguments: [
            ("::", "unspecified"), ("::1", "loopback"), ("::2", ""), ("::7f00:1", ""), ("fbff:ffff::", ""),
            ("fc00::", "private"), ("fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private"), ("fe00::", ""),
            ("fe7f:ffff::", ""), ("fe80::", "link-local"), ("febf:ffff::1%eth0", "link-local"), ("fec0::", ""),
            ("feff::", ""), ("ff00::", "multicast"), ("ffff::", "multicast"),
        ])
    func kindsOfIPv6(text: String, kind: String) throws {
        #expect(Self.kinds(try IPAddress(parsing: text)) == (kind.isEmpty ? [] : [kind]))
    }

    @Test("An IPv4-mapped address stands for the IPv4 address, and no other address does")
    func mapped() throws {
        let mapped = try IPAddress(parsing: "::ffff:1.2.3.4%eth0")
        #expect(mapped.isIPv4Mapped && mapped.version == .v6)
        #expect(mapped.unmapped == IPAddress("1.2.3.4"))
        #expect(mapped != mapped.unmapped)
        for text in ["::fffe:1.2.3.4", "::1:ffff:1.2.3.4", "::1.2.3.4", "1.2.3.4", "::"] {
            let other = try IPAddress(parsing: text)
            #expect(!other.isIPv4Mapped && other.unmapped == other)
        }
    }

    @Test("Addresses are ordered by version, number and zone")
    func order() throws {
        let ordered = [
            "0.0.0.0", "9.9.9.9", "10.0.0.0", "255.255.255.255", "::", "::1", "::ffff:1.2.3.4", "fe80::1", "fe80::1%a",
            "fe80::1%b", "fe80::2",
        ]
        #expect(try ordered.reversed().map { try IPAddress(parsing: $0) }.sorted().map(\.description) == ordered)
    }
}

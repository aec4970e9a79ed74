import JunctionCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct IPPrefixTests {
    @Test(
        "A prefix is read, its bits after the length become zero, and it is printed",
        arguments: [
            ("10.0.0.0/8", "10.0.0.0/8"), ("10.1.2.3/8", "10.0.0.0/8"), ("0.0.0.0/0", "0.0.0.0/0"),
            ("9.9.9.9/0", "0.0.0.0/0"),
            ("255.255.255.255/31", "255.255.255.254/31"), ("1.2.3.4/32", "1.2.3.4/32"), ("::/0", "::/0"),
            ("ffff::/0", "::/0"),
            ("2001:DB8:ffff::1/33", "2001:db8:8000::/33"), ("::1/128", "::1/128"),
            ("::ffff:1.2.3.4/112", "::ffff:1.2.0.0/112"),
        ])
    func parsing(text: String, canonical: String) throws {
        let prefix = try IPPrefix(parsing: text)
        #expect(prefix.description == canonical)
        #expect(IPPrefix(canonical) == prefix)
    }

    @Test(
        "Text that is no prefix is refused",
        arguments: [
            "", "/", "/8", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8",
            "10.0.0.0/08",
            "10.0.0.0/8 ", "10.0.0.0/8/8", "10/8", "10.0.0.0/255.0.0.0", "fe80::%eth0/64", "fe80::/64%eth0",
            "::/99999999999999999999",
        ])
    func refused(text: String) throws {
        #expect(IPPrefix(text) == nil)
        #expect(try #require(throws: NetworkError.self) { try IPPrefix(parsing: text) }.code == .invalidAddress)
    }

    @Test("A length is one that the version has, and a zone is dropped")
    func lengths() throws {
        let address = try IPAddress(parsing: "fe80::1%eth0")
        #expect(IPPrefix(address, length: 128)?.description == "fe80::1/128")
        for length in [-1, 129, Int.min, Int.max] { #expect(IPPrefix(address, length: length) == nil) }
        #expect(IPPrefix(try IPAddress(parsing: "1.2.3.4"), length: 33) == nil)
    }

    @Test(
        "A prefix has the addresses from its first to its last",
        arguments: [
            ("10.0.0.0/8", "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
            ("192.0.2.6/31", "192.0.2.5", "192.0.2.6", "192.0.2.7", "192.0.2.8"),
            (
                "2001:db8::/33", "2001:db7:ffff::", "2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff",
                "2001:db8:8000::"
            ),
        ])
    func contains(text: String, below: String, first: String, last: String, above: String) throws {
        let prefix = try IPPrefix(parsing: text)
        #expect(prefix.address == IPAddress(first) && prefix.lastAddress == IPAddress(last))
        #expect(
            try [below, first, last, above].map { prefix.contains(try IPAddress(parsing: $0)) } == [
                false, true, true, false,
            ])
    }

    @Test("An IPv4 address and its IPv4-mapped form are in the same prefixes and ranges; a zone does not matter")
    func mapped() throws {
        let both = try ["10.1.2.3", "::ffff:10.1.2.3", "::ffff:10.1.2.3%eth0"].map { try IPAddress(parsing: $0) }
        for text in ["10.0.0.0/8", "::ffff:10.0.0.0/104", "::ffff:0:0/96", "::/0", "0.0.0.0/0"] {
            let prefix = try IPPrefix(parsing: text)
            #expect(both.allSatisfy(prefix.contains), "\(text)")
        }
        for text in ["11.0.0.0/8", "::ffff:11.0.0.0/104", "::/97", "8000::/1"] {
            let prefix = try IPPrefix(parsing: text)
            #expect(!both.contains(where: prefix.contains), "\(text)")
        }
        for text in ["10.0.0.0-10.1.2.3", "::ffff:10.1.2.3-::ffff:10.1.2.4", "::-ffff::"] {
            let range = try IPAddressRange(parsing: text)
            #expect(both.allSatisfy(range.contains), "\(text)")
        }
    }

    @Test("A range has both its ends")
    func range() throws {
        let range = try IPAddressRange(parsing: "10.0.0.1-10.0.0.10")
        #expect(range.description == "10.0.0.1-10.0.0.10" && range.version == .v4)
        let answers = try ["10.0.0.0", "10.0.0.1", "10.0.0.10", "10.0.0.11", "::1"].map {
            range.contains(try IPAddress(parsing: $0))
        }
        #expect(answers == [false, true, true, false, false])
        #expect(try IPAddressRange(parsing: "FE80::1-fe80:0::9").description == "fe80::1-fe80::9")
        let zoned = try IPAddress(parsing: "fe80::1%eth0")
        #expect(IPAddressRange(from: zoned, through: zoned)?.description == "fe80::1-fe80::1")
    }

    @Test(
        "Text that is no range is refused",
        arguments: [
            "", "-", "1.2.3.4", "1.2.3.4-", "-1.2.3.4", "1.2.3.4 - 1.2.3.5", "1.2.3.5-1.2.3.4", "::2-::1",
            "1.2.3.4-::5",
            "1.2.3.4-::ffff:1.2.3.5", "1.2.3.4-5", "1.2.3.4-1.2.3.5-1.2.3.6", "fe80::1%a-fe80::2",
        ])
    func refusedRange(text: String) throws {
        #expect(IPAddressRange(text) == nil)
        #expect(try #require(throws: NetworkError.self) { try IPAddressRange(parsing: text) }.code == .invalidAddress)
    }

    @Test("Random prefixes and ranges contain what a model that looks at each bit says", arguments: [1, 2] as [UInt64])
    func model(seed: UInt64) throws {
        var samples = AddressSamples(seed: seed)
        for _ in 0..<1_000 {
            let rule = samples.rule()
            let address = samples.address()
            let parsed = try IPAddress(parsing: address.text)
            let answer =
                switch rule {
                case .address(let own): try IPAddress(parsing: own.text).unmapped == parsed.unmapped
                case .range: try IPAddressRange(parsing: rule.text).contains(parsed)
                case .subnet: try IPPrefix(parsing: rule.text).contains(parsed)
                }
            #expect(answer == rule.matches(address), "\(rule.text) and \(address.text)")
        }
    }

    @Test("The private ranges are those of the table")
    func privateRanges() {
        let texts = [
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.168.0.0/16",
            "::/128", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10",
        ]
        #expect(IPPrefix.privateRanges.map(\.description) == texts)
    }
}

import JunctionCore
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(5))) struct BlockListTests {
    private func check(_ list: BlockList, _ text: String) throws -> Bool {
        let address = try IPAddress(parsing: text)
        let socketAddress = try SocketAddress(address, port: 1)
        #expect(list.check(address) == list.check(socketAddress))
        return list.check(address)
    }

    @Test("A list matches addresses, ranges and networks, in both forms of an IPv4 address")
    func matching() throws {
        let list = try BlockList(["1.2.3.4", "10.0.0.0/8", "192.0.2.1-192.0.2.9", "2001:db8::/32", "::ffff:9.9.9.9"])
        for text in [
            "1.2.3.4", "::ffff:1.2.3.4", "10.255.0.1", "::ffff:10.255.0.1", "192.0.2.9", "2001:db8:1::", "9.9.9.9",
            "::ffff:9.9.9.9",
        ] {
            #expect(try check(list, text), "\(text)")
        }
        for text in ["1.2.3.5", "::1.2.3.4", "11.0.0.0", "192.0.2.10", "2001:db9::", "::", "255.255.255.255"] {
            #expect(try !check(list, text), "\(text)")
        }
    }

    @Test("An empty list matches nothing, and neither does any list a Unix domain socket")
    func nothing() throws {
        let list = BlockList()
        #expect(list.isEmpty && list.count == 0 && list.rules == [])
        #expect(try !check(list, "1.2.3.4") && !check(list, "::"))
        let everything = try BlockList(["::/0"])
        #expect(try check(everything, "1.2.3.4") && check(everything, "::"))
        #expect(try check(everything, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))
        #expect(try !everything.check(SocketAddress(unixDomainSocketPath: "/run/junction.sock")))
    }

    @Test("A zone counts for nothing")
    func zones() throws {
        let list = BlockList()
        let zoned = try IPAddress(parsing: "fe80::1%1")
        list.add(zoned)
        #expect(list.rules.map(\.description) == ["Address: IPv6 fe80::1"])
        #expect(list.check(zoned.withoutZone))
        #expect(list.check(zoned))
        #expect(list.check(try SocketAddress(zoned, port: 1)))
        #expect(list.remove(try IPAddress(parsing: "fe80::1%2")))
        #expect(!list.check(zoned))
    }

    @Test("Rules are listed newest first, each once, in Node's format")
    func rules() throws {
        let list = BlockList()
        #expect(try list.add("1.2.3.4"))
        #expect(try list.add("10.0.0.1-10.0.0.10"))
        #expect(list.add(try IPPrefix(parsing: "2001:db8::/32")))
        #expect(try !list.add("1.2.3.4"))
        #expect(
            list.add(contentsOf: [
                .address(try IPAddress(parsing: "::1")), .subnet(try IPPrefix(parsing: "10.0.0.0/8")),
            ]) == 2)
        #expect(
            list.rules.map(\.description) == [
                "Subnet: IPv4 10.0.0.0/8", "Address: IPv6 ::1", "Subnet: IPv6 2001:db8::/32",
                "Range: IPv4 10.0.0.1-10.0.0.10", "Address: IPv4 1.2.3.4",
            ])
        #expect(list.count == 5)
        let copy = BlockList(list.rules)
        #expect(copy.rules == list.rules)
    }

    @Test(
        "A rule is read in Node's format and in the short one",
        arguments: [
            ("Address: IPv4 1.2.3.4", "1.2.3.4"), ("Address: IPv6 ::1", "::1"),
            ("Subnet: IPv4 10.0.0.0/8", "10.0.0.0/8"),
            ("Subnet: IPv6 2001:db8::/32", "2001:db8::/32"), ("Range: IPv4 1.2.3.4-1.2.3.5", "1.2.3.4-1.2.3.5"),
            ("Range: IPv6 ::1-::2", "::1-::2"),
        ])
    func ruleText(text: String, short: String) throws {
        let rule = try BlockList.Rule(parsing: text)
        #expect(rule.description == text)
        #expect(BlockList.Rule(short) == rule)
    }

    @Test(
        "Text that is no rule is refused and changes nothing",
        arguments: [
            "", " ", "Address: IPv4 ", "Address: IPv6 1.2.3.4", "Subnet: IPv4 1.2.3.4", "Address: IPv4  1.2.3.4",
            " 1.2.3.4", "1.2.3.4 ", "address: IPv4 1.2.3.4", "Range: IPv4 1.2.3.5-1.2.3.4", "fe80::1%eth0", "localhost",
            "Address: IPv4 1.2.3.4 1.2.3.4", "10.0.0.0/33",
        ])
    func refused(text: String) throws {
        #expect(BlockList.Rule(text) == nil)
        let list = BlockList()
        #expect(try #require(throws: NetworkError.self) { try list.add(text) }.code == .invalidAddress)
        #expect(try #require(throws: NetworkError.self) { try list.remove(text) }.code == .invalidAddress)
        #expect(throws: NetworkError.self) { try BlockList(["1.2.3.4", text]) }
        #expect(list.isEmpty)
    }

    @Test("Removing a rule leaves what other rules match")
    func removing() throws {
        let list = try BlockList(["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "10.1.2.0-10.2.0.0"])
        #expect(try list.remove("10.0.0.0/8"))
        #expect(try !list.remove("10.0.0.0/8"))
        #expect(try !check(list, "10.0.255.255") && check(list, "10.1.0.0") && check(list, "10.2.0.0"))
        #expect(try list.remove("10.1.0.0/16"))
        #expect(try !check(list, "10.1.1.255") && check(list, "10.1.2.0") && check(list, "10.2.0.0"))
        #expect(list.remove(try IPAddressRange(parsing: "10.1.2.0-10.2.0.0")))
        #expect(try !check(list, "10.1.2.2") && check(list, "10.1.2.3") && !check(list, "10.1.2.4"))
        #expect(list.remove(try IPAddress(parsing: "10.1.2.3")))
        #expect(try !check(list, "10.1.2.3"))
        #expect(!list.remove(try IPPrefix(parsing: "10.1.2.3/32")))
        #expect(list.isEmpty)
    }

    @Test("Removing an address leaves the network in which it is")
    func removingInside() throws {
        let list = try BlockList(["10.0.0.0/8"])
        #expect(try !list.remove("10.1.2.3"))
        try list.add("10.1.2.3")
        #expect(try list.remove("10.1.2.3"))
        #expect(try check(list, "10.1.2.3"))
    }

    @Test("An IPv4 rule and its IPv4-mapped form are two rules for the same addresses")
    func mappedRules() throws {
        let list = try BlockList(["1.2.3.4", "::ffff:1.2.3.4"])
        #expect(list.count == 2)
        #expect(try list.remove("1.2.3.4"))
        #expect(try check(list, "1.2.3.4"))
        #expect(try list.remove("::ffff:1.2.3.4"))
        #expect(try !check(list, "1.2.3.4") && !check(list, "::ffff:1.2.3.4"))
    }

    @Test("All rules are replaced, or removed, at once")
    func replacing() throws {
        let list = try BlockList(["1.2.3.4"])
        list.replaceRules(with: try ["::1", "::2", "::1"].map { try BlockList.Rule(parsing: $0) })
        #expect(list.rules.map(\.description) == ["Address: IPv6 ::2", "Address: IPv6 ::1"])
        #expect(try !check(list, "1.2.3.4") && check(list, "::1"))
        list.removeAll()
        #expect(try list.isEmpty && !check(list, "::1"))
    }

    @Test("The list of private ranges is a new one each time")
    func privateRanges() throws {
        let list = BlockList.privateRanges()
        for text in [
            "0.0.0.0", "10.9.8.7", "100.127.255.255", "127.0.0.1", "169.254.169.254", "172.31.0.1", "192.168.1.1", "::",
            "::1", "fdff::", "fe80::1%1", "fec0::1", "::ffff:127.0.0.1",
        ] {
            #expect(try check(list, text), "\(text)")
        }
        for text in [
            "8.8.8.8", "100.128.0.0", "172.32.0.0", "192.0.2.1", "224.0.0.1", "2001:db8::", "::2", "::ffff:8.8.8.8",
        ] {
            #expect(try !check(list, text), "\(text)")
        }
        try list.add("8.8.8.8")
        #expect(try !check(BlockList.privateRanges(), "8.8.8.8"))
    }
}

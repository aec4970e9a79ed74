import JunctionCore
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(5))) struct AddressFilterTests {
    private func permits(_ filter: AddressFilter, _ text: String) throws -> Bool {
        let address = try IPAddress(parsing: text)
        #expect(filter.permits(address) == filter.permits(try SocketAddress(address, port: 1)))
        return filter.permits(address)
    }

    @Test("A filter without lists permits everything")
    func open() throws {
        #expect(try permits(AddressFilter(), "1.2.3.4") && permits(AddressFilter(), "::"))
    }

    @Test("What is blocked is not permitted")
    func blocked() throws {
        let filter = AddressFilter(blockList: try BlockList(["10.0.0.0/8"]))
        #expect(try !permits(filter, "10.0.0.1") && !permits(filter, "::ffff:10.0.0.1") && permits(filter, "11.0.0.1"))
    }

    @Test("With an allow list nothing else is permitted, and an empty one lets nobody in")
    func allowed() throws {
        let filter = AddressFilter(allowList: try BlockList(["10.0.0.0/8"]))
        #expect(try permits(filter, "10.0.0.1") && permits(filter, "::ffff:10.0.0.1") && !permits(filter, "11.0.0.1"))
        #expect(try !permits(filter, "::1"))
        let nobody = AddressFilter(allowList: BlockList())
        #expect(try !permits(nobody, "127.0.0.1") && !permits(nobody, "::1"))
    }

    @Test("Blocked wins over allowed, whichever is the narrower")
    func both() throws {
        let narrow = AddressFilter(blockList: try BlockList(["10.0.0.66"]), allowList: try BlockList(["10.0.0.0/8"]))
        #expect(try !permits(narrow, "10.0.0.66") && permits(narrow, "10.0.0.67") && !permits(narrow, "1.2.3.4"))
        let wide = AddressFilter(blockList: try BlockList(["10.0.0.0/8"]), allowList: try BlockList(["10.0.0.66"]))
        #expect(try !permits(wide, "10.0.0.66"))
    }

    @Test("Lists that change are in force in the filter and its copies at once")
    func changes() throws {
        let list = BlockList()
        let filter = AddressFilter(blockList: list)
        #expect(try permits(filter, "10.0.0.1"))
        try list.add("10.0.0.1")
        #expect(try !permits(filter, "10.0.0.1"))
        try list.remove("10.0.0.1")
        #expect(try permits(filter, "10.0.0.1"))
    }

    @Test("Unix domain sockets, which have no IP address, are permitted")
    func unix() throws {
        let address = try SocketAddress(unixDomainSocketPath: "/run/junction.sock")
        #expect(AddressFilter(blockList: try BlockList(["::/0"]), allowList: BlockList()).permits(address))
    }

    @Test("An address that is not permitted is an error that names it")
    func errors() throws {
        let filter = AddressFilter(blockList: try BlockList(["10.0.0.0/8"]))
        try filter.check(SocketAddress(parsing: "1.2.3.4:80"), doing: "connect to example.com:80")
        let error = try #require(throws: NetworkError.self) {
            try filter.check(SocketAddress(parsing: "10.0.0.1:80"), doing: "connect to example.com:80")
        }
        #expect(error.code == .addressBlocked)
        #expect(error.message == "connect to example.com:80: 10.0.0.1:80 is not a permitted address")
    }
}

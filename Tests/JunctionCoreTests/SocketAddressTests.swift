import JunctionCore
import NIOCore
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@Suite(.timeLimit(.minutes(5))) struct SocketAddressTests {
    @Test(
        "A socket address is shown as it is written in URLs",
        arguments: [
            ("127.0.0.1", "127.0.0.1:3000"), ("::1", "[::1]:3000"), ("::ffff:192.0.2.7", "192.0.2.7:3000"),
            ("2001:db8::1", "[2001:db8::1]:3000"),
        ])
    func text(address: String, text: String) throws {
        #expect(try SocketAddress(ipAddress: address, port: 3000).text == text)
        #expect(try SocketAddress(IPAddress(parsing: address), port: 3000).text == text)
    }

    @Test("A Unix domain socket is shown as its path, and has no IP address")
    func unixPath() throws {
        let address = try SocketAddress(unixDomainSocketPath: "/run/junction.sock")
        #expect(address.text == "/run/junction.sock")
        #expect(IPAddress(address) == nil)
    }

    @Test(
        "An address and a port are read",
        arguments: [
            ("127.0.0.1:3000", "127.0.0.1", 3000), ("127.0.0.1:0", "127.0.0.1", 0), ("[::1]:65535", "::1", 65_535),
            ("[2001:DB8::1]:80", "2001:db8::1", 80), ("[::ffff:1.2.3.4]:5", "::ffff:1.2.3.4", 5),
            ("10.0.0.1", "10.0.0.1", 0), ("[::1]", "::1", 0),
        ])
    func parsing(text: String, address: String, port: Int) throws {
        let parsed = try SocketAddress(parsing: text)
        #expect(parsed == (try SocketAddress(ipAddress: address, port: port)))
        #expect(IPAddress(parsed)?.description == address)
        #expect(parsed.port == port)
    }

    @Test("Text without a port has the default one")
    func defaultPort() throws {
        #expect(try SocketAddress(parsing: "10.0.0.1", defaultPort: 53).port == 53)
        #expect(try SocketAddress(parsing: "[::1]", defaultPort: 53).port == 53)
        #expect(try SocketAddress(parsing: "10.0.0.1:80", defaultPort: 53).port == 80)
    }

    @Test(
        "Text that is no address with a port is refused",
        arguments: [
            ("", NetworkError.Code.invalidAddress), ("localhost:80", .invalidAddress), ("::1", .invalidAddress),
            ("::1:3000", .invalidAddress), ("[127.0.0.1]:80", .invalidAddress), ("[::1", .invalidAddress),
            ("[]:80", .invalidAddress), ("127.1:80", .invalidAddress), (":80", .invalidAddress),
            ("[::1]]:80", .invalidPort), ("[::1]80", .invalidPort), ("[::1]:", .invalidPort),
            ("1.2.3.4:", .invalidPort),
            ("1.2.3.4:65536", .invalidPort), ("1.2.3.4:080", .invalidPort), ("1.2.3.4:-1", .invalidPort),
            ("1.2.3.4:+1", .invalidPort), ("1.2.3.4:8O", .invalidPort), ("1.2.3.4:80:80", .invalidPort),
            ("1.2.3.4:99999999999999999999", .invalidPort), ("1.2.3.4:80 ", .invalidPort), ("1.2.3.4:٨", .invalidPort),
            ("[fe80::1%no-such-interface]:80", .invalidAddress), ("[fe80::1%4294967296]:80", .invalidAddress),
        ])
    func refused(text: String, code: NetworkError.Code) throws {
        #expect(try #require(throws: NetworkError.self) { try SocketAddress(parsing: text) }.code == code)
    }

    @Test("A port is 0 to 65,535", arguments: [-1, 65_536, Int.min, Int.max])
    func ports(port: Int) throws {
        let address = try IPAddress(parsing: "::1")
        #expect(try #require(throws: NetworkError.self) { try SocketAddress(address, port: port) }.code == .invalidPort)
        #expect(
            try #require(throws: NetworkError.self) { try SocketAddress(parsing: "1.2.3.4", defaultPort: port) }.code
                == .invalidPort)
    }

    /// The first interface of this machine, which each one has: loopback.
    private func firstInterface() throws -> String {
        var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
        let start = try #require(if_indextoname(1, &name))
        return String(cString: start)
    }

    /// The last field of a `sockaddr_in6`.
    private func scopeID(_ address: SocketAddress) -> UInt32 {
        address.withSockAddr { pointer, _ in
            UnsafeRawPointer(pointer).loadUnaligned(fromByteOffset: 24, as: UInt32.self)
        }
    }

    @Test("A zone is kept as the scope id, and comes back as the name of the interface")
    func zones() throws {
        let name = try firstInterface()
        for zone in [name, "1"] {
            let address = try SocketAddress(IPAddress(parsing: "fe80::1%\(zone)"), port: 7)
            #expect(scopeID(address) == 1)
            #expect(IPAddress(address)?.zone == name)
            #expect(address.text == "[fe80::1%\(name)]:7")
            #expect(try SocketAddress(parsing: address.text) == address)
        }
    }

    @Test("A scope id without an interface is its own zone")
    func unknownScope() throws {
        let address = try SocketAddress(parsing: "[fe80::1%4294967295]:7")
        #expect(IPAddress(address)?.zone == "4294967295")
        #expect(address.text == "[fe80::1%4294967295]:7")
    }
}

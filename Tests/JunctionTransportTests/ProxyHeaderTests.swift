import JunctionCore
import NIOCore
import TestSupport
import Testing

@testable import JunctionTransport

/// The examples and rules of HAProxy's `proxy-protocol.txt`, section 2.
@Suite("PROXY protocol headers")
struct ProxyHeaderTests {
    private static func address(_ host: String, _ port: Int) throws -> SocketAddress {
        try SocketAddress(ipAddress: host, port: port)
    }

    private static let signature: [UInt8] = Array("\r\n\r\n\0\r\nQUIT\n".utf8)

    /// A block of version 2 with `rest` behind the length that it announces.
    private static func block(_ command: UInt8, _ family: UInt8, _ rest: [UInt8], length: Int? = nil) -> ByteBuffer {
        let length = length ?? rest.count
        return ByteBuffer(
            bytes: signature + [command, family, UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)] + rest)
    }

    private static let ipv4: [UInt8] = [192, 168, 0, 1, 192, 168, 0, 11, 0xDC, 0x04, 0x01, 0xBB]

    private func parse(_ bytes: ByteBuffer) throws -> ProxyHeaderParser.Result {
        var bytes = bytes
        return try ProxyHeaderParser().parse(&bytes)
    }

    private func parse(_ text: String) throws -> ProxyHeaderParser.Result { try parse(ByteBuffer(string: text)) }

    /// What is wrong with a header.
    private func fault(_ bytes: ByteBuffer) -> String? {
        do {
            _ = try parse(bytes)
            return nil
        } catch {
            let error = error as? NetworkError
            return error?.code == .proxyProtocol ? error?.message : nil
        }
    }

    // MARK: Version 1

    @Test("reads the line of the specification's example and leaves the request behind it")
    func example() throws {
        var bytes = ByteBuffer(string: "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGET / HTTP/1.1\r\n")
        let expected = ProxyHeader.v1(
            source: try Self.address("192.168.0.1", 56_324), destination: try Self.address("192.168.0.11", 443))
        #expect(try ProxyHeaderParser().parse(&bytes) == .header(expected))
        #expect(String(buffer: bytes) == "GET / HTTP/1.1\r\n")
    }

    @Test(
        "reads lines up to the longest that the specification allows",
        arguments: [
            ("255.255.255.255", "255.255.255.255", "TCP4"), ("0.0.0.0", "1.2.3.4", "TCP4"), ("::1", "::", "TCP6"),
            ("2001:db8::7", "2001:DB8::A", "TCP6"), ("::ffff:192.0.2.1", "::1", "TCP6"),
            (
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "TCP6"
            ),
        ])
    func lines(source: String, destination: String, name: String) throws {
        let expected = ProxyHeader.v1(
            source: try Self.address(source, 65_535), destination: try Self.address(destination, 0))
        #expect(try parse("PROXY \(name) \(source) \(destination) 65535 0\r\n") == .header(expected))
    }

    @Test("takes an unknown protocol's line for one without addresses, whatever else is in it")
    func unknown() throws {
        let expected = ProxyHeaderParser.Result.header(ProxyHeader(.v1, transport: .unspecified))
        #expect(try parse("PROXY UNKNOWN\r\n") == expected)
        #expect(try parse("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n") == expected)
        #expect(try parse("PROXY UNKNOWN \u{1} \u{301}한국어  \r\n") == expected)
        #expect(try parse("PROXY UNKNOWN " + String(repeating: "x", count: 91) + "\r\n") == expected)
    }

    @Test(
        "refuses a line that is not exactly what the specification says",
        arguments: [
            "PROXY \r\n", "PROXY  TCP4 1.2.3.4 1.2.3.4 1 1\r\n", "PROXY TCP4\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n",
            "PROXY TCP4 1.2.3.4  1.2.3.4 1 1\r\n", "PROXY TCP4 ::1 ::1 1 1\r\n", "PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n",
            "PROXY TCP4 1.2.3.4 ::1 1 1\r\n", "PROXY TCP4 01.2.3.4 1.2.3.4 1 1\r\n", "PROXY TCP4 1.2.3 1.2.3.4 1 1\r\n",
            "PROXY TCP4 1.2.3.256 1.2.3.4 1 1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 -1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 +1 1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n",
            "PROXY TCP4 1.2.3.4\0 1.2.3.4 1 1\r\n", "PROXY TCP6 ::1\0x ::1 1 1\r\n",
            "PROXY TCP6 fe80::1%lo ::1 1 1\r\n",
            "PROXY TCP6 ::1:::2 ::1 1 1\r\n", "PROXY tcp4 1.2.3.4 1.2.3.4 1 1\r\n",
            "PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n",
            "PROXY UNKNOWNX\r\n", "PROXY \u{301}TCP4 1.2.3.4 1.2.3.4 1 1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n",
            "PROXY UNKNOWN\n\r\n",
        ])
    func malformedLine(line: String) {
        #expect(fault(ByteBuffer(string: line)) != nil)
    }

    @Test("refuses a line without an end within 107 bytes as soon as that is known")
    func endlessLine() throws {
        let start = "PROXY UNKNOWN "
        let longest = start + String(repeating: "x", count: 106 - start.utf8.count)
        #expect(try parse(longest) == .incomplete)
        #expect(fault(ByteBuffer(string: longest + "x")) == "PROXY protocol: the line has no end within 107 bytes")
        #expect(fault(ByteBuffer(string: longest + "\r\n")) != nil, "its end would be the 108th byte")
    }

    // MARK: Version 2

    @Test(
        "reads IPv4, IPv6 and their transports from a block, and leaves the data behind it",
        arguments: [ProxyHeader.Transport.stream, .datagram])
    func blocks(transport: ProxyHeader.Transport) throws {
        let number: UInt8 = transport == .stream ? 1 : 2
        var bytes = Self.block(0x21, 0x10 | number, Self.ipv4)
        bytes.writeString("data")
        let expected = ProxyHeader(
            .v2, transport: transport, source: try Self.address("192.168.0.1", 56_324),
            destination: try Self.address("192.168.0.11", 443))
        #expect(try ProxyHeaderParser().parse(&bytes) == .header(expected))
        #expect(String(buffer: bytes) == "data")

        let loopback = [UInt8](repeating: 0, count: 15) + [1]
        let network = [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [7]
        let ipv6 = ProxyHeader(
            .v2, transport: transport, source: try Self.address("::1", 1),
            destination: try Self.address("2001:db8::7", 65_535))
        #expect(
            try parse(Self.block(0x21, 0x20 | number, loopback + network + [0, 1, 0xFF, 0xFF])) == .header(ipv6))
    }

    @Test("reads the paths of Unix domain sockets; one without a name has no address")
    func unixPaths() throws {
        func path(_ text: String) -> [UInt8] { Array(text.utf8) + [UInt8](repeating: 0, count: 108 - text.utf8.count) }
        let expected = ProxyHeader(
            .v2, source: nil, destination: try SocketAddress(unixDomainSocketPath: "/run/x.sock"))
        #expect(try parse(Self.block(0x21, 0x31, path("") + path("/run/x.sock"))) == .header(expected))
        let tooLong = path(String(repeating: "x", count: 108))
        #expect(fault(Self.block(0x21, 0x31, tooLong + path(""))) != nil)
        #expect(fault(Self.block(0x21, 0x32, [0xFF] + path("").dropFirst() + path(""))) != nil)
    }

    @Test(
        "discards all that the block of a LOCAL connection says", arguments: [0x00, 0x11, 0x21, 0x31, 0xFF] as [UInt8])
    func local(family: UInt8) throws {
        let expected = ProxyHeaderParser.Result.header(.local)
        #expect(try parse(Self.block(0x20, family, [])) == expected)
        #expect(try parse(Self.block(0x20, family, Self.ipv4 + [3, 0, 200])) == expected)
    }

    @Test("an unspecified family or transport has no addresses, and its values are read where there are some")
    func unspecified() throws {
        let none = ProxyHeaderParser.Result.header(ProxyHeader(.v2, transport: .unspecified))
        #expect(try parse(Self.block(0x21, 0x00, [])) == none)
        #expect(try parse(Self.block(0x21, 0x00, Self.ipv4)) == none, "addresses of an unknown kind are ignored")
        #expect(try parse(Self.block(0x21, 0x10, Self.ipv4)) == none)
        #expect(try parse(Self.block(0x21, 0x01, [])) == none)
        let id = ProxyHeader.TLV(type: 5, value: ByteBuffer(string: "id"))
        #expect(
            try parse(Self.block(0x21, 0x00, [5, 0, 2] + "id".utf8))
                == .header(ProxyHeader(.v2, transport: .unspecified, tlvs: [id])))
    }

    @Test("reads the values behind the addresses, in their order")
    func values() throws {
        let header = ProxyHeader.v2(
            source: try Self.address("192.168.0.1", 56_324), destination: try Self.address("192.168.0.11", 443),
            tlvs: [
                .init(type: 2, value: ByteBuffer(string: "example.org")), .init(type: 4, value: ByteBuffer()),
                .init(type: 0xE0, value: ByteBuffer(bytes: [1, 2])),
            ])
        let rest: [UInt8] = [2, 0, 11] + "example.org".utf8 + [4, 0, 0, 0xE0, 0, 2, 1, 2]
        #expect(try parse(Self.block(0x21, 0x11, Self.ipv4 + rest)) == .header(header))
    }

    @Test(
        "refuses a block whose lengths lie",
        arguments: [
            [UInt8](), Array(ipv4.dropLast()), ipv4 + [2], ipv4 + [2, 0], ipv4 + [2, 0, 1], ipv4 + [2, 0xFF, 0xFF, 1],
            ipv4 + [4, 0, 0, 2, 0, 9, 1],
        ])
    func lyingLengths(rest: [UInt8]) {
        #expect(fault(Self.block(0x21, 0x11, rest)) != nil)
    }

    @Test("refuses versions, commands, families and transports that are not assigned")
    func unassigned() {
        for command: UInt8 in [0x01, 0x11, 0x22, 0x2F, 0x31] {
            #expect(fault(Self.block(command, 0x11, Self.ipv4)) != nil, "\(command)")
        }
        for family: UInt8 in [0x13, 0x1F, 0x41, 0xF1] {
            #expect(fault(Self.block(0x21, family, Self.ipv4)) != nil, "\(family)")
        }
    }

    @Test("refuses a block beyond the limit as soon as it is announced")
    func limit() throws {
        #expect(try parse(Self.block(0x21, 0x11, [], length: 4_080)) == .incomplete)
        let fault = fault(Self.block(0x21, 0x11, [], length: 4_081))
        #expect(fault == "PROXY protocol: the header has 4097 bytes, more than 4096")
        var bytes = Self.block(0x21, 0x11, Self.ipv4)
        #expect(throws: NetworkError.self) { try ProxyHeaderParser(maximumLength: 27).parse(&bytes) }
    }

    @Test("computes CRC-32C as RFC 9260 does, and refuses a header whose checksum does not match")
    func checksum() throws {
        // The check value of the CRC-32C/iSCSI parameters.
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
        let header = ProxyHeader(
            .v2, source: try Self.address("192.168.0.1", 1), destination: try Self.address("192.168.0.2", 2),
            tlvs: [.init(type: 5, value: ByteBuffer(string: "id"))], hasChecksum: true)
        let bytes = try header.encoded()
        #expect(try parse(bytes) == .header(header))
        let type = bytes.readableBytes - 7  // another type there would be another value, and no checksum
        for index in 16..<bytes.readableBytes where index != type {
            var changed = bytes
            changed.setInteger(bytes.getInteger(at: index, as: UInt8.self)! ^ 1, at: index)
            #expect(fault(changed) != nil, "byte \(index)")
        }
        #expect(fault(Self.block(0x21, 0x11, Self.ipv4 + [3, 0, 2, 0, 0])) != nil)
    }

    // MARK: Both

    @Test("what is no header is told from the beginning of one")
    func absent() throws {
        for text in [
            "GET / HTTP/1.1\r\n", "P\r", "PROXYX", "proxy TCP4", "\r\n\r\n\r\n", "\r\n\r\n\0\r\nQUIT\r", "\u{16}\u{3}",
        ] {
            #expect(try parse(text) == .absent, "\(text.debugDescription)")
        }
        for text in ["", "P", "PROXY", "PROXY ", "\r", "\r\n\r\n\0\r\nQUIT"] {
            #expect(try parse(text) == .incomplete, "\(text.debugDescription)")
        }
    }

    @Test("a version that is not accepted is no header")
    func versions() throws {
        var line = ByteBuffer(string: "PROXY UNKNOWN\r\n")
        var block = Self.block(0x20, 0, [])
        #expect(try ProxyHeaderParser(versions: [.v2]).parse(&line) == .absent)
        #expect(try ProxyHeaderParser(versions: [.v1]).parse(&block) == .absent)
        #expect(line.readableBytes == 15 && block.readableBytes == 16, "nothing is taken")
    }

    private static func samples() throws -> [ProxyHeader] {
        let (a, b) = (try address("192.0.2.1", 1), try address("192.0.2.2", 65_535))
        let (c, d) = (try address("2001:db8::1", 1_024), try address("::1", 0))
        let path = try SocketAddress(unixDomainSocketPath: "/run/junction.sock")
        let values = [ProxyHeader.TLV(type: 0xE1, value: ByteBuffer(repeating: 7, count: 300))]
        return [
            .v1(source: a, destination: b), .v1(source: c, destination: d), ProxyHeader(.v1, transport: .unspecified),
            .v2(source: a, destination: b), .v2(source: c, destination: d, tlvs: values), .local,
            .v2(source: path, destination: path), ProxyHeader(.v2, source: path, hasChecksum: true),
            ProxyHeader(.v2, transport: .datagram, source: a, destination: b, tlvs: values, hasChecksum: true),
            ProxyHeader(.v2, transport: .unspecified, tlvs: values),
        ]
    }

    @Test("reads back what it writes, wherever the bytes are cut, and takes no byte too many")
    func everySplit() throws {
        for header in try Self.samples() {
            let whole = try header.encoded()
            for cut in 0..<whole.readableBytes {
                var bytes = whole.getSlice(at: 0, length: cut) ?? ByteBuffer()
                #expect(try ProxyHeaderParser().parse(&bytes) == .incomplete)
                #expect(bytes.readableBytes == cut)
                bytes.writeImmutableBuffer(whole.getSlice(at: cut, length: whole.readableBytes - cut) ?? ByteBuffer())
                bytes.writeString("PROXY")
                #expect(try ProxyHeaderParser().parse(&bytes) == .header(header))
                #expect(String(buffer: bytes) == "PROXY")
            }
        }
    }

    @Test("random and damaged bytes are refused or read, never more")
    func randomBytes() throws {
        var generator = SeededGenerator(seed: 21)
        let samples = try Self.samples().map { try $0.encoded() }
        for round in 0..<20_000 {
            var bytes = samples[round % samples.count]
            if round.isMultiple(of: 3) {
                bytes = ByteBuffer(
                    bytes: Self.signature
                        + (0..<Int.random(in: 0...40, using: &generator)).map { _ in generator.next() })
            } else {
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let index = Int.random(in: 0..<bytes.readableBytes, using: &generator)
                    bytes.setInteger(UInt8.random(in: 0...255, using: &generator), at: index)
                }
            }
            let before = bytes.readableBytes
            let result = try? ProxyHeaderParser().parse(&bytes)
            if case .header = result {
                #expect(bytes.readableBytes < before)
            } else {
                #expect(bytes.readableBytes == before)
            }
        }
    }

    @Test("does not write what a version cannot say")
    func unfit() throws {
        let (a, c) = (try Self.address("192.0.2.1", 1), try Self.address("::1", 1))
        let path = try SocketAddress(unixDomainSocketPath: "/run/x.sock")
        let value = ProxyHeader.TLV(type: 1, value: ByteBuffer(repeating: 0, count: 65_536))
        let most = ProxyHeader.TLV(type: 1, value: ByteBuffer(repeating: 0, count: 65_535))
        for header in [
            ProxyHeader.v1(source: a, destination: c), .v1(source: path, destination: path), ProxyHeader(.v1),
            ProxyHeader(.v1, command: .local), ProxyHeader(.v1, transport: .datagram, source: a, destination: a),
            ProxyHeader(.v1, source: a, destination: a, tlvs: [.init(type: 4, value: ByteBuffer())]),
            ProxyHeader(.v1, source: a, destination: a, hasChecksum: true), .v2(source: a, destination: c),
            .v2(source: a, destination: path), ProxyHeader(.v2), ProxyHeader(.v2, source: a),
            ProxyHeader(.v2, transport: .unspecified, source: a, destination: a),
            .v2(source: a, destination: a, tlvs: [value]), .v2(source: a, destination: a, tlvs: [most]),
        ] {
            #expect(throws: NetworkError.self) { try header.encoded() }
        }
    }

    @Test("writes the bytes of the specification")
    func bytes() throws {
        let (source, destination) = (try Self.address("192.168.0.1", 56_324), try Self.address("192.168.0.11", 443))
        #expect(
            String(buffer: try ProxyHeader.v1(source: source, destination: destination).encoded())
                == "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n")
        #expect(
            try ProxyHeader.v2(source: source, destination: destination).encoded()
                == Self.block(0x21, 0x11, Self.ipv4))
        #expect(try ProxyHeader.local.encoded() == Self.block(0x20, 0x00, []))
    }
}

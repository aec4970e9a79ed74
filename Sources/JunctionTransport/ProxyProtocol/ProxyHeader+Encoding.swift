package import JunctionCore
package import NIOCore

extension ProxyHeader {
    /// The header as it is sent.
    ///
    /// - Throws: ``NetworkError`` with `.invalidArgument` when the version cannot say what the header holds.
    package func encoded() throws -> ByteBuffer {
        switch version {
        case .v1: try encodedLine()
        case .v2: try encodedBlock()
        }
    }

    private func unfit(_ what: String) -> NetworkError {
        NetworkError(.invalidArgument, "PROXY protocol: \(what)")
    }

    // MARK: Version 1

    private func encodedLine() throws -> ByteBuffer {
        guard command == .proxy, tlvs.isEmpty, !hasChecksum else {
            throw unfit("version 1 has no LOCAL command, no values and no checksum")
        }
        guard transport != .unspecified else { return ByteBuffer(string: "PROXY UNKNOWN\r\n") }
        guard transport == .stream else { throw unfit("version 1 knows TCP alone") }
        switch (source, destination) {
        case (.v4, .v4): return try encodedLine("TCP4")
        case (.v6, .v6): return try encodedLine("TCP6")
        default: throw unfit("version 1 needs two IPv4 or two IPv6 addresses")
        }
    }

    private func encodedLine(_ name: String) throws -> ByteBuffer {
        guard let source = endpoint(source), let destination = endpoint(destination) else {
            throw unfit("an address cannot be written")
        }
        return ByteBuffer(
            string: "PROXY \(name) \(source.host) \(destination.host) \(source.port) \(destination.port)\r\n")
    }

    private func endpoint(_ address: SocketAddress?) -> (host: String, port: Int)? {
        guard let host = address?.ipAddress, let port = address?.port else { return nil }
        return (String(host.prefix { $0 != "%" }), port)
    }

    // MARK: Version 2

    private func encodedBlock() throws -> ByteBuffer {
        var addresses = ByteBuffer()
        let family = try writeEndpoints(&addresses)
        var values = tlvs
        if hasChecksum {
            values.append(TLV(type: ProxyHeaderSyntax.checksumType, value: ByteBuffer(integer: UInt32(0))))
        }
        for value in values {
            guard let length = UInt16(exactly: value.value.readableBytes) else { throw unfit("a value is too long") }
            addresses.writeInteger(value.type)
            addresses.writeInteger(length)
            addresses.writeImmutableBuffer(value.value)
        }
        guard let length = UInt16(exactly: addresses.readableBytes) else { throw unfit("the header is too long") }

        var header = ByteBuffer(bytes: ProxyHeaderSyntax.signature)
        header.writeInteger(UInt8(command == .proxy ? 0x21 : 0x20))
        header.writeInteger(family.rawValue << 4 | ProxyHeaderSyntax.number(of: transport))
        header.writeInteger(length)
        header.writeImmutableBuffer(addresses)
        // Its four bytes come last, and are zero until here.
        if hasChecksum { header.setInteger(CRC32C.checksum(header.readableBytesView), at: header.writerIndex - 4) }
        return header
    }

    private func writeEndpoints(_ bytes: inout ByteBuffer) throws -> ProxyHeaderSyntax.Family {
        if transport == .unspecified {
            guard source == nil, destination == nil else { throw unfit("an unspecified transport has no addresses") }
            return .unspecified
        }
        switch (source, destination) {
        case (.v4?, .v4?), (.v6?, .v6?):
            let endpoints = [source, destination].compactMap { $0?.packed }
            for endpoint in endpoints { bytes.writeBytes(endpoint.address) }
            for endpoint in endpoints { bytes.writeBytes(endpoint.port) }
            return source?.protocol == .inet ? .ipv4 : .ipv6
        case (.unixDomainSocket?, .unixDomainSocket?), (.unixDomainSocket?, nil), (nil, .unixDomainSocket?):
            for address in [source, destination] {
                let path = Array((address?.pathname ?? "").utf8.prefix(ProxyHeaderSyntax.pathLength))
                bytes.writeBytes(path)
                bytes.writeRepeatingByte(0, count: ProxyHeaderSyntax.pathLength - path.count)
            }
            return .unix
        default:
            throw unfit("both addresses have to be there, of one family")
        }
    }
}

extension SocketAddress {
    /// The address and the port in network byte order, out of their places in `sockaddr_in` and `sockaddr_in6`.
    fileprivate var packed: (address: [UInt8], port: [UInt8]) {
        withSockAddr { pointer, size in
            let bytes = Array(UnsafeRawBufferPointer(start: pointer, count: size))
            return (Array(self.protocol == .inet ? bytes[4..<8] : bytes[8..<24]), Array(bytes[2..<4]))
        }
    }
}

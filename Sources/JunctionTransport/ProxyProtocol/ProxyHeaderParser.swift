package import JunctionCore
package import NIOCore

/// Reads a PROXY protocol header from the first bytes of a connection, however they are cut.
package struct ProxyHeaderParser: Sendable {
    /// What the bytes so far are.
    package enum Result: Sendable, Equatable {
        /// The beginning of what may become a header.
        case incomplete
        /// A header; its bytes have been taken, the rest is the connection's data.
        case header(ProxyHeader)
        /// The bytes cannot be a header of an accepted version.
        case absent
    }

    private let versions: Set<ProxyHeader.Version>
    private let maximumLength: Int

    /// - Parameters:
    ///   - versions: those that are accepted; what begins like another one is ``Result/absent``.
    ///   - maximumLength: of all bytes of a header of version 2.
    package init(
        versions: Set<ProxyHeader.Version> = Set(ProxyHeader.Version.allCases), maximumLength: Int = 4_096
    ) {
        self.versions = versions
        self.maximumLength = maximumLength
    }

    /// Looks at all bytes of the connection so far.
    ///
    /// - Throws: ``NetworkError`` with `.proxyProtocol` when they begin a header that is malformed or too long.
    package func parse(_ bytes: inout ByteBuffer) throws -> Result {
        if versions.contains(.v1), let begins = Self.begins(bytes, with: ProxyHeaderSyntax.line) {
            return begins ? try parseLine(&bytes) : .incomplete
        }
        if versions.contains(.v2), let begins = Self.begins(bytes, with: ProxyHeaderSyntax.signature) {
            return begins ? try parseBlock(&bytes) : .incomplete
        }
        return .absent
    }

    /// True when all of `start` is there, false while it can still come, `nil` for anything else.
    private static func begins(_ bytes: ByteBuffer, with start: [UInt8]) -> Bool? {
        let view = bytes.readableBytesView
        guard view.prefix(start.count).elementsEqual(start.prefix(view.count)) else { return nil }
        return view.count >= start.count
    }

    static func malformed(_ what: String) -> NetworkError {
        NetworkError(.proxyProtocol, "PROXY protocol: \(what)")
    }

    // MARK: Version 1

    private func parseLine(_ bytes: inout ByteBuffer) throws -> Result {
        let view = bytes.readableBytesView.prefix(ProxyHeaderSyntax.maximumLineLength)
        guard let lineFeed = view.firstIndex(of: UInt8(ascii: "\n")) else {
            guard view.count < ProxyHeaderSyntax.maximumLineLength else {
                throw Self.malformed("the line has no end within \(ProxyHeaderSyntax.maximumLineLength) bytes")
            }
            return .incomplete
        }
        let line = view[..<lineFeed]
        guard line.last == UInt8(ascii: "\r") else { throw Self.malformed("the line ends without a carriage return") }
        // Bytes, not characters: a space with an accent on it would be another character.
        let fields = line.dropLast().split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        let header = try Self.header(fields.map { String(decoding: $0, as: UTF8.self) })
        bytes.moveReaderIndex(forwardBy: line.count + 1)
        return .header(header)
    }

    private static func header(_ fields: [String]) throws -> ProxyHeader {
        let family: AddressFamily
        switch fields.dropFirst().first {
        case "UNKNOWN": return ProxyHeader(.v1, transport: .unspecified)  // whatever follows is to be ignored
        case "TCP4": family = .ipv4
        case "TCP6": family = .ipv6
        default: throw malformed("the line names no known protocol")
        }
        guard fields.count == 6 else { throw malformed("the line has \(fields.count) fields instead of 6") }
        return ProxyHeader(
            .v1, source: try address(fields[2], port: fields[4], family),
            destination: try address(fields[3], port: fields[5], family))
    }

    private static func address(
        _ address: String, port: String, _ family: AddressFamily
    ) throws -> SocketAddress {
        guard let number = UInt16(port), String(number) == port else { throw malformed("a port is not valid") }
        // No zones and no NUL; and IPv4 as the system prints it, because leading zeros would be octal to some.
        guard address.utf8.allSatisfy({ $0 > 0 && $0 != UInt8(ascii: "%") }),
            let parsed = try? SocketAddress(ipAddress: address, port: Int(number)),
            AddressFamily(of: parsed) == family, family == .ipv6 || parsed.ipAddress == address
        else { throw malformed("an address is not valid") }
        return parsed
    }

    // MARK: Version 2

    private func parseBlock(_ bytes: inout ByteBuffer) throws -> Result {
        var rest = bytes
        rest.moveReaderIndex(forwardBy: ProxyHeaderSyntax.signature.count)
        guard let versionAndCommand = rest.readInteger(as: UInt8.self) else { return .incomplete }
        guard versionAndCommand >> 4 == 2 else { throw Self.malformed("the version is not 2") }
        let command: ProxyHeader.Command
        switch versionAndCommand & 0x0F {
        case 0: command = .local
        case 1: command = .proxy
        default: throw Self.malformed("the command is unknown")
        }
        guard let familyAndTransport = rest.readInteger(as: UInt8.self), let length = rest.readInteger(as: UInt16.self)
        else { return .incomplete }
        let total = ProxyHeaderSyntax.fixedLength + Int(length)
        guard total <= maximumLength else {
            throw Self.malformed("the header has \(total) bytes, more than \(maximumLength)")
        }
        guard let block = rest.readSlice(length: Int(length)),
            let header = bytes.getSlice(at: bytes.readerIndex, length: total)
        else { return .incomplete }
        let result = try Self.header(block, command, familyAndTransport, whole: header)
        bytes = rest
        return .header(result)
    }

    private static func header(
        _ block: ByteBuffer, _ command: ProxyHeader.Command, _ familyAndTransport: UInt8, whole: ByteBuffer
    ) throws -> ProxyHeader {
        // Section 2.2: whatever else the block of a LOCAL connection says is to be discarded.
        if command == .local { return ProxyHeader(.v2, command: .local, transport: .unspecified) }
        guard let family = ProxyHeaderSyntax.Family(rawValue: familyAndTransport >> 4),
            let transport = ProxyHeaderSyntax.transport(familyAndTransport & 0x0F)
        else { throw malformed("the address family or the transport is unknown") }
        var block = block
        guard var addresses = block.readSlice(length: family.addressesLength) else {
            throw malformed("the header is too short for its addresses")
        }
        var header = ProxyHeader(.v2, transport: transport)
        if transport == .unspecified || family == .unspecified {
            header.transport = .unspecified
        } else {
            (header.source, header.destination) = try endpoints(&addresses, family)
        }
        guard let values = values(&block) else {
            // Addresses of an unknown kind may be there, and are to be ignored.
            if header.transport == .unspecified { return header }
            throw malformed("a value is longer than what is left of the header")
        }
        for value in values where value.tlv.type == ProxyHeaderSyntax.checksumType {
            try verify(value.tlv, at: value.offset, in: whole)
            header.hasChecksum = true
        }
        header.tlvs = values.map(\.tlv).filter { $0.type != ProxyHeaderSyntax.checksumType }
        return header
    }

    private static func endpoints(
        _ bytes: inout ByteBuffer, _ family: ProxyHeaderSyntax.Family
    ) throws -> (SocketAddress?, SocketAddress?) {
        let length = family == .unix ? ProxyHeaderSyntax.pathLength : family == .ipv4 ? 4 : 16
        guard let source = bytes.readSlice(length: length), let destination = bytes.readSlice(length: length) else {
            throw malformed("the header is too short for its addresses")
        }
        if family == .unix { return (try path(source), try path(destination)) }
        guard let ports = bytes.readMultipleIntegers(as: (UInt16, UInt16).self) else {
            throw malformed("the header is too short for its ports")
        }
        return (
            try? SocketAddress(packedIPAddress: source, port: Int(ports.0)),
            try? SocketAddress(packedIPAddress: destination, port: Int(ports.1))
        )
    }

    /// A path ends at its first NUL; an empty one is a socket without a name.
    private static func path(_ bytes: ByteBuffer) throws -> SocketAddress? {
        let path = bytes.readableBytesView.prefix { $0 != 0 }
        if path.isEmpty { return nil }
        guard let text = String(validating: path, as: UTF8.self),
            let address = try? SocketAddress(unixDomainSocketPath: text)
        else { throw malformed("the path of a socket is not valid") }
        return address
    }

    /// The values in `block`, each with the distance of its data from the block's end; `nil` when the lengths do not fit.
    private static func values(_ block: inout ByteBuffer) -> [(tlv: ProxyHeader.TLV, offset: Int)]? {
        var values: [(ProxyHeader.TLV, Int)] = []
        while let type = block.readInteger(as: UInt8.self) {
            guard let length = block.readInteger(as: UInt16.self) else { return nil }
            let offset = block.readableBytes
            guard let value = block.readSlice(length: Int(length)) else { return nil }
            values.append((ProxyHeader.TLV(type: type, value: value), offset))
        }
        return values
    }

    /// The checksum is of the whole header with zeros in its own place (section 2.2.3).
    private static func verify(_ value: ProxyHeader.TLV, at offset: Int, in whole: ByteBuffer) throws {
        guard value.value.readableBytes == 4,
            let expected = value.value.getInteger(at: value.value.readerIndex, as: UInt32.self)
        else { throw malformed("the checksum does not have 4 bytes") }
        var whole = whole
        whole.setInteger(UInt32(0), at: whole.writerIndex - offset)
        guard CRC32C.checksum(whole.readableBytesView) == expected else {
            throw malformed("the checksum does not match")
        }
    }
}

internal import JSONText

/// What stands before the payload: `<type>[<attachments>-][<namespace>,][<id>]` ("Packet encoding", "Format").
struct PacketHeader {
    let kind: SocketIOPacket.Kind
    private(set) var attachmentCount = 0
    private(set) var namespace = "/"
    private(set) var id: UInt64?
    /// In bytes; the payload follows.
    private(set) var length = 1

    init(_ bytes: borrowing RawSpan, limits: SocketIOLimits) throws(SocketIOParseError) {
        guard let first = bytes.byte(0), let kind = SocketIOPacket.Kind(rawValue: first &- UInt8(ascii: "0")) else {
            throw SocketIOParseError(
                code: .unknownType, message: "The packet does not start with a type from 0 to 6.", offset: 0)
        }
        self.kind = kind
        if kind == .binaryEvent || kind == .binaryAck { try self.readAttachmentCount(bytes, limits) }
        if bytes.byte(self.length) == UInt8(ascii: "/") { try self.readNamespace(bytes, limits) }
        try self.readID(bytes)
        if self.id == nil, kind == .ack || kind == .binaryAck {
            throw SocketIOParseError(
                code: .illegalID, message: "An acknowledgement needs the id that it answers.", offset: self.length)
        }
    }

    private mutating func readAttachmentCount(
        _ bytes: borrowing RawSpan, _ limits: SocketIOLimits
    ) throws(SocketIOParseError) {
        let start = self.length
        while let byte = bytes.byte(self.length), byte.isDigit {
            // Bounded at once: a count of any length cannot overflow.
            self.attachmentCount = min(self.attachmentCount * 10 + Int(byte - UInt8(ascii: "0")), 1_000_000)
            self.length += 1
        }
        guard self.length > start, bytes.byte(self.length) == UInt8(ascii: "-") else {
            throw SocketIOParseError(
                code: .illegalAttachments, message: "Illegal attachments: a number and a hyphen belong here.",
                offset: self.length)
        }
        guard self.attachmentCount <= limits.maxAttachments else {
            throw SocketIOParseError(
                code: .tooManyAttachments, message: "Too many attachments: more than \(limits.maxAttachments).",
                offset: start)
        }
        self.length += 1
    }

    private mutating func readNamespace(
        _ bytes: borrowing RawSpan, _ limits: SocketIOLimits
    ) throws(SocketIOParseError) {
        let start = self.length
        while let byte = bytes.byte(self.length), byte != UInt8(ascii: ",") {
            guard self.length - start < limits.maxNamespaceBytes else {
                throw SocketIOParseError(
                    code: .limitExceeded, message: "The namespace is longer than \(limits.maxNamespaceBytes) bytes.",
                    offset: self.length)
            }
            self.length += 1
        }
        let end = self.length
        let namespace = bytes.withUnsafeBytes { String(validating: $0[start..<end], as: UTF8.self) }
        guard let namespace else {
            throw SocketIOParseError(code: .illegalNamespace, message: "The namespace is not UTF-8.", offset: start)
        }
        self.namespace = namespace
        if end < bytes.byteCount { self.length += 1 }
    }

    private mutating func readID(_ bytes: borrowing RawSpan) throws(SocketIOParseError) {
        let start = self.length
        while let byte = bytes.byte(self.length), byte.isDigit {
            let (product, overflow) = (self.id ?? 0).multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            guard !overflow, !carry else {
                throw SocketIOParseError(
                    code: .illegalID, message: "The acknowledgement id does not fit into 64 bits.", offset: start)
            }
            self.id = sum
            self.length += 1
        }
    }
}

extension SocketIOPacket.Kind {
    /// Throws unless this kind of packet may come without a payload.
    func requireNoPayloadNeeded(offset: Int) throws(SocketIOParseError) {
        switch self {
        case .connect, .disconnect:
            return
        case .event, .binaryEvent, .ack, .binaryAck, .connectError:
            throw SocketIOParseError(
                code: .invalidPayload, message: "Invalid payload: this kind of packet needs one.", offset: offset)
        }
    }
}

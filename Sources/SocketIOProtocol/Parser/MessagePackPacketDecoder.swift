internal import JSONText
internal import NIOCore

/// Decodes packets of the published parser for MessagePack: one binary message with a map of `type`, `nsp`, `id` and `data`.
///
/// Other members are ignored, as clients send some. What is not sent may be missing or `undefined`; in a CONNECT and a
/// DISCONNECT `data` may also be nil, as Python's clients send it.
struct MessagePackPacketDecoder {
    let limits: SocketIOLimits

    func decode(_ message: SocketIOMessage) throws(SocketIOParseError) -> SocketIOPacket {
        guard case .binary(let bytes) = message else {
            throw SocketIOParseError(
                code: .unexpectedText, message: "Got plaintext data where MessagePack belongs.", offset: 0)
        }
        guard bytes.readableBytes <= self.limits.maxPacketBytes else {
            throw SocketIOParseError(
                code: .limitExceeded, message: "The packet is larger than \(self.limits.maxPacketBytes) bytes.",
                offset: self.limits.maxPacketBytes)
        }
        let span = bytes.readableBytesSpan
        try self.validate(span)
        let fields = Fields(span)
        let kind = try self.kind(fields, span)
        let namespace = try self.namespace(fields, span)
        let payload = try self.payload(fields, span, kind)
        return SocketIOPacket(
            kind: kind, namespace: namespace, id: try self.id(fields, span, kind),
            payload: payload.flatMap { bytes.getSlice(at: bytes.readerIndex + $0.lowerBound, length: $0.count) },
            attachments: [], format: .messagePack)
    }

    /// Where the values of the members stand; of members with the same name the last counts.
    private struct Fields {
        var type: Int?
        var namespace: Int?
        var id: Int?
        var data: Int?

        init(_ bytes: borrowing RawSpan) {
            guard let map = bytes.messagePackHead(at: 0) else { return }
            var at = map.content
            for _ in 0..<map.length {
                let key = at
                at = bytes.endOfMessagePack(at: key)
                let value = at
                at = bytes.endOfMessagePack(at: value)
                guard let head = bytes.messagePackHead(at: key), head.kind == .string else { continue }
                let end = head.content + head.length
                if bytes.bytesEqual("type", from: head.content, to: end) { self.type = value }
                if bytes.bytesEqual("nsp", from: head.content, to: end) { self.namespace = value }
                if bytes.bytesEqual("id", from: head.content, to: end) { self.id = value }
                if bytes.bytesEqual("data", from: head.content, to: end) { self.data = value }
            }
        }
    }

    private func validate(_ bytes: borrowing RawSpan) throws(SocketIOParseError) {
        var end = 0
        do throws(MessagePackSyntaxError) {
            // One level more: the packet itself is a map.
            let depth = Swift.max(0, Swift.min(self.limits.maxDepth, RawSpan.maxJSONDepth)) + 1
            try bytes.validateMessagePack(&end, maxDepth: depth)
            guard end == bytes.byteCount else {
                throw MessagePackSyntaxError(reason: .trailingBytes, offset: end)
            }
        } catch {
            throw SocketIOParseError(
                code: error.reason == .tooDeep ? .limitExceeded : .invalidMessagePack,
                message: "Invalid packet: \(error.reason.rawValue).", offset: error.offset)
        }
        guard bytes.messagePackHead(at: 0)?.kind == .map else {
            throw SocketIOParseError(code: .invalidPayload, message: "Invalid packet: a map belongs here.", offset: 0)
        }
    }

    private func kind(_ fields: Fields, _ bytes: borrowing RawSpan) throws(SocketIOParseError) -> SocketIOPacket.Kind {
        var at = fields.type ?? 0
        guard fields.type != nil, let type = (try? bytes.readPackedNumber(&at))?.exactly(UInt8.self), type <= 4,
            let kind = SocketIOPacket.Kind(rawValue: type)
        else {
            throw SocketIOParseError(
                code: .unknownType, message: "The packet has no type from 0 to 4.", offset: fields.type ?? 0)
        }
        return kind
    }

    private func namespace(_ fields: Fields, _ bytes: borrowing RawSpan) throws(SocketIOParseError) -> String {
        guard var at = fields.namespace, let head = bytes.messagePackHead(at: at), head.kind == .string else {
            throw SocketIOParseError(
                code: .illegalNamespace, message: "The namespace is not a string.", offset: fields.namespace ?? 0)
        }
        guard head.length <= self.limits.maxNamespaceBytes else {
            throw SocketIOParseError(
                code: .limitExceeded, message: "The namespace is longer than \(self.limits.maxNamespaceBytes) bytes.",
                offset: at)
        }
        return (try? bytes.readPackedString(&at)) ?? "/"
    }

    private func id(
        _ fields: Fields, _ bytes: borrowing RawSpan, _ kind: SocketIOPacket.Kind
    ) throws(SocketIOParseError) -> UInt64? {
        guard var at = fields.id, !bytes.isUndefined(at) else {
            guard kind != .ack else {
                throw SocketIOParseError(
                    code: .illegalID, message: "An acknowledgement needs the id that it answers.", offset: 0)
            }
            return nil
        }
        let start = at
        guard let id = (try? bytes.readPackedNumber(&at))?.exactly(UInt64.self) else {
            throw SocketIOParseError(
                code: .illegalID, message: "The acknowledgement id is not an integer from 0 up.", offset: start)
        }
        return id
    }

    private func payload(
        _ fields: Fields, _ bytes: borrowing RawSpan, _ kind: SocketIOPacket.Kind
    ) throws(SocketIOParseError) -> Range<Int>? {
        let start = fields.data ?? 0
        let head = fields.data.flatMap { bytes.isUndefined($0) ? nil : bytes.messagePackHead(at: $0) }
        guard let head, head.kind != .null || !kind.mayLackPayload else {
            try kind.requireNoPayloadNeeded(offset: start)
            return nil
        }
        let expected: StaticString
        switch (kind, head.kind) {
        case (.event, .array):
            try self.requireEventName(head, bytes)
            return start..<bytes.endOfMessagePack(at: start)
        case (.ack, .array), (.connect, .map), (.connectError, .map), (.connectError, .string):
            return start..<bytes.endOfMessagePack(at: start)
        case (.event, _), (.ack, _), (.binaryEvent, _), (.binaryAck, _): expected = "an array"
        case (.connect, _): expected = "a map"
        case (.connectError, _): expected = "a map or a string"
        case (.disconnect, _): expected = "nothing"
        }
        throw SocketIOParseError(
            code: .invalidPayload, message: "Invalid payload: \(expected) belongs here.", offset: start)
    }

    private func requireEventName(_ array: MessagePackHead, _ bytes: borrowing RawSpan) throws(SocketIOParseError) {
        guard array.length > 0, let name = bytes.messagePackHead(at: array.content) else {
            throw SocketIOParseError(
                code: .invalidPayload, message: "Invalid payload: the name of the event is missing.",
                offset: array.content)
        }
        switch name.kind {
        case .integer, .float: return
        case .string:
            let end = name.content + name.length
            let isReserved = ReservedEvent.allCases.contains {
                bytes.bytesEqual($0.rawValue, from: name.content, to: end)
            }
            guard !isReserved else {
                throw SocketIOParseError(
                    code: .invalidPayload, message: "Invalid payload: the name of the event is reserved.",
                    offset: array.content)
            }
        default:
            throw SocketIOParseError(
                code: .invalidPayload, message: "Invalid payload: an event has a string or number as its name.",
                offset: array.content)
        }
    }
}

extension SocketIOPacket.Kind {
    fileprivate var mayLackPayload: Bool { self == .connect || self == .disconnect }
}

extension RawSpan {
    /// JavaScript's `undefined`, which the published parser writes for what an object has, but without a value.
    fileprivate func isUndefined(_ position: Int) -> Bool {
        self.byte(position) == 0xD4 && self.byte(position + 1) == 0
    }
}

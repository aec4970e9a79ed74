internal import JSONText

extension RawSpan {
    /// Checks everything behind the header: that it is JSON, that it has the shape which the kind of packet requires, and
    /// that its placeholders stand for attachments.
    func validatePayload(
        _ kind: SocketIOPacket.Kind, from offset: Int, attachments: Int, limits: SocketIOLimits
    ) throws(SocketIOParseError) {
        guard kind != .disconnect else {
            throw SocketIOParseError(
                code: .invalidPayload, message: "Invalid payload: DISCONNECT has none.", offset: offset)
        }
        do throws(JSONSyntaxError) {
            try self.validateJSON(from: offset, maxDepth: limits.maxDepth)
        } catch {
            throw SocketIOParseError(
                code: error.reason == .tooDeep ? .limitExceeded : .invalidJSON,
                message: "Invalid payload: \(error.reason.rawValue).", offset: error.offset)
        }
        var start = offset
        self.skipWhitespace(&start)
        try self.requireShape(of: kind, at: start)
        guard kind == .binaryEvent || kind == .binaryAck else { return }
        do throws(IllegalPlaceholder) {
            var at = start
            try self.checkPlaceholders(&at, count: attachments)
        } catch {
            throw SocketIOParseError(
                code: .illegalAttachments, message: "Illegal attachments: a placeholder stands for none of them.",
                offset: error.offset)
        }
    }

    private func requireShape(of kind: SocketIOPacket.Kind, at start: Int) throws(SocketIOParseError) {
        let shape = self.jsonKind(at: start)
        let expected: StaticString
        switch kind {
        case .event, .binaryEvent:
            if shape == .array { return try self.requireEventName(in: start) }
            expected = "an array"
        case .ack, .binaryAck:
            if shape == .array { return }
            expected = "an array"
        case .connect:
            if shape == .object { return }
            expected = "an object"
        case .connectError:
            if shape == .object || shape == .string { return }
            expected = "an object or a string"
        case .disconnect:
            expected = "nothing"
        }
        throw SocketIOParseError(
            code: .invalidPayload, message: "Invalid payload: \(expected) belongs here.", offset: start)
    }

    private func requireEventName(in array: Int) throws(SocketIOParseError) {
        guard let name = self.firstElement(in: array) else {
            throw SocketIOParseError(
                code: .invalidPayload, message: "Invalid payload: the name of the event is missing.", offset: array)
        }
        switch self.jsonKind(at: name) {
        case .number:
            return
        case .string:
            // A backslash may hide any first letter.
            let first = self.byte(name + 1)
            guard ReservedEvent.mayContain(nameStartingWith: first) || first == UInt8(ascii: "\\") else { return }
            guard !ReservedEvent.allCases.contains(where: { self.stringEquals($0.rawValue, at: name) }) else {
                throw SocketIOParseError(
                    code: .invalidPayload, message: "Invalid payload: the name of the event is reserved.", offset: name)
            }
        case .null, .boolean, .array, .object:
            throw SocketIOParseError(
                code: .invalidPayload, message: "Invalid payload: an event has a string or number as its name.",
                offset: name)
        }
    }
}

internal import JSONText
internal import NIOCore

/// What stands in the JSON of a binary packet for an attachment: `{"_placeholder":true,"num":0}`.
///
/// As the reference does, any object counts as one whose `_placeholder` is `true`, whatever else it has.
private struct PlaceholderProbe {
    private(set) var isPlaceholder = false
    private var number: Int?

    /// Looks at one member; of members with the same name the last counts.
    mutating func see(key: Int, value: Int, in text: borrowing RawSpan) {
        // A key that is longer than it should be may be written with escapes.
        if text.stringEquals("_placeholder", at: key) {
            self.isPlaceholder = text.byte(value) == UInt8(ascii: "t")
        } else if text.stringEquals("num", at: key) {
            self.number = value
        }
    }

    /// The index of the attachment, if there is one of that number.
    func index(in text: borrowing RawSpan, count: Int) -> Int? {
        guard var at = self.number, text.jsonKind(at: at) == .number, let index = try? text.readInteger(Int.self, &at),
            (0..<count).contains(index)
        else { return nil }
        return index
    }
}

extension RawSpan {
    /// Checks every placeholder in the value at `at` and moves past it; throws the position of one that stands for none
    /// of `count` attachments. Recursion is as deep as the nesting that validation let through.
    func checkPlaceholders(_ at: inout Int, count: Int) throws(IllegalPlaceholder) {
        switch self.jsonKind(at: at) {
        case .array:
            var next = self.firstElement(in: at)
            at += 1
            while let element = next {
                at = element
                try self.checkPlaceholders(&at, count: count)
                next = self.nextElement(after: at)
            }
            self.skipWhitespace(&at)
            at += 1
        case .object:
            let start = at
            var probe = PlaceholderProbe()
            var next = self.firstElement(in: at)
            at += 1
            while let key = next {
                at = key
                self.skipString(&at)
                at = self.memberValue(afterKey: at)
                probe.see(key: key, value: at, in: self)
                try self.checkPlaceholders(&at, count: count)
                next = self.nextElement(after: at)
            }
            self.skipWhitespace(&at)
            at += 1
            guard !probe.isPlaceholder || probe.index(in: self, count: count) != nil else {
                throw IllegalPlaceholder(offset: start)
            }
        case .string:
            self.skipString(&at)
        case .null, .boolean, .number:
            at = self.endOfScalar(at: at)
        }
    }

    /// The index of the attachment that the object at `position` stands for; nil if it is an ordinary object.
    func attachmentIndex(ofObject position: Int, count: Int) throws(JSONReadFailure) -> Int? {
        var probe = PlaceholderProbe()
        var next = self.firstElement(in: position)
        while let key = next {
            var at = key
            self.skipString(&at)
            at = self.memberValue(afterKey: at)
            probe.see(key: key, value: at, in: self)
            next = self.nextElement(after: self.endOfValue(at: at))
        }
        guard probe.isPlaceholder else { return nil }
        guard let index = probe.index(in: self, count: count) else {
            throw .unrepresentable(self.string(position, self.endOfValue(at: position)))
        }
        return index
    }

    /// Reads the placeholder at `at` as the attachment it stands for, and moves past it.
    func readAttachment(_ at: inout Int, _ attachments: [ByteBuffer]) throws(JSONReadFailure) -> ByteBuffer {
        try self.require(.object, at: at)
        guard !attachments.isEmpty, let index = try self.attachmentIndex(ofObject: at, count: attachments.count) else {
            throw .mismatch(found: .object)
        }
        at = self.endOfValue(at: at)
        return attachments[index]
    }
}

/// A placeholder without an attachment.
struct IllegalPlaceholder: Error {
    let offset: Int
}

extension ByteBuffer {
    /// Adds an attachment and writes the placeholder for it.
    mutating func writeAttachment(_ bytes: ByteBuffer, attachments: inout [ByteBuffer]) {
        self.writeStaticString("{\"_placeholder\":true,\"num\":")
        self.writeDecimal(attachments.count)
        self.writeInteger(UInt8(ascii: "}"))
        attachments.append(bytes)
    }
}

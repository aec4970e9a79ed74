/// Where the members of one object stand. Of members with the same name the last counts, as with `JSON.parse`.
///
/// A class, because the box that the standard library keeps a container in copies it at every call.
final class JSONObject {
    let decoder: JSONValueDecoder

    private struct Member {
        let key: Int
        let keyEnd: Int
        let value: Int
        let isKeyEscaped: Bool
    }

    /// Up to here comparing one after another is quicker than hashing.
    private static var linearLimit: Int { 16 }

    private var members: [Member] = []
    /// Made for large objects only, so that looking up stays linear in all whatever a peer sends.
    private var index: [ExactString: Int] = [:]

    init(_ decoder: JSONValueDecoder) {
        self.decoder = decoder
        self.members.reserveCapacity(8)
        decoder.source.withText { self.findMembers($0) }
    }

    private func findMembers(_ text: borrowing RawSpan) {
        var next = text.firstElement(in: self.decoder.position)
        while let key = next {
            var keyEnd = key
            let isKeyEscaped = text.skipString(&keyEnd)
            let value = text.memberValue(afterKey: keyEnd)
            self.members.append(Member(key: key, keyEnd: keyEnd, value: value, isKeyEscaped: isKeyEscaped))
            next = text.nextElement(after: text.endOfValue(at: value))
        }
        guard self.members.count > Self.linearLimit else { return }
        for member in self.members {
            var at = member.key
            self.index[ExactString(text.readString(&at))] = member.value
        }
    }

    /// The position of a member's value; nil if there is no such member.
    func value(of name: String) -> Int? {
        guard self.index.isEmpty else { return self.index[ExactString(name)] }
        return self.decoder.source.withText { self.search(name, in: $0) }
    }

    private func search(_ name: String, in text: borrowing RawSpan) -> Int? {
        for member in self.members.reversed() {
            let isFound =
                member.isKeyEscaped
                ? text.stringEquals(name, at: member.key)
                : text.bytesEqual(name, from: member.key + 1, to: member.keyEnd - 1)
            if isFound { return member.value }
        }
        return nil
    }

    /// Each name once, in the order of their first occurrence.
    var names: [String] { self.decoder.source.withText { self.names(in: $0) } }

    private func names(in text: borrowing RawSpan) -> [String] {
        var seen: Set<ExactString> = []
        var names: [String] = []
        for member in self.members {
            var at = member.key
            let name = text.readString(&at)
            if seen.insert(ExactString(name)).inserted { names.append(name) }
        }
        return names
    }
}

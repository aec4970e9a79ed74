/// One extension that a client offers, with its parameters in order (RFC 6455, section 9.1).
struct WebSocketExtensionOffer: Hashable, Sendable {
    struct Parameter: Hashable, Sendable {
        var name: String
        /// Without its quotes; `nil` for a parameter that has none.
        var value: String?
    }

    var name: String
    var parameters: [Parameter] = []
}

/// Why a `Sec-WebSocket-Extensions` header cannot be read. The handshake is refused.
enum WebSocketExtensionHeaderError: Error, Hashable {
    /// It does not follow the grammar.
    case malformed
    /// It is longer than ``WebSocketExtensionHeader/maximumLength``.
    case tooLong
}

/// Reads `Sec-WebSocket-Extensions`, each byte once:
/// ```
/// permessage-deflate; client_max_window_bits; server_max_window_bits="10", permessage-deflate
/// ```
struct WebSocketExtensionHeader {
    /// Bytes of all fields of this name together.
    static let maximumLength = 4096

    private let bytes: [UInt8]
    private var index = 0

    /// The offers of all fields in order.
    static func offers(in fields: [String]) throws(WebSocketExtensionHeaderError) -> [WebSocketExtensionOffer] {
        var length = 0
        var offers: [WebSocketExtensionOffer] = []
        for field in fields {
            length += field.utf8.count
            guard length <= maximumLength else { throw .tooLong }
            var header = Self(bytes: Array(field.utf8))
            try header.read(into: &offers)
        }
        return offers
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func read(into offers: inout [WebSocketExtensionOffer]) throws(WebSocketExtensionHeaderError) {
        while true {
            skipSpace()
            guard let next else { return }
            if next == UInt8(ascii: ",") {  // a list may have empty elements
                index += 1
                continue
            }
            var offer = WebSocketExtensionOffer(name: try token())
            skipSpace()
            while take(UInt8(ascii: ";")) {
                skipSpace()
                offer.parameters.append(try parameter())
                skipSpace()
            }
            offers.append(offer)
            guard index == bytes.count || take(UInt8(ascii: ",")) else { throw .malformed }
        }
    }

    private mutating func parameter() throws(WebSocketExtensionHeaderError) -> WebSocketExtensionOffer.Parameter {
        let name = try token()
        skipSpace()
        guard take(UInt8(ascii: "=")) else { return .init(name: name) }
        skipSpace()
        return .init(name: name, value: take(UInt8(ascii: "\"")) ? try quoted() : try token())
    }

    private mutating func token() throws(WebSocketExtensionHeaderError) -> String {
        let start = index
        while let next, Self.isTokenCharacter(next) { index += 1 }
        guard index > start else { throw .malformed }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    /// A quoted string from behind its first quote; what it says must be a token.
    private mutating func quoted() throws(WebSocketExtensionHeaderError) -> String {
        var value: [UInt8] = []
        while let next {
            index += 1
            if next == UInt8(ascii: "\"") {
                guard !value.isEmpty else { throw .malformed }
                return String(decoding: value, as: UTF8.self)
            }
            var character = next
            if next == UInt8(ascii: "\\") {
                guard let escaped = self.next else { throw .malformed }
                index += 1
                character = escaped
            }
            guard Self.isTokenCharacter(character) else { throw .malformed }
            value.append(character)
        }
        throw .malformed
    }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") { index += 1 }
    }

    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

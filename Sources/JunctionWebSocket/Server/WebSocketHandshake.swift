import NIOHTTP1

/// What the server's side of the opening handshake checks and answers (RFC 6455, sections 4.2.1 and 4.2.2).
enum WebSocketHandshake {
    /// The accept value for a request that opens a connection.
    ///
    /// - Throws: ``WebSocketHandshakeError`` when it does not.
    static func accept(_ head: HTTPRequestHead) throws(WebSocketHandshakeError) -> String {
        guard head.method == .GET else { throw WebSocketHandshakeError.notGET }
        guard let version = single("sec-websocket-version", head.headers), version == "13" else {
            throw WebSocketHandshakeError.unsupportedVersion
        }
        guard let key = single("sec-websocket-key", head.headers), isKey(key.utf8) else {
            throw WebSocketHandshakeError.invalidKey
        }
        return accept(key: key)
    }

    /// The proof that the key was read: the hash of it and of a constant that only WebSocket has.
    static func accept(key: String) -> String {
        let digest = SHA1.hash(Array(key.utf8) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)
        return String(unsafeUninitializedCapacity: 28) { output in
            // 20 bytes are 26 digits of six bits, one of four, and the filler.
            var bits: UInt32 = 0
            var bitCount = 0
            var written = 0
            for byte in digest {
                bits = bits << 8 | UInt32(byte)
                bitCount += 8
                while bitCount >= 6 {
                    bitCount -= 6
                    output[written] = alphabet[Int(bits >> UInt32(bitCount) & 63)]
                    written += 1
                }
            }
            output[written] = alphabet[Int(bits << UInt32(6 - bitCount) & 63)]
            output[written + 1] = UInt8(ascii: "=")
            return written + 2
        }
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Sixteen bytes in base64.
    private static func isKey(_ key: String.UTF8View) -> Bool {
        key.count == 24 && key.suffix(2).allSatisfy { $0 == UInt8(ascii: "=") }
            && key.dropLast(2).allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                    true
                default: false
                }
            }
    }

    /// The value of a field that must be there once.
    private static func single(_ name: String, _ headers: HTTPHeaders) -> String? {
        let values = headers[name]
        return values.count == 1 ? values[0] : nil
    }
}

/// Why a request is no opening handshake.
enum WebSocketHandshakeError: Error {
    /// Another method than GET.
    case notGET
    /// A version other than 13, or none, or several.
    case unsupportedVersion
    /// No key, several, or one that is not sixteen bytes in base64.
    case invalidKey
}

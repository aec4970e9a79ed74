/// What a server and a client have agreed on for permessage-deflate (RFC 7692, section 7.1).
struct CompressionAgreement: Hashable, Sendable {
    /// The server compresses each message by itself.
    var serverNoContextTakeover: Bool
    /// The client compresses each message by itself.
    var clientNoContextTakeover: Bool
    /// The largest window of the server's compressor, where one was agreed on.
    var serverMaxWindowBits: Int?
    /// The largest window of the client's compressor, where one was agreed on.
    var clientMaxWindowBits: Int?

    private static let name = "permessage-deflate"
    static let widestWindow = 15

    /// The first of the offers that can be accepted; `nil` when there is none, and messages are not compressed.
    static func first(of offers: [WebSocketExtensionOffer], _ options: WebSocketCompression) -> Self? {
        for offer in offers where offer.name == name {
            if let agreement = Self(accepting: offer, options) { return agreement }
        }
        return nil
    }

    /// A number from 8 to 15 without leading zeros.
    private static func windowBits(_ value: String) -> Int? {
        switch value {
        case "8", "9", "10", "11", "12", "13", "14", "15": Int(value)
        default: nil
        }
    }

    /// The value of `Sec-WebSocket-Extensions` in the answer.
    var headerValue: String {
        var value = Self.name
        if serverNoContextTakeover { value += "; server_no_context_takeover" }
        if clientNoContextTakeover { value += "; client_no_context_takeover" }
        if let serverMaxWindowBits { value += "; server_max_window_bits=\(serverMaxWindowBits)" }
        if let clientMaxWindowBits { value += "; client_max_window_bits=\(clientMaxWindowBits)" }
        return value
    }
}

extension CompressionAgreement {
    /// Accepts an offer, or declines it as a whole: for a parameter that is unknown, comes twice or has a wrong value, and
    /// for what this server cannot or is not to do.
    private init?(accepting offer: WebSocketExtensionOffer, _ options: WebSocketCompression) {
        serverNoContextTakeover = options.serverNoContextTakeover
        clientNoContextTakeover = options.clientNoContextTakeover
        serverMaxWindowBits = options.serverMaxWindowBits.map { min(max($0, 9), Self.widestWindow) }
        var clientLimitsWindow = false
        var seen: Set<String> = []
        for parameter in offer.parameters {
            guard seen.insert(parameter.name).inserted else { return nil }
            switch (parameter.name, parameter.value) {
            case ("server_no_context_takeover", nil):
                serverNoContextTakeover = true
            case ("client_no_context_takeover", nil):
                clientNoContextTakeover = true
            case ("server_max_window_bits", let value?):
                // zlib cannot compress with a window of 2^8.
                guard let bits = Self.windowBits(value), bits > 8 else { return nil }
                serverMaxWindowBits = min(bits, serverMaxWindowBits ?? bits)
            case ("client_max_window_bits", let value):
                clientLimitsWindow = true
                guard let value else { break }
                guard let bits = Self.windowBits(value) else { return nil }
                clientMaxWindowBits = bits
            default:
                return nil
            }
        }
        guard let limit = options.clientMaxWindowBits.map({ min(max($0, 8), Self.widestWindow) }) else { return }
        guard clientLimitsWindow else { return nil }
        clientMaxWindowBits = min(limit, clientMaxWindowBits ?? limit)
    }
}

/// Why a WebSocket was closed, as the number a close frame carries (RFC 6455, section 7.4).
///
/// Applications choose their own codes from 4000 to 4999; libraries and frameworks register theirs from 3000 to 3999.
public struct WebSocketCloseCode: RawRepresentable, Hashable, Sendable {
    /// The number on the wire.
    public let rawValue: UInt16

    /// Wraps any number, whether a close frame may carry it or not: see ``isAllowedOnTheWire``.
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// 1000: the purpose of the connection is fulfilled.
    public static let normal = Self(rawValue: 1000)
    /// 1001: the server goes down, or the browser left the page.
    public static let goingAway = Self(rawValue: 1001)
    /// 1002: the peer broke the protocol.
    public static let protocolError = Self(rawValue: 1002)
    /// 1003: the endpoint cannot accept this kind of data.
    public static let unsupportedData = Self(rawValue: 1003)
    /// 1005: the close frame carried no code. Never sent.
    public static let noStatus = Self(rawValue: 1005)
    /// 1006: the connection ended without a close frame. Never sent.
    public static let abnormal = Self(rawValue: 1006)
    /// 1007: a text message was not valid UTF-8, or a compressed one could not be inflated.
    public static let invalidData = Self(rawValue: 1007)
    /// 1008: a rule of the endpoint was broken for which no other code fits.
    public static let policyViolation = Self(rawValue: 1008)
    /// 1009: a message was too big.
    public static let messageTooBig = Self(rawValue: 1009)
    /// 1010: the client needed an extension that the server did not agree to.
    public static let missingExtension = Self(rawValue: 1010)
    /// 1011: the server met an unexpected condition.
    public static let internalError = Self(rawValue: 1011)
    /// 1012: the server restarts.
    public static let serviceRestart = Self(rawValue: 1012)
    /// 1013: the server is overloaded; try again later.
    public static let tryAgainLater = Self(rawValue: 1013)

    /// Whether a close frame may carry this code.
    ///
    /// Numbers below 1000 and from 1016 to 2999 are reserved, 5000 and above do not exist, and 1004, 1005, 1006 and 1015
    /// are only ever reported locally (RFC 6455, sections 7.4.1 and 7.4.2).
    public var isAllowedOnTheWire: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

extension WebSocketCloseCode: CustomStringConvertible {
    /// The number.
    public var description: String { "\(rawValue)" }
}

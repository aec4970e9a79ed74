import NIOHTTP1

/// The header fields of an answer, for an application to read and change before it is written.
///
/// ```swift
/// engine.onInitialHeaders { headers, request in
///     headers["x-served-by"] = "node-7"
///     headers["set-cookie"] = "visited=1"       // beside the session's cookie
/// }
/// ```
///
/// Names are compared without case. Fields that frame the answer (`content-length`, `transfer-encoding`, `connection`, `upgrade`)
/// belong to the server: setting them does nothing, nor does a name that is none (RFC 9110, section 5.1). In a value, control
/// characters become spaces, so that text from outside cannot add fields (section 5.5).
public struct ResponseHeaders: Sendable {
    var fields: HTTPHeaders

    init(_ fields: HTTPHeaders) { self.fields = fields }

    /// The value of the field, the first one of several. Setting it replaces all of that name, except for `set-cookie`: each
    /// cookie is a field of its own, so one more is added. `nil` removes the field.
    public subscript(name: String) -> String? {
        get { fields.first(name: name) }
        set {
            guard let newValue else { return fields.remove(name: name) }
            if name.lowercased() == "set-cookie" { return add(name, newValue) }
            guard Self.mayBeSet(name) else { return }
            fields.replaceOrAdd(name: name, value: Self.sanitized(newValue))
        }
    }

    /// Adds a field beside those of the same name.
    public mutating func add(_ name: String, _ value: String) {
        guard Self.mayBeSet(name) else { return }
        fields.add(name: name, value: Self.sanitized(value))
    }

    /// The values of all fields of the name, in order.
    public func values(_ name: String) -> [String] { fields[name] }

    private static let framing: Set<String> = ["content-length", "transfer-encoding", "connection", "upgrade"]

    private static func mayBeSet(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy(isTokenByte) && !framing.contains(name.lowercased())
    }

    /// `tchar` (RFC 9110, section 5.6.2).
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    private static func sanitized(_ value: String) -> String {
        guard value.utf8.contains(where: isControl) else { return value }
        return String(decoding: value.utf8.map { isControl($0) ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }

    private static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 && byte != 0x09 || byte == 0x7F }
}

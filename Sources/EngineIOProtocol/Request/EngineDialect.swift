/// How one client's packets are written: the revision that it speaks, and what it said of itself when it opened its session.
public struct EngineDialect: Hashable, Sendable {
    /// What a binary message looks like outside of a payload.
    public enum BinaryForm: UInt8, Hashable, Sendable {
        /// The bytes, as in revision 4.
        case plain
        /// Behind their type, as in revision 3.
        case typed
        /// Text: the client cannot take bytes (`b64` in the query).
        case base64
    }

    /// The revision of the protocol.
    public let revision: EngineRevision
    /// What a binary message looks like outside of a payload.
    public let binaryForm: BinaryForm
    /// The number of the function that the client wants its payloads given to (`j` in the query); `nil` for a client that takes
    /// them as they are.
    public let jsonpIndex: UInt32?

    /// Revision 4, with binary messages as they are.
    public static let revision4 = EngineDialect(revision: .four)

    /// Describes a client.
    ///
    /// - Parameters:
    ///   - revision: The revision of the protocol.
    ///   - usesBase64: The client cannot take bytes.
    ///   - jsonpIndex: The number of the client's function, for revision 3 only.
    public init(revision: EngineRevision, usesBase64: Bool = false, jsonpIndex: UInt32? = nil) {
        let jsonpIndex = revision == .three ? jsonpIndex : nil
        self.revision = revision
        self.jsonpIndex = jsonpIndex
        // Bytes cannot be the argument of a function call.
        binaryForm = usesBase64 || jsonpIndex != nil ? .base64 : revision == .three ? .typed : .plain
    }
}

extension EngineRequest {
    /// The revision that the query's `EIO` names: 4, or else 3, as for the reference implementation.
    public var revision: EngineRevision { version == "4" ? .four : .three }

    /// How the client that opens a session with this request wants packets written.
    ///
    /// - Throws: ``EngineRequestError/Code/badRequest`` if revision 3's `j` is not a number of 32 bits: it becomes part of a
    ///   program.
    public func dialect() throws(EngineRequestError) -> EngineDialect {
        let usesBase64 = query["b64"].map { !$0.isEmpty } ?? false
        guard revision == .three, let text = query["j"] else {
            return EngineDialect(revision: revision, usesBase64: usesBase64)
        }
        guard text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), let index = UInt32(text) else {
            throw EngineRequestError(.badRequest, detail: "JSONP index")
        }
        return EngineDialect(revision: revision, usesBase64: usesBase64, jsonpIndex: index)
    }
}

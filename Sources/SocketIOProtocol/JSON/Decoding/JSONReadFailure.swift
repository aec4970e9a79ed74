/// Why a value could not be read as the type asked for; becomes a `DecodingError` once the coding path is known.
enum JSONReadFailure: Error {
    case mismatch(found: JSONKind)
    /// The same in MessagePack.
    case mismatched(MessagePackKind)
    /// The right kind of value, but one that the type cannot hold.
    case unrepresentable(String)
    /// Not an error: the type is none of those read directly, so it has to decode itself.
    case needsDecoder

    func decodingError(for type: any Any.Type, at path: CodingPathNode?) -> DecodingError {
        let path = path.keys
        switch self {
        case .needsDecoder:
            return .typeMismatch(type, .init(codingPath: path, debugDescription: "\(type) has to decode itself."))
        case .mismatch(found: .null), .mismatched(.null):
            return .valueNotFound(
                type, .init(codingPath: path, debugDescription: "Expected \(type) but found null."))
        case .mismatch(let kind):
            return .typeMismatch(
                type, .init(codingPath: path, debugDescription: "Expected \(type) but found JSON \(kind.rawValue)."))
        case .mismatched(let kind):
            return .typeMismatch(
                type,
                .init(codingPath: path, debugDescription: "Expected \(type) but found MessagePack \(kind.rawValue)."))
        case .unrepresentable(let text):
            return .dataCorrupted(
                .init(codingPath: path, debugDescription: "\(text.prefix(64)) cannot be represented as \(type)."))
        }
    }
}

internal import JSONText
internal import NIOCore

extension SocketIOValue {
    /// What the peer would get of any value: by way of the JSON that would be sent.
    init(encoding value: any Encodable, path: [any CodingKey]) throws {
        if let value = value as? SocketIOValue {
            self = value
            return
        }
        var json = ByteBuffer()
        var attachments: [ByteBuffer] = []
        try json.writeJSON(value, attachments: &attachments, path: path)
        var at = 0
        do throws(JSONReadFailure) {
            self = try json.readableBytesSpan.readDynamicValue(&at, attachments: attachments)
        } catch {
            // A value that looks like a placeholder and is none.
            throw JSONWriteFailure(reason: "The value looks like a placeholder.").encodingError(for: value, at: path)
        }
    }
}

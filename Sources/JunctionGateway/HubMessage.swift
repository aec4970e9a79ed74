import JunctionCore
import JunctionSocketIO
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What one peer says to all the others, in the form that each transport can carry.
struct HubMessage: Sendable {
    let from: Peer
    /// For Socket.IO: text as a string, other bytes as binary, and any JSON as it came.
    let value: SocketIOValue
    /// For TCP and UDP: text as it is, JSON as its text.
    let bytes: ByteBuffer

    /// A line or a datagram.
    init(from peer: Peer, bytes: ByteBuffer) {
        self.from = peer
        self.bytes = bytes
        let text = String(validating: bytes.readableBytesView, as: UTF8.self)
        self.value = text.map(SocketIOValue.string) ?? .binary(bytes)
    }

    /// The argument of a Socket.IO event.
    init(from peer: Peer, value: SocketIOValue) {
        self.from = peer
        self.value = value
        switch value {
        case .string(let text): self.bytes = ByteBuffer(string: text)
        case .binary(let bytes): self.bytes = bytes
        default: self.bytes = ByteBuffer(string: value.description)
        }
    }
}

extension ByteBuffer {
    /// The same without the LF or CRLF at its end: a datagram that holds a line is one line for TCP clients, not two.
    var withoutLineEnding: ByteBuffer {
        var text = self
        for ending in [UInt8(ascii: "\n"), UInt8(ascii: "\r")] where text.readableBytesView.last == ending {
            text.moveWriterIndex(to: text.writerIndex - 1)
        }
        return text
    }
}

/// The argument of the event `message`.
struct MessageEvent: Encodable, Sendable {
    let from: String
    let transport: TransportKind
    let data: SocketIOValue

    init(_ message: HubMessage) {
        from = message.from.id
        transport = message.from.transport
        data = message.value
    }
}

/// A peer as the web page shows it: the argument of `peer:join`, and an element of `peers`.
struct PeerEvent: Encodable, Sendable {
    let id: String
    let transport: TransportKind
    let address: String
    let since: Date

    init(_ peer: Peer, since: Date) {
        id = peer.id
        transport = peer.transport
        address = peer.address
        self.since = since
    }
}

/// The argument of `peer:leave`.
struct PeerLeaveEvent: Encodable, Sendable {
    let id: String
    let reason: String
}

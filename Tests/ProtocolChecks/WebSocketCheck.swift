import JunctionTransport
import JunctionWebSocket
import NIOCore
import NIOEmbedded
import NIOPosix
import TestSupport

/// Frames of WebSocket, with permessage-deflate and without.
///
/// - However the bytes are cut into chunks, the same events and the same error come out of them.
/// - No message is longer than allowed, no control frame longer than 125 bytes, text is UTF-8.
/// - An event, written again, is read as the same.
struct WebSocketCheck {
    let role: WebSocketFrameDecoder.Role
    /// Small, so that short inputs reach it.
    private let limits = WebSocketFrameLimits(maxMessageBytes: 300, maxFragments: 8)

    /// What came out of a decoder.
    private struct Outcome: Equatable {
        var events: [WebSocketEvent] = []
        var error: WebSocketError.Code?
    }

    /// The executor of each thread: what is shared by the connections of one is kept for ever.
    private static let executors = ThreadSpecificVariable<LoopExecutor>()

    private static var executor: LoopExecutor {
        if let executor = executors.currentValue { return executor }
        let executor = LoopExecutor.of(EmbeddedEventLoop())
        executors.currentValue = executor
        return executor
    }

    /// How messages may be compressed.
    private enum Compression: UInt8 {
        case none, eachByItself, takingOver
    }

    /// The first byte tells whether compressed messages are accepted, and how the rest is cut.
    func check(_ input: [UInt8]) throws {
        guard let choice = input.first else { return }
        let bytes = Array(input.dropFirst())
        var generator = SeededGenerator(seed: UInt64(choice))
        let accepts = Compression(rawValue: choice & 3) ?? .none
        let whole = try outcome(of: bytes, accepts) { bytes.count }
        let bytewise = try outcome(of: bytes, accepts) { 1 }
        let cut = try outcome(of: bytes, accepts) { Int.random(in: 1...17, using: &generator) }
        try ProtocolFault.require(
            whole == bytewise && whole == cut, "whole \(whole), byte by byte \(bytewise), in other chunks \(cut)")
        for event in whole.events {
            try check(event)
            try checkRoundTrip(event)
        }
    }

    private func outcome(of bytes: [UInt8], _ accepts: Compression, chunk: () -> Int) throws -> Outcome {
        let inflater =
            accepts == .none ? nil : MessageInflater(takesOver: accepts == .takingOver, on: Self.executor)
        var decoder = WebSocketFrameDecoder(role: role, limits: limits, inflater: inflater)
        var outcome = Outcome()
        var rest = bytes[...]
        while !rest.isEmpty, outcome.error == nil {
            let length = max(1, chunk())
            decoder.append(ByteBuffer(bytes: rest.prefix(length)))
            rest = rest.dropFirst(length)
            do throws(WebSocketError) {
                // A frame takes two bytes at least.
                while outcome.events.count <= bytes.count / 2, let event = try decoder.next() {
                    outcome.events.append(event)
                }
            } catch {
                outcome.error = error.code
            }
            try ProtocolFault.require(outcome.events.count <= bytes.count / 2, "no end of events")
        }
        return outcome
    }

    private func check(_ event: WebSocketEvent) throws {
        switch event {
        case .text(let text):
            let isText = String(validating: Array(text.readableBytesView), as: UTF8.self) != nil
            try ProtocolFault.require(isText && text.readableBytes <= limits.maxMessageBytes, "\(event)")
        case .binary(let bytes):
            try ProtocolFault.require(bytes.readableBytes <= limits.maxMessageBytes, "\(event)")
        case .ping(let bytes), .pong(let bytes):
            try ProtocolFault.require(bytes.readableBytes <= 125, "\(event)")
        case .close(_, let reason):
            try ProtocolFault.require(reason.utf8.count <= 123, "\(event)")
        }
    }

    private func checkRoundTrip(_ event: WebSocketEvent) throws {
        let key: UInt32? = role == .server ? 0x37FA_213D : nil
        var written = ByteBuffer()
        switch event {
        case .text(let text): WebSocketFrameEncoder.write(.text, text, maskingKey: key, into: &written)
        case .binary(let bytes): WebSocketFrameEncoder.write(.binary, bytes, maskingKey: key, into: &written)
        case .ping(let bytes): WebSocketFrameEncoder.write(.ping, bytes, maskingKey: key, into: &written)
        case .pong(let bytes): WebSocketFrameEncoder.write(.pong, bytes, maskingKey: key, into: &written)
        case .close(let code, let reason):
            WebSocketFrameEncoder.writeClose(code, reason: reason, maskingKey: key, into: &written)
        }
        let again = try outcome(of: Array(written.readableBytesView), .none) { .max }
        try ProtocolFault.require(again == Outcome(events: [event]), "\(event) became \(again)")
    }
}

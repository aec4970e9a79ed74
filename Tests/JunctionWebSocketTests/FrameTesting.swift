import NIOCore
import TestSupport

@testable import JunctionWebSocket

/// What a decoder made of its input: the events, and the error that ended them.
struct Decoded: Equatable {
    var events: [WebSocketEvent] = []
    var error: WebSocketError.Code?
}

extension WebSocketFrameDecoder {
    /// Appends the bytes and takes everything there is.
    mutating func decode(_ bytes: ByteBuffer) -> Decoded {
        append(bytes)
        var decoded = Decoded()
        do throws(WebSocketError) {
            while let event = try next() { decoded.events.append(event) }
        } catch {
            decoded.error = error.code
        }
        return decoded
    }

    /// Appends pieces one after another and takes everything there is after each.
    mutating func decode(pieces: [ByteBuffer]) -> Decoded {
        var all = Decoded()
        for piece in pieces {
            let decoded = decode(piece)
            all.events += decoded.events
            all.error = decoded.error
            if decoded.error != nil { break }
        }
        return all
    }
}

extension ByteBuffer {
    /// The bytes cut into pieces of random length, each with storage of its own.
    func pieces(using generator: inout SeededGenerator, maxLength: Int) -> [ByteBuffer] {
        var rest = self
        var pieces: [ByteBuffer] = []
        while rest.readableBytes > 0 {
            let length = min(Int.random(in: 1...max(maxLength, 1), using: &generator), rest.readableBytes)
            guard let piece = rest.readSlice(length: length) else { break }
            pieces.append(ByteBuffer(bytes: piece.readableBytesView))
        }
        return pieces
    }

    /// The first bytes and the rest.
    func split(at count: Int) -> [ByteBuffer] {
        [ByteBuffer(bytes: readableBytesView.prefix(count)), ByteBuffer(bytes: readableBytesView.dropFirst(count))]
    }
}

/// A frame of any first byte, masked or not, as a peer could send it.
func frame(
    _ first: UInt8, _ payload: ByteBuffer = ByteBuffer(), maskingKey: UInt32? = 0x37FA_213D
) -> ByteBuffer {
    var buffer = ByteBuffer()
    WebSocketFrameEncoder.write(.continuation, payload, maskingKey: maskingKey, into: &buffer)
    buffer.setInteger(first, at: 0)
    return buffer
}

func frame(_ first: UInt8, _ payload: String, maskingKey: UInt32? = 0x37FA_213D) -> ByteBuffer {
    frame(first, ByteBuffer(string: payload), maskingKey: maskingKey)
}

func joined(_ buffers: ByteBuffer...) -> ByteBuffer {
    ByteBuffer(bytes: buffers.flatMap { $0.readableBytesView })
}

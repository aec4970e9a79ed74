import NIOCore
import NIOHTTP1
import RawClients
import Testing

@testable import JunctionSocketIO

/// permessage-deflate under Socket.IO, seen as it stands on the wire.
@Suite(.timeLimit(.minutes(5))) struct CompressionTests {
    /// A client that agreed to compression and takes frames apart by hand.
    private final class Client {
        private let connection: RawConnection
        private var bytes = ByteBuffer()

        init(_ connection: RawConnection, offering extensions: String) async throws {
            self.connection = connection
            var headers = RawWebSocket.handshake
            headers.add(name: "sec-websocket-extensions", value: extensions)
            let response = try await connection.request(
                "GET", "/socket.io/?EIO=4&transport=websocket", headers: headers)
            try #require(response.headers.first(name: "sec-websocket-extensions") == extensions)
            #expect(try await next().first == 0x81, "the handshake is short")
            try await connection.send(RawWebSocket.frame(.text, ByteBuffer(string: "40")))
            #expect(try await next().first == 0x81, "so is the confirmation")
        }

        /// The first byte of the next frame, and its payload.
        func next() async throws -> (first: UInt8, payload: ByteBuffer) {
            while true {
                if let frame = takeFrame() { return frame }
                bytes.writeImmutableBuffer(try #require(try await connection.read()))
            }
        }

        private func takeFrame() -> (first: UInt8, payload: ByteBuffer)? {
            var rest = bytes
            guard let first = rest.readInteger(as: UInt8.self),
                var length = rest.readInteger(as: UInt8.self).map(Int.init)
            else { return nil }
            if length == 126 {
                guard let long = rest.readInteger(as: UInt16.self) else { return nil }
                length = Int(long)
            }
            guard let payload = rest.readSlice(length: length) else { return nil }
            bytes = rest
            return (first, payload)
        }
    }

    private static func server() -> SocketIOServer {
        var options = SocketIOOptions()
        options.engine.perMessageDeflate = WebSocketCompression()
        return SocketIOServer(host: "127.0.0.1", options: options)
    }

    private static let text = String(repeating: "가격 1234.5, ", count: 200)
    private static let packet = #"42["price","\#(text)"]"#

    @Test(
        "A broadcast leaves compressed to those who agreed, the same bytes to all of them, and as it is to the others")
    func broadcast() async throws {
        let io = Self.server()
        io.onConnection { _ in }
        try await io.withListening { address in
            try await RawConnection.with(address) { first in
                try await RawConnection.with(address) { second in
                    try await RawWebSocket.with(address) { plain in
                        let offer = "permessage-deflate; server_no_context_takeover"
                        let clients = [
                            try await Client(first, offering: offer), try await Client(second, offering: offer),
                        ]
                        try await plain.connect()
                        io.emit("price", Self.text)
                        var payloads: Set<ByteBuffer> = []
                        for client in clients {
                            let (first, payload) = try await client.next()
                            #expect(first == 0xC1 && payload.readableBytes < 200)
                            payloads.insert(payload)
                        }
                        #expect(payloads.count == 1)
                        #expect(try await plain.nextText() == Self.packet)
                    }
                }
            }
        }
    }

    @Test("An event that is not to be compressed leaves as it is, and one below the threshold does, too")
    func uncompressed() async throws {
        let io = Self.server()
        io.onConnection { socket in
            socket.emit("price", Self.text)
            socket.emit("price", Self.text, flags: .uncompressed)
            socket.emit("price", "short")
        }
        try await io.withListening { address in
            try await RawConnection.with(address) { connection in
                let client = try await Client(connection, offering: "permessage-deflate")
                let (compressed, payload) = try await client.next()
                #expect(compressed == 0xC1 && payload.readableBytes < 200)
                let plain = try await client.next()
                #expect(plain == (0x81, ByteBuffer(string: Self.packet)))
                let short = try await client.next()
                #expect(short == (0x81, ByteBuffer(string: #"42["price","short"]"#)))
            }
        }
    }

    @Test("A message that is small on the wire and too large when inflated ends its connection with 1009")
    func bomb() async throws {
        // 1,000,001 bytes of zeros and more, by a compressor's own hand: a literal and copies of it.
        let bomb = ByteBuffer(bytes: Self.zeros)
        let io = Self.server()
        io.onConnection { _ in }
        try await io.withListening { address in
            try await RawConnection.with(address) { connection in
                let client = try await Client(connection, offering: "permessage-deflate")
                var frame = RawWebSocket.frame(.binary, bomb)
                frame.setInteger(UInt8(0xC2), at: 0)
                try await connection.send(frame)
                let (first, payload) = try await client.next()
                #expect(first == 0x88 && payload.getInteger(at: 0, as: UInt16.self) == 1009)
            }
        }
    }

    /// A block with fixed codes that says: a zero, and 5,000 times 258 more of them (RFC 1951, section 3.2.6).
    private static var zeros: [UInt8] {
        var bits: [Bool] = []
        func append(_ value: Int, _ count: Int) { for bit in 0..<count { bits.append(value >> bit & 1 == 1) } }
        append(0b010, 3)  // not the last block, fixed codes
        for bit in [false, false, true, true, false, false, false, false] { bits.append(bit) }  // the literal 0
        for _ in 0..<5_000 {
            for bit in [true, true, false, false, false, true, false, true] { bits.append(bit) }  // 285: 258 bytes
            append(0, 5)  // from 1 byte before
        }
        append(0, 7)  // the end of the block
        append(0b000, 3)  // a stored block, which the receiver completes
        while bits.count % 8 != 0 { bits.append(false) }
        return stride(from: 0, to: bits.count, by: 8).map { start in
            (0..<8).reduce(0) { $0 | (bits[start + $1] ? UInt8(1) << $1 : 0) }
        }
    }
}

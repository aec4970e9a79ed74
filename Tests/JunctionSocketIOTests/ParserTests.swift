import Foundation
import JunctionSocketIO
import JunctionWebSocket
import NIOCore
import RawClients
import Testing

/// Servers whose packets have another format than the protocol's.
@Suite(.timeLimit(.minutes(1))) struct ParserTests {
    /// A line with kind, namespace and id, and behind it, if there is a payload, a binary message with JSON.
    private struct TwoPartParser: CustomParser {
        func encode(_ packet: NeutralPacket) throws -> [SocketIOMessage] {
            let id = packet.id.map { "\($0)" } ?? "-"
            let line = "\(packet.kind) \(packet.namespace) \(id) \(packet.data == nil ? "end" : "more")"
            var messages = [SocketIOMessage.text(ByteBuffer(string: line))]
            if let data = packet.data { messages.append(.binary(ByteBuffer(string: data.description))) }
            return messages
        }

        func makeDecoder(limits: SocketIOLimits) -> any CustomPacketDecoder { Decoder() }

        struct Malformed: Error {}

        struct Decoder: CustomPacketDecoder {
            var packet: NeutralPacket?

            mutating func decode(_ message: SocketIOMessage) throws -> NeutralPacket? {
                switch message {
                case .text(let text):
                    let parts = String(buffer: text).split(separator: " ")
                    guard parts.count == 4, packet == nil else { throw Malformed() }
                    let kind = SocketIOPacket.Kind.allCases.first { "\($0)" == parts[0] }
                    guard let kind else { throw Malformed() }
                    packet = NeutralPacket(kind: kind, namespace: String(parts[1]), id: UInt64(parts[2]))
                    return parts[3] == "end" ? packet.take() : nil
                case .binary(let bytes):
                    packet?.data = try JSONDecoder().decode(SocketIOValue.self, from: Data(bytes.readableBytesView))
                    return packet.take()
                }
            }
        }
    }

    /// Serves `echo`, which is answered as an event, to the sender and to a room, and as an acknowledgement.
    private func serve(
        _ parser: SocketIOParser, client: @escaping @Sendable (RawWebSocket) async throws -> Void
    ) async throws {
        var options = SocketIOOptions()
        options.parser = parser
        let io = SocketIOServer(host: "127.0.0.1", options: options)
        io.use { socket in
            if socket.handshake.auth["token"] == "wrong" { throw ConnectError("no", data: [1]) }
        }
        io.onConnection { socket in
            socket.on("echo") { (text: String, number: Int) in
                socket.emit("echo", text, number)
                io.emit("everybody", number)
                return number + 1
            }
            socket.on("ask") { () async throws in
                let answer: Int = try await socket.emitWithAck("question")
                socket.emit("answered", answer)
            }
            socket.on("leave") { socket.disconnect() }
        }
        try await io.withListening { address in
            try await RawWebSocket.with(address) { socket in
                #expect(try await socket.nextText().hasPrefix("0{"))
                try await client(socket)
            }
        }
    }

    private func bytes(_ socket: RawWebSocket) async throws -> ByteBuffer {
        let event = try await socket.next()
        guard case .binary(let bytes)? = event else {
            Issue.record("expected bytes, got \(event.map { "\($0)" } ?? "the end")")
            throw CancellationError()
        }
        return bytes
    }

    private func expect(_ socket: RawWebSocket, _ line: String, _ payload: String) async throws {
        #expect(try await socket.nextText() == "4" + line)
        #expect(try await String(buffer: bytes(socket)) == payload)
    }

    @Test("a parser of the program's own carries every kind of packet both ways")
    func custom() async throws {
        try await serve(.custom(TwoPartParser())) { socket in
            try await socket.send("4connect / - more")
            try await socket.send(Array(#"{"token":"wrong"}"#.utf8))
            try await expect(socket, "connectError / - more", #"{"message":"no","data":[1]}"#)
            try await socket.send("4connect / - end")
            #expect(try await socket.nextText() == "4connect / - more")
            #expect(try await String(buffer: bytes(socket)).hasPrefix(#"{"sid":""#))
            try await socket.send("4event / 7 more")
            try await socket.send(Array(#"["echo","a",1]"#.utf8))
            try await expect(socket, "event / - more", #"["echo","a",1]"#)
            try await expect(socket, "event / - more", #"["everybody",1]"#)
            try await expect(socket, "ack / 7 more", "[2]")
            try await socket.send("4event / - more")
            try await socket.send(Array(#"["ask"]"#.utf8))
            try await expect(socket, "event / 0 more", #"["question"]"#)
            try await socket.send("4ack / 0 more")
            try await socket.send(Array("[42]".utf8))
            try await expect(socket, "event / - more", #"["answered",42]"#)
            try await socket.send("4event / - more")
            try await socket.send(Array(#"["leave"]"#.utf8))
            #expect(try await socket.nextText() == "4disconnect / - end")
        }
    }

    @Test(
        "a message that a parser of the program's own refuses ends the connection",
        arguments: ["4x", "4event / - end"])
    func refused(_ message: String) async throws {
        try await serve(.custom(TwoPartParser())) { socket in
            try await socket.send(message)
            #expect(try await socket.closeCode() != nil)
        }
    }

    @Test("MessagePack carries every kind of packet both ways, one binary message for each")
    func messagePack() async throws {
        @Sendable func packet(_ type: UInt8, id: UInt8? = nil, _ data: [UInt8]? = nil) -> [UInt8] {
            var bytes: [UInt8] = [0x82 + (id == nil ? 0 : 1) + (data == nil ? 0 : 1)]
            if type == 3, let id { bytes += [0xA2, 0x69, 0x64, id] }
            bytes += [0xA4] + Array("type".utf8) + [type]
            if let data { bytes += [0xA4] + Array("data".utf8) + data }
            if type != 3, let id { bytes += [0xA2, 0x69, 0x64, id] }
            return bytes + [0xA3] + Array("nsp".utf8) + [0xA1, 0x2F]
        }
        @Sendable func text(_ text: String) -> [UInt8] { [0xA0 | UInt8(text.utf8.count)] + Array(text.utf8) }
        try await serve(.messagePack) { socket in
            try await socket.send(packet(0, [0x81] + text("token") + text("wrong")))
            let refusal = packet(4, [0x82] + text("message") + text("no") + text("data") + [0x91, 1])
            #expect(try await bytes(socket) == ByteBuffer(bytes: refusal))
            try await socket.send(packet(0))
            #expect(try await bytes(socket).readableBytes > 30)
            try await socket.send(packet(2, id: 7, [0x93] + text("echo") + text("a") + [1]))
            #expect(try await bytes(socket) == ByteBuffer(bytes: packet(2, [0x93] + text("echo") + text("a") + [1])))
            #expect(try await bytes(socket) == ByteBuffer(bytes: packet(2, [0x92] + text("everybody") + [1])))
            #expect(try await bytes(socket) == ByteBuffer(bytes: packet(3, id: 7, [0x91, 2])))
            try await socket.send(packet(2, [0x91] + text("ask")))
            #expect(try await bytes(socket) == ByteBuffer(bytes: packet(2, id: 0, [0x91] + text("question"))))
            try await socket.send(packet(3, id: 0, [0x91, 42]))
            #expect(try await bytes(socket) == ByteBuffer(bytes: packet(2, [0x92] + text("answered") + [42])))
            try await socket.send(packet(2, [0x91] + text("leave")))
            #expect(try await bytes(socket) == ByteBuffer(bytes: packet(1)))
        }
    }

    @Test("text, where the packets are MessagePack, ends the connection")
    func text() async throws {
        try await serve(.messagePack) { socket in
            try await socket.send("40")
            #expect(try await socket.closeCode() != nil)
        }
    }
}

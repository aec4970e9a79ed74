import JunctionGateway
import JunctionSocketIO
import NIOCore
import RawClients
import Testing

/// What one peer says reaches all others, in the form of their transport.
@Suite(.timeLimit(.minutes(5))) struct HubTests {
    @Test("A line reaches the peers of every transport, and not its sender")
    func line() async throws {
        try await TestGateway.withClients { clients in
            try await LineClient.with(clients.address) { other in
                try await other.say("안녕하세요")
                let id = try await clients.web.expectJoin("tcp", from: other.address)
                try await clients.web.expect("안녕하세요", from: id, "tcp")
                #expect(try await clients.tcp.next() == "안녕하세요")
                #expect(try await clients.udp.next() == "안녕하세요")
                // What it hears first is the other's line, not its own.
                try await clients.tcp.say("hello yourself")
                #expect(try await other.next() == "hello yourself")
            }
        }
    }

    @Test("A datagram reaches the peers of every transport, and not its sender")
    func datagram() async throws {
        try await TestGateway.withClients { clients in
            try await DatagramClient.with(clients.address) { other in
                try await other.say("ping")
                let id = try await clients.web.expectJoin("udp", from: other.address)
                try await clients.web.expect("ping", from: id, "udp")
                #expect(try await clients.tcp.next() == "ping")
                #expect(try await clients.udp.next() == "ping")
                try await clients.udp.say("pong")
                #expect(try await other.next() == "pong")
            }
        }
    }

    @Test(
        "What a Socket.IO client says reaches TCP and UDP as text: a string as it is, any other value as its JSON",
        arguments: [
            (#""Hello""#, "Hello"), (#""두 \u0031""#, "두 1"), (#""""#, ""), ("20.50", "20.50"), ("null", "null"),
            (#"{ "id": 7, "on": [true, 1e3] }"#, #"{"id":7,"on":[true,1e3]}"#),
        ])
    func value(_ json: String, _ text: String) async throws {
        try await TestGateway.withClients { clients in
            try await clients.web.say(json)
            #expect(try await clients.tcp.next() == text)
            #expect(try await clients.udp.next() == text)
        }
    }

    @Test("Bytes that a Socket.IO client says reach TCP and UDP as they are, and other Socket.IO clients as bytes")
    func bytes() async throws {
        let bytes: [UInt8] = [0, 0xFF, 0x41]
        try await TestGateway.withClients { clients in
            try await HubSocket.with(clients.address) { other in
                try await other.expectPeers()
                _ = try await clients.web.expectJoin("socketio")
                try await other.say(bytes)
                #expect(try await clients.udp.nextBytes() == ByteBuffer(bytes: bytes))
                #expect(try await clients.tcp.nextBytes() == ByteBuffer(bytes: bytes))
                try await clients.web.expect(.binary(ByteBuffer(bytes: bytes)), from: other.id, "socketio")
            }
        }
    }

    @Test("JSON that a Socket.IO client says reaches other Socket.IO clients as JSON, and not itself")
    func json() async throws {
        try await TestGateway.withClients { clients in
            try await HubSocket.with(clients.address) { other in
                try await other.expectPeers()
                _ = try await clients.web.expectJoin("socketio")
                try await other.say(#"{"id":7}"#)
                try await clients.web.expect(["id": 7], from: other.id, "socketio")
                try await clients.web.say("8")
                try await other.expect(8, from: clients.web.id, "socketio")
            }
        }
    }

    @Test("A datagram that is not UTF-8 reaches Socket.IO clients as bytes")
    func binaryDatagram() async throws {
        try await TestGateway.withClients { clients in
            try await clients.udp.say([0xC0, 0x80])
            try await clients.web.expect(.binary(ByteBuffer(bytes: [0xC0, 0x80])), from: clients.udpID, "udp")
            #expect(try await clients.tcp.nextBytes() == ByteBuffer(bytes: [0xC0, 0x80]))
        }
    }

    @Test("A datagram that ends with a line ending is one line for TCP", arguments: ["on\n", "on\r\n"])
    func datagramWithLineEnding(_ text: String) async throws {
        try await TestGateway.withClients { clients in
            try await clients.udp.say(text)
            try await clients.udp.say("off")
            #expect(try await clients.tcp.next() == "on")
            #expect(try await clients.tcp.next() == "off")
        }
    }

    @Test("What comes without a line ending counts as a line after the flush delay")
    func chunk() async throws {
        var configuration = Gateway.Configuration.patient
        configuration.lineFlushDelay = .milliseconds(1)
        try await TestGateway.withClients(configuration) { clients in
            try await RawConnection.with(clients.address) { raw in
                try await raw.send("on")
                let id = try await clients.web.expectJoin("tcp")
                try await clients.web.expect("on", from: id, "tcp")
                try await raw.send("off")
                try await clients.web.expect("off", from: id, "tcp")
                #expect(try await clients.tcp.next() == "on")
                #expect(try await clients.tcp.next() == "off")
            }
        }
    }

    @Test("What comes without a line ending before the end of its client counts as a line")
    func lastChunk() async throws {
        try await TestGateway.withClients { clients in
            try await RawConnection.with(clients.address) { raw in
                try await raw.send("on\noff")
                let id = try await clients.web.expectJoin("tcp")
                try await clients.web.expect("on", from: id, "tcp")
                raw.finish()
                try await clients.web.expect("off", from: id, "tcp")
                #expect(try await clients.web.expectLeave(id) == "closed by the peer")
            }
        }
    }
}

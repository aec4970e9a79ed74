import JunctionSocketIO
import NIOCore
import RawClients
import Testing

/// A Socket.IO client of the hub.
final class HubSocket {
    /// Its id, by which the hub names it.
    let id: String
    /// The address it connected to.
    let address: SocketAddress

    private let socket: RawWebSocket
    private var decoder = SocketIOPacketDecoder()

    private init(_ id: String, _ address: SocketAddress, _ socket: RawWebSocket) {
        self.id = id
        self.address = address
        self.socket = socket
    }

    /// Connects, and closes when `body` is done.
    static func with<Result>(
        _ address: SocketAddress, _ body: (HubSocket) async throws -> Result
    ) async throws -> Result {
        try await RawWebSocket.with(address) { socket in
            try await body(HubSocket(try await socket.connect(), address, socket))
        }
    }

    // MARK: Sending

    /// Says a value, as JSON text.
    func say(_ json: String) async throws { try await socket.send(#"42["message",\#(json)]"#) }

    /// Says bytes.
    func say(_ bytes: [UInt8]) async throws {
        try await socket.send(#"451-["message",{"_placeholder":true,"num":0}]"#)
        try await socket.send(bytes)
    }

    // MARK: Receiving

    /// The argument of the next event, which must have that name.
    func next(_ name: String) async throws -> SocketIOValue {
        let event = try await nextEvent()
        try #require(event.name == name, "\(event.argument)")
        return event.argument
    }

    /// The next event.
    func nextEvent() async throws -> (name: String, argument: SocketIOValue) {
        while true {
            let packet: SocketIOPacket?
            switch try await socket.next() {
            case .text(var text)?:
                try #require(text.readInteger() == UInt8(ascii: "4"), "not a message: \(String(buffer: text))")
                packet = try decoder.decode(text: text)
            case .binary(let bytes)?:
                packet = try decoder.decode(binary: bytes)
            case let other:
                throw Unexpected(description: "an event was expected, got \(other.map { "\($0)" } ?? "the end")")
            }
            guard let packet else { continue }
            var arguments = try EventArguments(packet)
            return (try #require(arguments.event), try arguments.next(SocketIOValue.self))
        }
    }

    /// The next event tells who is there.
    @discardableResult
    func expectPeers() async throws -> [SocketIOValue] {
        let peers = try await next("peers")
        guard case .array(let peers) = peers else { throw Unexpected(description: "no array: \(peers)") }
        return peers
    }

    /// The next event tells that a peer of that transport came; its id.
    func expectJoin(_ transport: String, from address: String? = nil) async throws -> String {
        let peer = try await next("peer:join")
        #expect(peer["transport"]?.stringValue == transport)
        if let address { #expect(peer["address"]?.stringValue == address) }
        return try #require(peer["id"]?.stringValue)
    }

    /// The next event tells that the peer is gone; why.
    func expectLeave(_ id: String) async throws -> String {
        let peer = try await next("peer:leave")
        #expect(peer["id"]?.stringValue == id)
        return try #require(peer["reason"]?.stringValue)
    }

    /// The next event is what that peer said.
    func expect(_ data: SocketIOValue, from id: String, _ transport: String) async throws {
        #expect(try await next("message") == ["from": .string(id), "transport": .string(transport), "data": data])
    }

    /// Waits for the server's close frame and the end; the frame's code.
    func closeCode() async throws -> WebSocketCloseCode? { try await socket.closeCode() }

    /// Something else came than was expected.
    struct Unexpected: Error, CustomStringConvertible {
        let description: String
    }
}

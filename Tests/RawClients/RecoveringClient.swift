import JunctionWebSocket
import NIOCore
package import SocketIOProtocol
package import Testing

/// Does what the stock client does with the private identifier and the offset, over any number of connections.
package struct RecoveringClient: Sendable {
    /// What the server says.
    package enum Message: Equatable, Sendable {
        case connected(recovered: Bool)
        /// The name, then the arguments without the offset.
        case event([SocketIOValue])
        case other(String)
    }

    /// The socket's identifier.
    package private(set) var sid: String?
    package var pid: String?
    /// The last argument of the last event, where that was a string.
    package var offset: String?
    package let namespace: String
    private var decoder = SocketIOPacketDecoder()

    package init(namespace: String = "/") { self.namespace = namespace }

    /// Reads the handshake and asks to be connected.
    package mutating func begin(_ socket: RawWebSocket) async throws {
        #expect(try await socket.nextText().hasPrefix(#"0{"sid":"#))
        decoder = SocketIOPacketDecoder()
        try await ask(socket)
    }

    /// Asks to be connected to the namespace.
    package func ask(_ socket: RawWebSocket) async throws {
        var auth = ""
        if let pid { auth = #"{"pid":"\#(pid)"\#(offset.map { #","offset":"\#($0)""# } ?? "")}"# }
        try await socket.send("40" + (namespace == "/" ? "" : namespace + ",") + auth)
    }

    /// Connects, and returns what was missed, and whether the state was recovered.
    @discardableResult
    package mutating func connect(_ socket: RawWebSocket) async throws -> (missed: [[SocketIOValue]], recovered: Bool) {
        try await begin(socket)
        guard case .connected(let recovered) = try await next(socket) else {
            try #require(Bool(false), "the confirmation comes first")
            return ([], false)
        }
        return (recovered ? try await sync(socket) : [], recovered)
    }

    /// The events that come until the server, which has done with what came before, has answered the event `synced`.
    @discardableResult
    package mutating func sync(_ socket: RawWebSocket) async throws -> [[SocketIOValue]] {
        let path = namespace == "/" ? "" : namespace + ","
        try await socket.send(#"42\#(path)\#(Self.marker)["synced"]"#)
        var missed: [[SocketIOValue]] = []
        while true {
            switch try await next(socket) {
            case .event(let event): missed.append(event)
            case .other("ack [\(Self.marker)]"): return missed
            case let message: try #require(Bool(false), "\(message) among what was missed")
            }
        }
    }

    /// The identifier of that acknowledgement, and its value.
    private static let marker = 1_000_000

    /// Answers ``sync(_:)``.
    package static func synced() -> Int { marker }

    /// The next event.
    package mutating func nextEvent(_ socket: RawWebSocket) async throws -> [SocketIOValue] {
        let message = try await next(socket)
        guard case .event(let event) = message else {
            try #require(Bool(false), "expected an event, got \(message)")
            return []
        }
        return event
    }

    /// The next event, which must be this one.
    package mutating func expect(
        _ event: [SocketIOValue], _ socket: RawWebSocket, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let actual = try await nextEvent(socket)
        #expect(actual == event, sourceLocation: sourceLocation)
    }

    /// The next message; pings are answered.
    package mutating func next(_ socket: RawWebSocket) async throws -> Message {
        while true {
            let packet: SocketIOPacket?
            switch try await socket.next() {
            case .text(var text)?:
                let kind = text.readInteger(as: UInt8.self)
                if kind == UInt8(ascii: "2") {
                    try await socket.send("3")
                    continue
                }
                guard kind == UInt8(ascii: "4") else { return .other(String(buffer: text)) }
                packet = try decoder.decode(text: text)
            case .binary(let bytes)?: packet = try decoder.decode(binary: bytes)
            case let event: return .other(event.map { "\($0)" } ?? "the end")
            }
            if let packet { return try take(packet) }
        }
    }

    private mutating func take(_ packet: SocketIOPacket) throws -> Message {
        switch packet.kind {
        case .connect:
            let answer = try packet.decodePayload(SocketIOValue.self)
            let new = answer["pid"]?.stringValue
            let recovered = new != nil && new == pid
            pid = new
            sid = answer["sid"]?.stringValue
            return .connected(recovered: recovered)
        case .event, .binaryEvent:
            var arguments = try EventArguments(packet)
            var values: [SocketIOValue] = [.string(arguments.event ?? "")]
            values += try arguments.remaining()
            if packet.id == nil, let last = values.last?.stringValue {
                offset = last
                if values.count > 1 { values.removeLast() }
            }
            return .event(values)
        default:
            return .other("\(packet.kind) \(packet.payload.map { String(buffer: $0) } ?? "")")
        }
    }
}

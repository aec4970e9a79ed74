import Foundation
import NIOCore
import Testing

/// A socket of Node's dgram that a test leads by commands; `Peers/dgram-lab.js` describes them.
struct NodeSocket: Sendable {
    /// The arguments of a command.
    enum Argument: Encodable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
        case text(String)
        case number(Int)
        case flag(Bool)

        init(stringLiteral value: String) { self = .text(value) }
        init(integerLiteral value: Int) { self = .number(value) }
        init(booleanLiteral value: Bool) { self = .flag(value) }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let value): try container.encode(value)
            case .number(let value): try container.encode(value)
            case .flag(let value): try container.encode(value)
            }
        }
    }

    let process: PeerProcess

    /// Runs a socket of a type, `udp4` or `udp6`, while the body runs; in a network namespace if one is given.
    static func run(
        _ type: String, in namespace: NetworkNamespace? = nil,
        _ body: @escaping @Sendable (NodeSocket) async throws -> Void
    ) async throws {
        guard let namespace else {
            return try await PeerProcess.run(.node, ["dgram-lab", type]) { try await body(NodeSocket(process: $0)) }
        }
        let node = try #require(Peer.node.executable)
        let script = try #require(Bundle.module.url(forResource: "Peers/dgram-lab", withExtension: "js"))
        try await PeerProcess.run(.ip, ["netns", "exec", namespace.name, node, script.path, type]) {
            try await body(NodeSocket(process: $0))
        }
    }

    /// Gives a command without waiting for its answer.
    func tell(_ command: String, _ arguments: Argument...) async throws { try await tell(command, arguments) }

    private func tell(_ command: String, _ arguments: [Argument]) async throws {
        let line = try JSONEncoder().encode([.text(command)] + arguments)
        try await process.write(String(decoding: line, as: UTF8.self) + "\n")
    }

    /// Gives a command of dgram that says nothing but that it is done.
    func call(_ command: String, _ arguments: Argument...) async throws {
        try await tell(command, arguments)
        try await process.expect("done \(command)")
    }

    /// Binds the socket and returns its port.
    func bind(_ address: String) async throws -> Int {
        try await tell("bind", 0, .text(address))
        return try await process.port()
    }

    /// Sends, and waits until that is done.
    func send(_ text: String, to port: Int, _ address: String) async throws {
        try await tell("send", .text(text), .number(port), .text(address))
        try await process.expect("sent")
    }
}

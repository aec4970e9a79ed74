import JunctionSocketIO
import NIOCore
import RawClients
import Testing

/// What a hostile or broken client sends by WebSocket. Each time the connection is closed with the right code, the socket
/// ends for the right reason, and others go on.
@Suite(.timeLimit(.minutes(5))) struct WebSocketInputTests {
    /// What a client sends.
    enum Sent: Sendable {
        case text(String)
        case binary([UInt8])
    }

    /// Sends it on a connection that is in the main namespace, which must end.
    private func expectEnd(
        _ sent: [Sent], code: WebSocketCloseCode = .normal, reason: String, options: SocketIOOptions = SocketIOOptions()
    ) async throws {
        try await TestServer.run(options: options) { server in
            try await RawWebSocket.with(server.address) { socket in
                try await socket.connect()
                for message in sent {
                    switch message {
                    case .text(let text): try await socket.send(text)
                    case .binary(let bytes): try await socket.send(bytes)
                    }
                }
                #expect(try await socket.closeCode() == code)
                #expect(await server.nextReason() == reason)
            }
        }
    }

    // MARK: Packets

    @Test(
        "Text that is no Engine.IO packet ends the connection with a parse error", arguments: ["", "7", "x", "b*", "Ω"])
    func malformedEnginePacket(_ text: String) async throws {
        try await expectEnd([.text(text)], reason: "parse error")
    }

    @Test(
        "A message that is no Socket.IO packet, or is cut off, ends the connection with a parse error",
        arguments: [
            "4", "49", "4x", "42", "42[", #"42["echo""#, #"42["echo","#, #"42["echo",1"#, #"42["echo"]]"#, "42{}",
            "42[]",
            #"42"echo""#, "42[null]", "42[true]", "42[{}]", #"42["\ud800"#, "42[\"\u{1}\"]", "42[01]", "42[1.]",
            #"42["echo",NaN]"#, #"42["echo",]"#, "41[]", "40[]", "43[]", "431", "4318446744073709551616[]",
            #"42["# + String(repeating: "[", count: 1_000),
        ])
    func malformedPacket(_ text: String) async throws {
        try await expectEnd([.text(text)], reason: "parse error")
    }

    @Test(
        "An event by a name with a meaning of its own ends the connection with a parse error",
        arguments: [
            "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
            #"\u0063onnect"#,
        ])
    func reservedName(_ name: String) async throws {
        try await expectEnd([.text(#"42["\#(name)","x"]"#)], reason: "parse error")
    }

    @Test("Nesting deeper than allowed ends the connection, however deep")
    func deepNesting() async throws {
        for depth in [65, 100_000] {
            let value = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            try await expectEnd([.text(#"42["echo",\#(value)]"#)], reason: "parse error")
        }
    }

    // MARK: Attachments

    @Test(
        "A count of attachments that lies ends the connection with a parse error",
        arguments: [
            // More than allowed, or no number.
            [.text(#"4511-["echo",{"_placeholder":true,"num":0}]"#)],
            [.text(#"45999999999999999999999-["echo",{"_placeholder":true,"num":0}]"#)],
            [.text(#"45["echo",{"_placeholder":true,"num":0}]"#)],
            [.text(#"45-1-["echo",{"_placeholder":true,"num":0}]"#)],
            [.text(#"451.5-["echo",{"_placeholder":true,"num":0}]"#)],
            // A placeholder for an attachment that was not announced.
            [.text(#"450-["echo",{"_placeholder":true,"num":0}]"#)],
            [.text(#"451-["echo",{"_placeholder":true,"num":1}]"#)],
            [.text(#"451-["echo",{"_placeholder":true,"num":-1}]"#)],
            [.text(#"451-["echo",{"_placeholder":true,"num":0.5}]"#)],
            [.text(#"451-["echo",{"_placeholder":true,"num":"0"}]"#)],
            [.text(#"451-["echo",{"_placeholder":true}]"#)],
            // Text where an attachment is due, an attachment where none is.
            [.text(#"451-["echo",{"_placeholder":true,"num":0}]"#), .text(#"42["echo"]"#)],
            [
                .text(#"452-["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#), .binary([1]),
                .text("42"),
            ],
            [.binary([1, 2, 3])],
            [.text(#"450-["echo"]"#), .binary([1])],
        ] as [[Sent]])
    func lyingAttachments(_ sent: [Sent]) async throws {
        try await expectEnd(sent, reason: "parse error")
    }

    @Test("Attachments that together are larger than a packet may be end the connection with a parse error")
    func largeAttachments() async throws {
        var options = SocketIOOptions()
        options.engine.maxHttpBufferSize = 10_000
        let placeholders = #"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#
        let part = Sent.binary(Array(repeating: 1, count: 6_000))
        try await expectEnd(
            [.text(#"452-["echo",\#(placeholders)]"#), part, part], reason: "parse error", options: options)
    }

    // MARK: Packets out of place

    @Test(
        "A packet out of place ends the connection",
        arguments: ["40", #"42/nowhere,["echo"]"#, "43/nowhere,1[]", "41/nowhere,", #"44{"message":"no"}"#])
    func outOfPlace(_ text: String) async throws {
        try await expectEnd([.text(text)], reason: "forced server close")
    }

    @Test("A ping of the client's, which only servers send, ends the connection")
    func ping() async throws {
        try await expectEnd([.text("2")], reason: "transport error")
    }

    @Test("An event before any namespace ends the connection")
    func eventBeforeConnect() async throws {
        try await TestServer.run { server in
            try await RawWebSocket.with(server.address) { socket in
                try await socket.send(#"42["echo"]"#)
                #expect(try await socket.closeCode() == .normal)
            }
        }
    }

    @Test("An unknown event, an acknowledgement nobody waits for and packets without a meaning change nothing")
    func harmless() async throws {
        try await TestServer.run { server in
            try await RawWebSocket.with(server.address) { socket in
                try await socket.connect()
                for text in [#"42["unknown",1]"#, #"4299["unknown"]"#, "4312345[]", "6", "3", "5", "0{}"] {
                    try await socket.send(text)
                }
                try await socket.expectEcho()
            }
        }
    }
}

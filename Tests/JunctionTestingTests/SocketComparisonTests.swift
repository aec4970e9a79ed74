import Foundation
import JunctionTesting
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import JunctionTesting

/// The same steps over a socket and in memory: the handlers must see the same.
@Suite("In-memory links compared with sockets", .timeLimit(.minutes(5)))
struct SocketComparisonTests {
    /// Two connected channels, whatever is between them.
    private struct Ends: Sendable {
        let client: any Channel
        let server: any Channel
        let clientSaw: Recorder
        let serverSaw: Recorder
    }

    /// What can be set before the first read.
    struct Setting: Sendable {
        var halfClosure = true
        var serverReads = true
    }

    private static func inMemory(_ setting: Setting) async throws -> Ends {
        let pair = try await ChannelPair { client, server in
            try client.syncOptions?.setOption(.allowRemoteHalfClosure, value: setting.halfClosure)
            try server.syncOptions?.setOption(.allowRemoteHalfClosure, value: setting.halfClosure)
            try server.syncOptions?.setOption(.autoRead, value: setting.serverReads)
        }
        return Ends(client: pair.client, server: pair.server, clientSaw: pair.clientSaw, serverSaw: pair.serverSaw)
    }

    private static func overSocket(_ setting: Setting) async throws -> Ends {
        let (clientSaw, serverSaw) = (Recorder(), Recorder())
        let accepted = Box<any Channel>()
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.allowRemoteHalfClosure, value: setting.halfClosure)
            .childChannelOption(.autoRead, value: setting.serverReads)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(serverSaw)
                    accepted.put(channel)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let client = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.allowRemoteHalfClosure, value: setting.halfClosure)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(clientSaw) }
            }
            .connect(to: try #require(listener.localAddress)).get()
        let server = try #require(await accepted.take())
        await serverSaw.journal.contains("active")  // a listener that closes earlier takes the connection with it
        try await listener.close()
        return Ends(client: client, server: server, clientSaw: clientSaw, serverSaw: serverSaw)
    }

    /// Takes the steps over both, until both ends have closed.
    private func compare(
        _ setting: Setting, expecting expected: (client: [String], server: [String]),
        _ steps: (Ends) async throws -> Void
    ) async throws {
        for make in [Self.overSocket, Self.inMemory] {
            let ends = try await make(setting)
            try await steps(ends)
            try await ends.client.closeFuture.get()
            try await ends.server.closeFuture.get()
            #expect(ends.clientSaw.summary == expected.client, "\(type(of: ends.client))")
            #expect(ends.serverSaw.summary == expected.server, "\(type(of: ends.server))")
        }
    }

    @Test("half-close: the answer still arrives, and the second end closes both")
    func halfClose() async throws {
        try await compare(
            Setting(),
            expecting: (
                ["active", "outputClosed", "read answer", "inactive"],
                ["active", "read question", "inputClosed", "inactive"]
            )
        ) { ends in
            try await ends.client.writeAndFlush(ByteBuffer(string: "question"))
            try await ends.client.close(mode: .output)
            await ends.serverSaw.journal.contains("inputClosed")
            try await ends.server.writeAndFlush(ByteBuffer(string: "answer"))
            try await ends.server.close(mode: .output)
        }
    }

    @Test("half-close where it is not allowed closes the whole connection")
    func noHalfClose() async throws {
        try await compare(
            Setting(halfClosure: false),
            expecting: (["active", "outputClosed", "inactive"], ["active", "read question", "inactive"])
        ) { ends in
            try await ends.client.writeAndFlush(ByteBuffer(string: "question"))
            try await ends.client.close(mode: .output)
        }
    }

    @Test("close: the peer reads what was sent and then sees the end")
    func close() async throws {
        try await compare(
            Setting(halfClosure: false), expecting: (["active", "inactive"], ["active", "read bye", "inactive"])
        ) { ends in
            try await ends.client.writeAndFlush(ByteBuffer(string: "bye"))
            try await ends.client.close()
        }
    }

    @Test("the end of the stream is noticed by a channel that is not reading, behind what it had not read")
    func endWhileHeld() async throws {
        try await compare(
            Setting(serverReads: false),
            expecting: (["active", "outputClosed", "inactive"], ["active", "read unread", "inputClosed", "inactive"])
        ) { ends in
            try await ends.client.writeAndFlush(ByteBuffer(string: "unread"))
            try await ends.client.close(mode: .output)
            await ends.serverSaw.journal.contains("inputClosed")
            try await ends.server.close()
        }
    }

    @Test("closing with unread input resets the peer")
    func closeUnread() async throws {
        try await compare(
            Setting(serverReads: false),
            expecting: (["active", "error \(ECONNRESET)", "inactive"], ["active", "inactive"])
        ) { ends in
            try await ends.client.writeAndFlush(ByteBuffer(string: "unread"))
            try await ends.server.close()
        }
    }

    @Test("writing to a peer that has closed ends in a reset")
    func writeToClosed() async throws {
        try await compare(
            Setting(), expecting: (["active", "inputClosed", "inactive"], ["active", "inactive"])
        ) { ends in
            try await ends.server.close()
            await ends.clientSaw.journal.contains("inputClosed")
            try await ends.client.writeAndFlush(ByteBuffer(string: "late"))
        }
    }

    @Test("closing without lingering resets the peer")
    func lingerZero() async throws {
        try await compare(
            Setting(), expecting: (["active", "inactive"], ["active", "error \(ECONNRESET)", "inactive"])
        ) { ends in
            if let client = ends.client as? InMemoryChannel {
                try await client.eventLoop.submit { client.resetOnClose() }.get()
            } else {
                let options = try #require(ends.client as? any SocketOptionProvider)
                try await options.unsafeSetSocketOption(level: .socket, name: .so_linger, value: NoLinger()).get()
            }
            try await ends.client.close()
        }
    }

    /// `struct linger` of socket(7): on, for no seconds.
    private struct NoLinger {
        var isOn: CInt = 1
        var seconds: CInt = 0
    }
}

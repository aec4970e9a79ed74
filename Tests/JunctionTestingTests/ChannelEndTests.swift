import Foundation
import JunctionTesting
import NIOCore
import TestSupport
import Testing

@testable import JunctionTesting

@Suite("Ends and failures of an in-memory link", .timeLimit(.minutes(5)))
struct ChannelEndTests {
    @Test("the end of the write side comes behind what was written before it, however full the way is")
    func endBehindData() async throws {
        let pair = try await ChannelPair(.init(capacity: 4)) { client, server in
            try halfClosure(client, server)
            try server.syncOptions?.setOption(.autoRead, value: false)
        }
        pair.client.writeAndFlush(ByteBuffer(string: "0123456789"), promise: nil)
        let ending = pair.client.eventLoop.makePromise(of: Void.self)
        pair.client.close(mode: .output, promise: ending)
        await pair.clock.settle()
        #expect(pair.clientSaw.journal.entries == ["active"])
        for _ in 0..<3 {
            pair.server.read()
            await pair.clock.settle()
        }
        try await ending.futureResult.get()
        #expect(pair.serverSaw.summary == ["active", "read 0123456789", "inputClosed"])
        #expect(pair.clientSaw.journal.entries == ["active", "outputClosed"])
        await #expect(throws: ChannelError.outputClosed) {
            try await pair.client.writeAndFlush(ByteBuffer(string: "late"))
        }
    }

    @Test("a link whose conditions have a delay closes by the clock")
    func delayedClose() async throws {
        let pair = try await ChannelPair(.init(delay: .seconds(1)))
        try await pair.client.close()
        await pair.clock.advance(by: .milliseconds(999))
        #expect(pair.server.isActive)
        await pair.clock.advance(by: .milliseconds(1))
        #expect(!pair.server.isActive)
        try await pair.server.closeFuture.get()
    }

    @Test("a broken connection fails both ends, and what is on its way is lost")
    func broken() async throws {
        let pair = try await ChannelPair(.init(delay: .seconds(1)))
        try await pair.client.writeAndFlush(ByteBuffer(string: "arrives"))
        await pair.clock.advance(by: .seconds(1))
        try await pair.client.writeAndFlush(ByteBuffer(string: "is lost"))
        try await pair.clock.loop.submit { pair.client.breakConnection() }.get()
        await pair.clock.advance(by: .seconds(5))
        #expect(pair.serverSaw.summary == ["active", "read arrives", "error \(ECONNRESET)", "inactive"])
        #expect(pair.clientSaw.summary == ["active", "error \(ECONNRESET)", "inactive"])
    }

    @Test("a connection that breaks at a byte delivers those before it", arguments: 0...6)
    func brokenAtByte(_ position: Int) async throws {
        let pair = try await ChannelPair(.init(splitReads: .atMost(2)))
        try await pair.clock.loop.submit { pair.client.breakConnection(at: position) }.get()
        for part in ["ab", "cd", "ef"] { pair.client.writeAndFlush(ByteBuffer(string: part), promise: nil) }
        await pair.clock.settle()
        #expect(pair.serverSaw.reads.joined() == "abcdef".prefix(position))
        #expect(!pair.server.isActive && !pair.client.isActive)
    }

    @Test("a write that the kernel refuses closes its end, behind what it could read, and resets nothing else")
    func refusedWrite() async throws {
        let pair = try await ChannelPair { client, _ in
            try client.syncOptions?.setOption(.autoRead, value: false)
        }
        try await pair.server.writeAndFlush(ByteBuffer(string: "unread"))
        await pair.clock.settle()
        try await pair.clock.loop.submit { pair.client.nextWriteError = IOError(errnoCode: ENOBUFS, reason: "write") }
            .get()
        let error = await #expect(throws: IOError.self) {
            try await pair.client.writeAndFlush(ByteBuffer(string: "refused"))
        }
        #expect(error?.errnoCode == ENOBUFS)
        await pair.clock.settle()
        #expect(pair.clientSaw.summary == ["active", "read unread", "inactive"])
        #expect(pair.serverSaw.summary == ["active", "inactive"])
    }

    @Test("a channel that closes before it is active fails what was written, and its peer sees the end")
    func closedBefore() async throws {
        let pair = try await ChannelPair { client, _ in
            client.writeAndFlush(ByteBuffer(string: "never"), promise: nil)
            client.close(promise: nil)
        }
        try await pair.client.closeFuture.get()
        await pair.clock.settle()
        #expect(pair.clientSaw.journal.entries == [])
        #expect(pair.serverSaw.summary == ["active", "inactive"])
    }

    @Test("gives back the options that were set, and refuses those it does not know")
    func options() async throws {
        let pair = try await ChannelPair()
        try await pair.client.setOption(.tcpOption(.tcp_nodelay), value: 1).get()
        #expect(try await pair.client.getOption(.tcpOption(.tcp_nodelay)).get() == 1)
        #expect(try await pair.client.getOption(.socketOption(.so_keepalive)).get() == 0)
        try await pair.client.setOption(.maxMessagesPerRead, value: 7).get()
        #expect(try await pair.client.getOption(.maxMessagesPerRead).get() == 7)
        #expect(try await pair.client.getOption(.autoRead).get())
        await #expect(throws: ChannelError.operationUnsupported) {
            try await pair.client.setOption(.backlog, value: 1).get()
        }
        try await pair.client.close()
        await #expect(throws: ChannelError.ioOnClosedChannel) {
            try await pair.client.setOption(.autoRead, value: false).get()
        }
    }
}

import JunctionTesting
import NIOCore
import TestSupport
import Testing

@testable import JunctionTesting

@Suite("Bytes on an in-memory link", .timeLimit(.minutes(5)))
struct ByteStreamTests {
    private static let text = "the quick brown fox"

    @Test("arrive in order and completely, cut at every size", arguments: 1...20)
    func everySize(_ size: Int) async throws {
        let pair = try await ChannelPair(.init(splitReads: .atMost(size)))
        for word in ["the quick", " brown", " fox"] { try await pair.client.writeAndFlush(ByteBuffer(string: word)) }
        await pair.clock.settle()
        #expect(pair.serverSaw.reads.joined() == Self.text)
        #expect(pair.serverSaw.reads.allSatisfy { (1...size).contains($0.utf8.count) })
        #expect(pair.serverSaw.reads.contains { $0.utf8.count == min(size, 9) })
    }

    @Test("are cut in the same places by the same seed, and in others by another")
    func random() async throws {
        var cuts: [[String]] = []
        for seed: UInt64 in [7, 7, 8] {
            let pair = try await ChannelPair(.init(splitReads: .random(upTo: 6, seed: seed)))
            for _ in 0..<10 { try await pair.client.writeAndFlush(ByteBuffer(string: Self.text)) }
            await pair.clock.settle()
            #expect(pair.serverSaw.reads.joined() == String(repeating: Self.text, count: 10))
            #expect(pair.serverSaw.reads.allSatisfy { (1...6).contains($0.utf8.count) })
            cuts.append(pair.serverSaw.reads)
        }
        #expect(cuts[0] == cuts[1] && cuts[0] != cuts[2])
    }

    @Test("that arrive at one time are one read, and are not messages")
    func coalesced() async throws {
        let pair = try await ChannelPair()
        try await pair.clock.loop.submit {
            for part in ["a", "b", "c"] { pair.client.write(ByteBuffer(string: part), promise: nil) }
            pair.client.flush()
        }.get()
        await pair.clock.settle()
        #expect(pair.serverSaw.reads == ["abc"])
    }

    @Test("fill the buffer of the receiver's allocator at most")
    func bufferSize() async throws {
        let pair = try await ChannelPair { _, server in
            try server.syncOptions?.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 8))
            try server.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
        }
        try await pair.client.writeAndFlush(ByteBuffer(string: Self.text))
        await pair.clock.settle()
        #expect(pair.serverSaw.reads == ["the quic", "k brown ", "fox"])
    }

    @Test("are on their way as long as the delay says, the end of the stream too")
    func delay() async throws {
        let pair = try await ChannelPair(.init(delay: .milliseconds(40)), configure: halfClosure)
        try await pair.client.writeAndFlush(ByteBuffer(string: "a"))
        await pair.clock.advance(by: .milliseconds(10))
        try await pair.client.writeAndFlush(ByteBuffer(string: "b"))
        try await pair.client.close(mode: .output)
        await pair.clock.advance(by: .milliseconds(30) - .nanoseconds(1))
        #expect(pair.serverSaw.journal.entries == ["active"])
        await pair.clock.advance(by: .nanoseconds(1))
        #expect(pair.serverSaw.journal.entries == ["active", "read a"])
        await pair.clock.advance(by: .milliseconds(10))
        #expect(pair.serverSaw.journal.entries == ["active", "read a", "read b", "inputClosed"])
    }

    @Test("are read only when asked for, once for each time")
    func asked() async throws {
        let pair = try await ChannelPair(.init(splitReads: .atMost(2))) { _, server in
            try server.syncOptions?.setOption(.autoRead, value: false)
        }
        try await pair.client.writeAndFlush(ByteBuffer(string: "abcdef"))
        await pair.clock.settle()
        #expect(pair.serverSaw.reads == [])
        for expected in [["ab"], ["ab", "cd"]] {
            pair.server.read()
            await pair.clock.settle()
            #expect(pair.serverSaw.reads == expected)
        }
        try await pair.server.setOption(.autoRead, value: true).get()
        await pair.clock.settle()
        #expect(pair.serverSaw.reads == ["ab", "cd", "ef"])
        pair.server.read()
        try await pair.client.writeAndFlush(ByteBuffer(string: "g"))
        await pair.clock.settle()
        #expect(pair.serverSaw.reads.last == "g", "asked for before it came")
    }

    @Test("wait at the sender when the way is full: its writability tells, and nothing is lost")
    func backPressure() async throws {
        let pair = try await ChannelPair(.init(capacity: 1000)) { client, server in
            try server.syncOptions?.setOption(.autoRead, value: false)
            try client.syncOptions?.setOption(.writeBufferWaterMark, value: .init(low: 300, high: 600))
        }
        let block = ByteBuffer(repeating: UInt8(ascii: "x"), count: 100)
        var sent = 0
        while pair.client.isWritable {
            pair.client.writeAndFlush(block, promise: nil)
            sent += 100
            await pair.clock.settle()
        }
        #expect(sent == 1700, "1000 on the way and more than 600 waiting")
        #expect(pair.serverSaw.reads == [])
        #expect(try await pair.client.getOption(.bufferedWritableBytes).get() == 700)
        #expect(try await pair.clock.loop.submit { pair.client.sentAndNotRead }.get() == 1000)
        #expect(pair.clientSaw.journal.entries == ["active", "writable false"])

        while pair.serverSaw.reads.joined().utf8.count < 1700 {
            pair.server.read()
            await pair.clock.settle()
            #expect(try await pair.clock.loop.submit { pair.client.sentAndNotRead }.get() <= 1000)
        }
        #expect(pair.clientSaw.journal.entries == ["active", "writable false", "writable true"])
    }

    @Test("complete the promise of their write when the way has taken them")
    func promises() async throws {
        let pair = try await ChannelPair(.init(capacity: 10)) { _, server in
            try server.syncOptions?.setOption(.autoRead, value: false)
        }
        let journal = Journal()
        for (name, size) in [("first", 8), ("empty", 0), ("second", 8), ("third", 1)] {
            pair.client.writeAndFlush(ByteBuffer(repeating: 0, count: size)).whenSuccess { journal.note(name) }
        }
        await pair.clock.settle()
        #expect(journal.entries == ["first", "empty"])
        pair.server.read()
        await pair.clock.settle()
        #expect(journal.entries == ["first", "empty", "second", "third"])
    }
}

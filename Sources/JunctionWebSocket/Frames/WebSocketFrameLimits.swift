/// The most that one peer may make a ``WebSocketFrameDecoder`` hold or do for a single message.
package struct WebSocketFrameLimits: Hashable, Sendable {
    /// The bytes of one message, all of its fragments together. More is close code 1009, said as soon as a frame's header
    /// announces it.
    package let maxMessageBytes: Int

    /// The bytes of one compressed message on the wire; what it is inflated to counts against ``maxMessageBytes``. An eighth
    /// more than that: compression makes incompressible bytes a little longer.
    package var maxCompressedBytes: Int { maxMessageBytes + maxMessageBytes / 8 + 1024 }

    /// The fragments of one message, empty ones counted too: without this limit a peer could send those without end. More
    /// is close code 1008.
    package let maxFragments: Int

    /// - Parameters:
    ///   - maxMessageBytes: The bytes of one message. What is above 1 GiB counts as 1 GiB, which one buffer can still hold.
    ///   - maxFragments: The fragments of one message.
    package init(maxMessageBytes: Int = 1_000_000, maxFragments: Int = 131_072) {
        self.maxMessageBytes = max(0, min(maxMessageBytes, 1 << 30))
        self.maxFragments = maxFragments
    }
}

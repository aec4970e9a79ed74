public import JunctionTCP

extension TCPServer {
    /// Ends the connections of a server as cancelling its `run()` does, with
    /// `TCPServer.Configuration.drainTimeout` by `clock`.
    ///
    /// Returns when every connection has been asked to end. Those that come later, until the drain is over, are asked at once.
    ///
    /// ```swift
    /// let drain = await server.beginDrain(on: clock)
    /// await clock.advance(by: .seconds(10))   // the deadline: what is still open is closed
    /// await drain.value
    /// ```
    ///
    /// - Returns: what ends when the last connection has ended.
    public func beginDrain(on clock: VirtualClock) async -> Task<Void, Never> {
        let drain = Task(executorPreference: clock.executor) { await self.drain(on: clock.loop) }
        await clock.settle()
        return drain
    }
}

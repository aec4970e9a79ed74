#if os(Linux) || os(Android)
    import CJunctionUDP
    import NIOCore
    import NIOPosix
    import Synchronization

    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #else
        import Android
    #endif

    /// One thread that waits for sockets to become readable or writable, for what NIO's channel cannot wait for.
    ///
    /// That is room in a socket's send buffer, and anything on a connected socket: an ICMP message makes epoll(7) report an
    /// error there, at which NIO closes the channel unless it is `ECONNREFUSED`, or, when a send has consumed the error or no
    /// datagram waits, stops the process by a precondition (`BaseSocketChannel.readEOF0`). ICMP messages come from the network.
    final class ReadinessPoller: Sendable {
        /// Identifies what is watched: descriptors are used again.
        typealias Token = UInt64

        private struct State {
            var last: Token = 0
            var handlers: [Token: @Sendable () -> Void] = [:]
        }

        private static let known = Mutex<ReadinessPoller?>(nil)

        private let descriptor: CInt
        private let thread = NIOThreadPool(numberOfThreads: 1)
        private let state = Mutex(State())

        /// The process's poller, made at its first use; its thread ends with the process.
        static func shared() throws -> ReadinessPoller {
            try known.withLock { known in
                if let known { return known }
                let poller = try ReadinessPoller()
                known = poller
                return poller
            }
        }

        private init() throws {
            descriptor = junction_poll_create()
            guard descriptor >= 0 else { throw IOError(errnoCode: -descriptor, reason: "epoll_create1") }
            thread.start()
            thread.submit { _ in self.run() }
        }

        /// Notes a handler that is called on the poller's thread for each event that ``arm`` asks for.
        func register(_ handler: @escaping @Sendable () -> Void) -> Token {
            state.withLock {
                $0.last += 1
                $0.handlers[$0.last] = handler
                return $0.last
            }
        }

        /// Asks for one call of the handler: when the socket is readable or writable, as asked, or has an error.
        func arm(_ token: Token, _ socket: CInt, readable: Bool, writable: Bool) throws {
            let result = junction_poll_arm(descriptor, socket, token, readable ? 1 : 0, writable ? 1 : 0)
            guard result == 0 else { throw IOError(errnoCode: -result, reason: "epoll_ctl") }
        }

        /// Forgets the handler; it may be under way for the last time.
        func remove(_ token: Token, _ socket: CInt) {
            junction_poll_remove(descriptor, socket)
            state.withLock { $0.handlers[token] = nil }
        }

        private func run() {
            var tokens = [Token](repeating: 0, count: 64)
            while true {
                let count = Int(junction_poll_wait(descriptor, &tokens, CInt(tokens.count)))
                for token in tokens.prefix(max(0, count)) {
                    state.withLock { $0.handlers[token] }?()
                }
            }
        }
    }
#endif

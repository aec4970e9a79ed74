package import NIOCore
package import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#endif

/// The event loops of the process: one for each processor that this process may use, shared by all servers and clients.
package enum EventLoops {
    /// The group that everything of Junction runs on.
    package static let group = MultiThreadedEventLoopGroup(numberOfThreads: usableProcessors)

    /// One loop after another.
    package static func next() -> any EventLoop { group.next() }

    /// All its loops.
    package static let all: [any EventLoop] = Array(group.makeIterator())

    /// Processors that the scheduler gives this process: `taskset` and container CPU sets count, which a plain core count
    /// does not see.
    private static var usableProcessors: Int {
        #if os(Linux)
            if let allowed = allowedProcessors(), allowed > 0 { return min(allowed, System.coreCount) }
        #endif
        return System.coreCount
    }

    #if os(Linux)
        /// The bits set in the line `Cpus_allowed:` of proc_pid_status(5), for example `ff,ffffffff`.
        private static func allowedProcessors() -> Int? {
            guard let file = fopen("/proc/self/status", "re") else { return nil }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 4096)
            while fgets(&line, CInt(line.count), file) != nil {
                let text = line.withUnsafeBufferPointer {
                    String(decoding: $0.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                }
                guard text.hasPrefix("Cpus_allowed:") else { continue }
                return text.dropFirst("Cpus_allowed:".count).reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
            }
            return nil
        }
    #endif
}

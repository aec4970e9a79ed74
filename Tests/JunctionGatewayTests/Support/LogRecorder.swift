import Logging
import TestSupport

/// What was logged, entry by entry, for a test that awaits it.
struct LogRecorder: LogHandler {
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]
    private let entries = Box<LogEvent>()

    /// A logger whose entries are recorded here.
    var logger: Logger { Logger(label: "test", factory: { _ in self }) }

    func log(event: LogEvent) { entries.put(event) }

    /// The metadata of the next entry with this message. One caller at a time.
    func next(_ message: Logger.Message) async -> Logger.Metadata? {
        while let entry = await entries.take() {
            if entry.message == message { return entry.metadata ?? [:] }
        }
        return nil
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
}

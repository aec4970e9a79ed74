public import JunctionCore
import JunctionTransport
public import Logging
public import NIOCore
import ServiceLifecycle

/// A UDP server.
///
/// ```swift
/// let server = UDPServer(port: 3000) { datagram, socket in
///     try await socket.send("Hello Client!", to: datagram.sender)
/// }
/// try await server.run()
/// ```
public final class UDPServer: ListeningService {
    private enum Handling: Sendable {
        case asynchronous(@Sendable (Datagram, UDPSocket) async throws -> Void)
        case inline(@Sendable (Datagram, UDPSocket) throws -> Void)
    }

    private let host: String?
    private let port: Int
    private let configuration: UDPSocket.Configuration
    private let logger: Logger
    private let handling: Handling

    /// A server whose handler is called for one datagram after another, in a task on the socket's event loop. A thrown error
    /// ends that call alone and is logged.
    ///
    /// - Parameters:
    ///   - host: name or address to listen on; `nil` is every address of the machine.
    ///   - port: 0 asks for any free port.
    ///   - handler: must not block its thread. While it is behind, datagrams queue up to the configuration's limit.
    public init(
        host: String? = nil, port: Int, configuration: UDPSocket.Configuration = .init(),
        logger: Logger = Logger(label: "junction.udp"),
        handler: @escaping @Sendable (Datagram, UDPSocket) async throws -> Void
    ) {
        self.host = host
        self.port = port
        self.configuration = configuration
        self.logger = logger
        self.handling = .asynchronous(handler)
    }

    /// A server whose handler is called on the event loop as datagrams come: the fastest form. It must not block.
    ///
    /// ```swift
    /// UDPServer(port: 7, onDatagram: { datagram, socket in socket.send(datagram.payload, to: datagram.sender) })
    /// ```
    public init(
        host: String? = nil, port: Int, configuration: UDPSocket.Configuration = .init(),
        logger: Logger = Logger(label: "junction.udp"),
        onDatagram: @escaping @Sendable (Datagram, UDPSocket) throws -> Void
    ) {
        self.host = host
        self.port = port
        self.configuration = configuration
        self.logger = logger
        self.handling = .inline(onDatagram)
    }

    /// Listens and serves until cancelled or shut down; see ``ListeningService/run(onListening:)``.
    public func run(onListening: @escaping @Sendable (SocketAddress) -> Void) async throws {
        let socket = try await UDPSocket.bind(host: host, port: port, configuration: configuration)
        switch handling {
        case .inline(let handler):
            socket.setInlineHandler { [logger] datagram in
                do {
                    try handler(datagram, socket)
                } catch {
                    Self.log(error, of: datagram, logger)
                }
            }
            if let address = socket.localAddress { onListening(address) }
            await socket.waitUntilStopped()
        case .asynchronous(let handler):
            // Not a child of this task: when this one is cancelled, what was received is still handled.
            let receiving = Task(executorPreference: socket.executor) { await self.receive(from: socket, handler) }
            if let address = socket.localAddress { onListening(address) }
            let drainTimeout = TimeAmount(configuration.drainTimeout)
            await withTaskCancellationOrGracefulShutdownHandler {
                await receiving.value
            } onCancelOrGracefulShutdown: {
                socket.endInput()
                socket.executor.eventLoop.scheduleTask(in: drainTimeout) { receiving.cancel() }
            }
            await socket.closeAndWait()
        }
    }

    /// Hands one datagram after another to the handler, until the socket's input ends or the task is cancelled.
    private func receive(
        from socket: UDPSocket, _ handler: @Sendable (Datagram, UDPSocket) async throws -> Void
    ) async {
        while !Task.isCancelled {
            do {
                for try await datagram in socket.inbound {
                    do {
                        try await handler(datagram, socket)
                    } catch {
                        Self.log(error, of: datagram, logger)
                    }
                }
                return
            } catch {
                logger.info("receiving failed", metadata: ["error": "\(error)"])  // the socket lives on
            }
        }
    }

    private static func log(_ error: any Error, of datagram: Datagram, _ logger: Logger) {
        logger.info("datagram failed", metadata: ["peer": "\(datagram.sender.text)", "error": "\(error)"])
    }
}

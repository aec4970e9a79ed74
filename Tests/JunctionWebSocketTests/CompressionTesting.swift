import JunctionTransport
import NIOCore
import NIOEmbedded

@testable import JunctionWebSocket

/// An agreement without any parameter, or with those given.
func agreement(
    serverNoContextTakeover: Bool = false, clientNoContextTakeover: Bool = false, serverMaxWindowBits: Int? = nil,
    clientMaxWindowBits: Int? = nil
) -> CompressionAgreement {
    CompressionAgreement(
        serverNoContextTakeover: serverNoContextTakeover, clientNoContextTakeover: clientNoContextTakeover,
        serverMaxWindowBits: serverMaxWindowBits, clientMaxWindowBits: clientMaxWindowBits)
}

extension CompressionAgreement {
    /// The same seen from the other end: what the client does is what the server did.
    var turned: CompressionAgreement {
        CompressionAgreement(
            serverNoContextTakeover: clientNoContextTakeover, clientNoContextTakeover: serverNoContextTakeover,
            serverMaxWindowBits: clientMaxWindowBits, clientMaxWindowBits: serverMaxWindowBits)
    }
}

extension WebSocketCompression {
    /// Compresses all messages but empty ones.
    static var always: WebSocketCompression {
        var options = WebSocketCompression()
        options.threshold = 0
        return options
    }
}

/// One end of a connection that compresses, as a client of the server under test has it.
final class CompressingPeer {
    let agreement: CompressionAgreement
    private let deflater: MessageDeflater
    private var decoder: WebSocketFrameDecoder

    /// The client of a connection with this agreement.
    init(_ agreement: CompressionAgreement, _ options: WebSocketCompression = .always) {
        let executor = LoopExecutor.of(EmbeddedEventLoop())
        self.agreement = agreement
        self.deflater = MessageDeflater(agreement.turned, options, on: executor)
        self.decoder = WebSocketFrameDecoder(
            role: .client, limits: .init(maxMessageBytes: 1 << 30),
            inflater: MessageInflater(agreement.turned, on: executor))
    }

    /// A message as it stands on the wire, in one frame and masked; compressed, unless it would be longer.
    func message(_ opcode: WebSocketOpcode, _ payload: ByteBuffer) -> ByteBuffer {
        var bytes = ByteBuffer()
        deflater.write(opcode, payload, into: &bytes)
        guard let header = bytes.withUnsafeReadableBytes({ WebSocketFrameHeader($0) }) else { return bytes }
        bytes.moveReaderIndex(forwardBy: header.length)
        return frame(header.start.first, bytes)
    }

    /// The payload of a compressed message.
    func compressed(_ payload: ByteBuffer) -> ByteBuffer {
        var bytes = ByteBuffer()
        deflater.write(.binary, payload, into: &bytes)
        guard let header = bytes.withUnsafeReadableBytes({ WebSocketFrameHeader($0) }), header.start.isCompressed else {
            return ByteBuffer(string: "was not compressed")
        }
        bytes.moveReaderIndex(forwardBy: header.length)
        return bytes
    }

    /// What the server's bytes say.
    func decode(_ bytes: ByteBuffer) -> Decoded { decoder.decode(bytes) }
}

/// A server's decoder for connections with this agreement.
func compressingDecoder(
    _ agreement: CompressionAgreement = agreement(), limits: WebSocketFrameLimits = .init()
) -> WebSocketFrameDecoder {
    WebSocketFrameDecoder(
        role: .server, limits: limits, inflater: MessageInflater(agreement, on: .of(EmbeddedEventLoop())))
}

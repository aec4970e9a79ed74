package import JunctionTransport
import NIOCore
package import NIOHTTP1
import NIOWebSocket

/// The opening handshake (RFC 6455, section 4.2).
package enum WebSocketUpgrade {
    /// Answers `exchange` with 101 and gives its connection to `handler`. Only on the connection's loop.
    ///
    /// NIO checks the request and computes the accept key.
    ///
    /// - Parameter compression: agreed on with clients that offer permessage-deflate; `nil` declines their offers.
    /// - Throws: when the request is not a correct handshake; the exchange is unanswered then.
    package static func accept(
        _ exchange: HTTPExchange, headers: HTTPHeaders = [:], compression: WebSocketCompression? = nil,
        handler: WebSocketHandler
    ) throws {
        let response = upgrader.buildUpgradeResponse(
            channel: exchange.channel, upgradeRequest: exchange.request.head, initialResponseHeaders: headers)
        var result: Result<HTTPHeaders, any Error> = .failure(ChannelError.operationUnsupported)
        // Complete already: nothing in it waits.
        response.assumeIsolated().whenComplete { result = $0 }
        var accepted = try result.get()
        accepted.replaceOrAdd(name: "connection", value: "Upgrade")
        accepted.replaceOrAdd(name: "upgrade", value: "websocket")
        if let compression {
            let offers = try WebSocketExtensionHeader.offers(
                in: exchange.request.head.headers[extensionsHeader])
            if let agreement = CompressionAgreement.first(of: offers, compression) {
                handler.compress(agreement, compression)
                accepted.replaceOrAdd(name: extensionsHeader, value: agreement.headerValue)
            }
        }
        if !exchange.isNextToSocket { handler.writeByChannel() }
        try exchange.upgrade(headers: accepted, to: handler)
    }

    private static let extensionsHeader = "sec-websocket-extensions"

    private static let upgrader = NIOWebSocketServerUpgrader(
        shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
        upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
}

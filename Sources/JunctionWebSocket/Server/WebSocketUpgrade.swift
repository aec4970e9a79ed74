package import JunctionTransport
import NIOCore
package import NIOHTTP1

/// The opening handshake (RFC 6455, section 4.2).
package enum WebSocketUpgrade {
    /// Answers `exchange` with 101 and gives its connection to `handler`. Only on the connection's loop.
    ///
    /// - Parameter compression: agreed on with clients that offer permessage-deflate; `nil` declines their offers.
    /// - Throws: when the request is not a correct handshake; the exchange is unanswered then.
    package static func accept(
        _ exchange: HTTPExchange, headers: HTTPHeaders = [:], compression: WebSocketCompression? = nil,
        handler: WebSocketHandler
    ) throws {
        var accepted = headers
        accepted.add(name: "upgrade", value: "websocket")
        accepted.add(name: "connection", value: "Upgrade")
        accepted.add(name: "sec-websocket-accept", value: try WebSocketHandshake.accept(exchange.request.head))
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
}

import EngineIOProtocol
import JunctionTransport
import NIOCore
import NIOHTTP1

/// The requests of a client that polls.
extension EngineSessionCore {
    /// GET: the client asks for packets.
    func get(_ answer: Answer) {
        if heartbeat.isOverdue(.now()) { end(.pingTimeout) }
        releaseBacklogForPoll()
        switch machine.pollArrived() {
        case .answer(let packets):
            respond(to: answer, packets)
            observer?.onDrain()
            tellIfCaughtUp()
        case .answerLast(let packets):
            respond(to: answer, packets)
            finish(.forcedClose)
        case .park:
            park(answer)
        case .parkBriefly:
            park(answer)
            after(Self.upgradePollDelay) { core in
                if core.machine.releasePoll() { core.answerPoll([EnginePacket(.noop)]) }
            }
        case .overlap(let closing):
            finish(closing)
            answer.respond(.badRequest)
        case .refuse:
            answer.refuse(EngineRequestError(.badRequest, detail: "TRANSPORT_MISMATCH"))
        }
    }

    private func park(_ answer: Answer) {
        poll = answer
        let exchange = answer.exchange
        guard exchange.executor !== executor else { return exchange.onDisconnect(tell: self) }
        let bound = NIOLoopBound(self, eventLoop: executor.eventLoop)
        exchange.executor.execute { [executor] in
            exchange.onDisconnect { executor.execute { bound.value.disconnected(exchange) } }
        }
    }

    /// The client of a poll went away.
    func disconnected(_ exchange: HTTPExchange) {
        guard poll?.exchange === exchange else { return }
        poll = nil
        end(.transportError)
    }

    /// POST: the client sends packets.
    func post(_ answer: Answer) {
        guard !machine.isWebSocket else {
            return answer.refuse(EngineRequestError(.badRequest, detail: "TRANSPORT_MISMATCH"))
        }
        let request = answer.exchange.request
        guard pendingPost == nil else {
            end(.transportError)
            return answer.respond(.badRequest)
        }
        let contentType = request.head.headers.first(name: "content-type")
        guard dialect.revision == .three || contentType != EngineDialect.binaryContentType else {
            end(.transportError)
            return answer.respond(.badRequest)
        }
        // A server that others share may let larger requests through.
        guard request.body.readableBytes <= server.options.maxHttpBufferSize else {
            return answer.respond(.payloadTooLarge)
        }
        do {
            pendingPost = (try dialect.decodePayload(request.body, contentType: contentType)[...], answer)
            takePost()
        } catch {
            end(.parseError)
            answer.respond(.badRequest)
        }
    }

    /// Takes the packets of a request as long as reading goes on, and answers it behind the last one.
    func takePost() {
        guard var post = pendingPost else { return }
        while !isPaused, let packet = post.packets.popFirst() {
            receive(packet)
        }
        if post.packets.isEmpty || !machine.isOpen {
            pendingPost = nil
            post.answer.respondOK()
        } else {
            pendingPost = post
        }
    }

    /// Answers the poll that waits with what this turn brought.
    func flushNow() {
        needsFlush = false
        if let packets = machine.takeQueue() {
            answerPoll(packets)
            observer?.onDrain()
            tellIfCaughtUp()
        }
    }

    func answerPoll(_ packets: [EnginePacket]) {
        if let poll { respond(to: poll, packets) }
        poll = nil
    }

    private func respond(to answer: Answer, _ packets: [EnginePacket]) {
        answer.respond(packets, in: dialect, mayCompress: pollMayCompress)
        if machine.queuedBytes == 0 { pollMayCompress = false }
    }
}

import EngineIOProtocol
import JunctionTransport
import NIOCore
import NIOHTTP1

/// The requests of a client that polls.
extension EngineSessionCore {
    /// GET: the client asks for packets.
    func get(_ answer: Answer) {
        if heartbeat.isOverdue(.now()) { end(.pingTimeout) }
        switch machine.pollArrived() {
        case .answer(let packets):
            answer.respond(packets, in: dialect)
        case .answerLast(let packets):
            answer.respond(packets, in: dialect)
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
            answer.respond(EngineRequestError(.badRequest))
        }
    }

    private func park(_ answer: Answer) {
        poll = answer
        let bound = NIOLoopBound(self, eventLoop: executor.eventLoop)
        answer.onDisconnect { [executor] in
            executor.execute { bound.value.pollLeft(answer) }
        }
    }

    private func pollLeft(_ answer: Answer) {
        guard poll?.exchange === answer.exchange else { return }
        poll = nil
        end(.transportError)
    }

    /// POST: the client sends packets.
    func post(_ answer: Answer) {
        guard !machine.isWebSocket else { return answer.respond(EngineRequestError(.badRequest)) }
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
        guard request.body.readableBytes <= options.maxHttpBufferSize else { return answer.respond(.payloadTooLarge) }
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
        if let packets = machine.takeQueue() { answerPoll(packets) }
    }

    func answerPoll(_ packets: [EnginePacket]) {
        poll?.respond(packets, in: dialect)
        poll = nil
    }
}

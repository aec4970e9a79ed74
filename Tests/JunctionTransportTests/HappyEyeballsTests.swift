import JunctionCore
import JunctionTransport
import NIOCore
import Testing

@Suite("Which address is tried when (RFC 8305)")
struct HappyEyeballsTests {
    @Test("asks for both families at the same time, IPv6 first, and waits for answers")
    func lookups() {
        var race = Race()
        #expect(race.resolve() == ["resolve IPv6", "resolve IPv4"])
        #expect(race.wakeUp == nil)
        var limited = Race { $0.families = [.ipv4] }
        #expect(limited.resolve() == ["resolve IPv4"])
    }

    @Test("an IPv6 address is tried at once, whether or not IPv4 is answered")
    func ipv6First() {
        var race = Race()
        _ = race.resolve()
        #expect(race.answer(.ipv6, "::1", at: 7) == ["connect 1 [::1]:80"])
        #expect(race.wakeUp == nil, "nothing is left to try")
        #expect(race.answer(.ipv4, "127.0.0.1", at: 20) == [])
        #expect(race.wakeUp == 257, "250 ms after the first attempt")
        #expect(race.wait(until: 256) == [])
        #expect(race.wait(until: 257) == ["connect 2 127.0.0.1:80"])
    }

    @Test("an IPv4 address waits 50 ms for the answer for IPv6, and is tried without it then")
    func resolutionDelay() {
        var race = Race()
        _ = race.resolve()
        #expect(race.answer(.ipv4, "127.0.0.1", at: 10) == [])
        #expect(race.wakeUp == 60)
        #expect(race.wait(until: 59) == [])
        #expect(race.wait(until: 60) == ["connect 1 127.0.0.1:80"])
        #expect(race.answer(.ipv6, "::1", at: 70) == [], "it takes its turn after the first attempt's delay")
        #expect(race.wakeUp == 310)
        #expect(race.wait(until: 310) == ["connect 2 [::1]:80"])
    }

    @Test("an answer for IPv6 within the 50 ms comes first")
    func ipv6InTime() {
        var race = Race()
        _ = race.resolve()
        _ = race.answer(.ipv4, "127.0.0.1", at: 0)
        #expect(race.answer(.ipv6, "::1", at: 49) == ["connect 1 [::1]:80"])
        #expect(race.wait(until: 299) == ["connect 2 127.0.0.1:80"])
    }

    @Test("IPv4 does not wait once it is known that there is no IPv6 address", arguments: [true, false])
    func noIPv6(answered: Bool) {
        var race = Race()
        _ = race.resolve()
        #expect(race.answer(.ipv4, "127.0.0.1", at: 5) == [])
        let actions =
            answered ? race.answer(.ipv6, at: 6) : race.noAnswer(.ipv6, .resolverUnavailable, at: 6)
        #expect(actions == ["connect 1 127.0.0.1:80"])
    }

    @Test("the families take turns, one address every 250 ms, each family in the order of its answer")
    func interleaving() {
        var race = Race()
        _ = race.resolve()
        _ = race.answer(.ipv4, "127.0.0.1", "127.0.0.2")
        #expect(race.answer(.ipv6, "::1", "::2", "::3", "::4") == ["connect 1 [::1]:80"])
        #expect(race.wait(until: 250) == ["connect 2 127.0.0.1:80"])
        #expect(race.wait(until: 500) == ["connect 3 [::2]:80"])
        #expect(race.wait(until: 750) == ["connect 4 127.0.0.2:80"])
        #expect(race.wait(until: 1_000) == ["connect 5 [::3]:80"])
        #expect(race.wait(until: 1_250) == ["connect 6 [::4]:80"])
        #expect(race.wakeUp == nil)
    }

    @Test("the delay between two attempts can be set")
    func attemptDelay() {
        var race = Race { $0.attemptDelay = .seconds(2) }
        _ = race.connect(to: "127.0.0.1", "127.0.0.2")
        #expect(race.wakeUp == 2_000)
        #expect(race.wait(until: 1_999) == [])
        #expect(race.wait(until: 2_000) == ["connect 2 127.0.0.2:80"])
    }

    @Test("an attempt that fails lets the next one begin at once, and the delay runs from there")
    func failureIsQuick() {
        var race = Race()
        #expect(race.connect(to: "127.0.0.1", "127.0.0.2", "127.0.0.3") == ["connect 1 127.0.0.1:80"])
        #expect(race.failed(1, "127.0.0.1", at: 3) == ["connect 2 127.0.0.2:80"])
        #expect(race.wakeUp == 253)
        #expect(race.wait(until: 253) == ["connect 3 127.0.0.3:80"])
    }

    @Test("addresses that are found after all others have failed are tried at once")
    func lateAnswer() {
        var race = Race()
        _ = race.resolve()
        _ = race.answer(.ipv6, "::1")
        #expect(race.failed(1, "::1", .networkUnreachable, at: 1) == [], "the answer for IPv4 is still awaited")
        #expect(race.answer(.ipv4, "127.0.0.1", at: 90) == ["connect 2 127.0.0.1:80"])
    }

    @Test("the first connection wins; the others are abandoned only then, however slow they are")
    func winner() {
        var race = Race()
        _ = race.connect(to: "127.0.0.1", "127.0.0.2", "127.0.0.3")
        _ = race.wait(until: 250)
        _ = race.failed(2, "127.0.0.2", at: 300)
        _ = race.wait(until: 9_000)
        #expect(race.opened(1, at: 9_001) == ["abandon 3", "succeed 1"])
        #expect(
            race.events == [
                "1 started 127.0.0.1:80", "2 started 127.0.0.2:80", "2 failed ECONNREFUSED 127.0.0.2:80",
                "3 started 127.0.0.3:80", "1 succeeded 127.0.0.1:80", "3 abandoned 127.0.0.3:80",
            ])
    }

    @Test("a connection that opens too late is closed, and nothing more is said or done")
    func afterTheEnd() {
        var race = Race { $0.timeout = .seconds(10) }
        _ = race.resolve()
        _ = race.answer(.ipv6, "::1", "::2")
        _ = race.wait(until: 250)
        _ = race.opened(1, at: 260)
        let events = race.events
        #expect(race.opened(2, at: 261) == ["abandon 2"])
        #expect(race.failed(2, "::2", at: 262) == [])
        #expect(race.answer(.ipv4, "127.0.0.1", at: 263) == [])
        #expect(race.wait(until: 60_000) == [])
        #expect(race.wakeUp == nil)
        #expect(race.events == events)
    }

    @Test("a cancelled connect abandons what is under way")
    func cancelled() {
        var race = Race()
        _ = race.connect(to: "127.0.0.1", "127.0.0.2")
        _ = race.wait(until: 250)
        #expect(race.cancel() == ["abandon 1", "abandon 2"])
        #expect(race.events.suffix(2) == ["1 abandoned 127.0.0.1:80", "2 abandoned 127.0.0.2:80"])
        #expect(race.wakeUp == nil)
        #expect(race.opened(1) == ["abandon 1"])
    }

    @Test("an attempt with a time limit of its own fails when it is over, and the next begins at once")
    func attemptTimeout() {
        var race = Race { $0.attemptTimeout = .milliseconds(100) }
        _ = race.connect(to: "127.0.0.1", "127.0.0.2")
        #expect(race.wakeUp == 100)
        #expect(race.wait(until: 100) == ["abandon 1", "connect 2 127.0.0.2:80"])
        #expect(race.wait(until: 200) == ["abandon 2", "fail"])
        #expect(race.failure?.code == .timedOut)
        #expect(race.failure?.underlying.count == 2)
        #expect(
            race.events == [
                "1 started 127.0.0.1:80", "1 failed ETIMEDOUT 127.0.0.1:80", "2 started 127.0.0.2:80",
                "2 failed ETIMEDOUT 127.0.0.2:80",
            ])
    }

    @Test("an address that the filter refuses fails without being tried, and the next follows at once")
    func filter() {
        var race = Race { $0.filter = { $0.ipAddress != "127.0.0.1" } }
        #expect(race.connect(to: "127.0.0.1", "127.0.0.2") == ["connect 2 127.0.0.2:80"])
        #expect(race.events == ["1 failed ERR_IP_BLOCKED 127.0.0.1:80", "2 started 127.0.0.2:80"])
    }

    @Test("a Unix domain socket is tried alone, and the filter is not asked")
    func unixPath() throws {
        var race = Race("connect to /run/x.sock") { $0.filter = { _ in false } }
        #expect(try race.connect(toPath: "/run/x.sock") == ["connect 1 /run/x.sock"])
        #expect(race.opened(1) == ["succeed 1"])
    }

    @Test("an address is tried once, and what a resolver returns beside the family is left out")
    func eachOnce() {
        var race = Race()
        _ = race.resolve()
        #expect(race.answer(.ipv6, "127.0.0.9", "::1", "::1") == ["connect 1 [::1]:80"])
        #expect(race.answer(.ipv6, "::7") == [], "a look-up has one answer")
        #expect(race.failed(1, "::1") == [])
        #expect(race.answer(.ipv4, "::1", "127.0.0.1", "127.0.0.1") == ["connect 2 127.0.0.1:80"])
        #expect(race.failed(2, "127.0.0.1") == ["fail"])
    }

    @Test("no more addresses are tried than the limit allows, and the error says how many were left out")
    func maximumAttempts() {
        var race = Race { $0.maximumAttempts = 2 }
        _ = race.connect(to: "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4")
        #expect(race.failed(1, "127.0.0.1") == ["connect 2 127.0.0.2:80"])
        #expect(race.wakeUp == nil)
        #expect(race.wait(until: 5_000) == [])
        #expect(race.failed(2, "127.0.0.2", at: 5_001) == ["fail"])
        #expect(
            race.failure?.message == """
                connect to host:80: 127.0.0.1:80 ECONNREFUSED; 127.0.0.2:80 ECONNREFUSED; \
                2 more addresses were not tried
                """)
    }
}

@Suite("The one error of a connect that fails")
struct ConnectFailureTests {
    @Test("names every attempt, in words and one by one")
    func everyAttempt() {
        var race = Race()
        _ = race.connect(to: "::1", "127.0.0.1")
        _ = race.failed(1, "::1")
        #expect(race.failed(2, "127.0.0.1", .timedOut) == ["fail"])
        let error = race.failure
        #expect(error?.code == .connectionRefused)
        #expect(error?.message == "connect to host:80: [::1]:80 ECONNREFUSED; 127.0.0.1:80 ETIMEDOUT")
        #expect(error?.underlying.map(\.code) == [.connectionRefused, .timedOut])
        #expect(error?.underlying.map { $0.address?.text } == ["[::1]:80", "127.0.0.1:80"])
    }

    @Test(
        "has the code of the attempt that says most about the peer",
        arguments: [
            NetworkError.Code.networkUnreachable, .addressNotAvailable, .addressFamilyNotSupported, .addressBlocked,
        ])
    func mainCode(little: NetworkError.Code) {
        var race = Race()
        _ = race.connect(to: "::1", "127.0.0.1")
        _ = race.failed(1, "::1", little)
        _ = race.failed(2, "127.0.0.1", .connectionReset)
        #expect(race.failure?.code == .connectionReset)
        #expect(race.failure?.address?.text == "127.0.0.1:80")
    }

    @Test("is the attempt's own when the address was given as such")
    func oneAddress() {
        var race = Race("connect to 127.0.0.1:80")
        _ = race.connect(to: "127.0.0.1")
        _ = race.failed(1, "127.0.0.1")
        #expect(race.failure?.message == "connect to 127.0.0.1:80: ECONNREFUSED")
        #expect(race.failure?.underlying.isEmpty == true)
    }

    @Test("says that a name has no address, of a family if only that was asked for")
    func noAddress() {
        var race = Race()
        _ = race.resolve()
        #expect(race.answer(.ipv4) == [])
        #expect(race.noAnswer(.ipv6, .hostNotFound) == ["fail"])
        #expect(race.failure?.description == "ENOTFOUND: connect to host:80: the host name has no address")
        var limited = Race { $0.families = [.ipv6] }
        _ = limited.resolve()
        #expect(limited.answer(.ipv6) == ["fail"])
        #expect(limited.failure?.message == "connect to host:80: the host name has no IPv6 address")
    }

    @Test("says that the name server does not answer, which is not the same as a name that is unknown")
    func noNameServer() {
        var race = Race()
        _ = race.resolve()
        _ = race.noAnswer(.ipv6, .resolverUnavailable)
        #expect(race.noAnswer(.ipv4, .hostNotFound) == ["fail"])
        #expect(race.failure?.description == "EAI_AGAIN: connect to host:80: resolve host: no IPv6")
    }

    @Test("names a look-up without an answer beside the attempts")
    func lookupAndAttempts() {
        var race = Race()
        _ = race.resolve()
        _ = race.noAnswer(.ipv6, .resolverUnavailable)
        _ = race.answer(.ipv4, "127.0.0.1")
        #expect(race.failed(1, "127.0.0.1") == ["fail"])
        #expect(race.failure?.code == .connectionRefused)
        #expect(race.failure?.message == "connect to host:80: 127.0.0.1:80 ECONNREFUSED; resolve host: no IPv6")
        #expect(race.failure?.underlying.map(\.code) == [.connectionRefused, .resolverUnavailable])
    }

    @Test("says at the end of the time for all what was tried until then")
    func timeout() {
        var race = Race { $0.timeout = .seconds(1) }
        _ = race.connect(to: "127.0.0.1", "127.0.0.2")
        _ = race.failed(1, "127.0.0.1", at: 10)
        #expect(race.wakeUp == 1_000)
        #expect(race.wait(until: 999) == [])
        #expect(race.wait(until: 1_000) == ["abandon 2", "fail"])
        #expect(
            race.failure?.description == """
                ETIMEDOUT: connect to host:80: no answer within 1000 ms \
                (127.0.0.1:80 ECONNREFUSED; 127.0.0.2:80 no answer within 1000 ms)
                """)
        #expect(race.failure?.underlying.map(\.code) == [.connectionRefused, .timedOut])
        #expect(race.events.last == "2 failed ETIMEDOUT 127.0.0.2:80")
    }

    @Test("says that the name was not resolved in time")
    func timeoutOfLookup() {
        var race = Race { $0.timeout = .seconds(1) }
        _ = race.resolve()
        #expect(race.wait(until: 1_000) == ["fail"])
        #expect(
            race.failure?.description
                == "ETIMEDOUT: connect to host:80: no answer within 1000 ms (the host name was not resolved)")
    }

    @Test("says plainly that an address was not reached in time")
    func timeoutOfOneAddress() {
        var race = Race("connect to 127.0.0.1:80") { $0.timeout = .seconds(1) }
        _ = race.connect(to: "127.0.0.1")
        #expect(race.wait(until: 1_000) == ["abandon 1", "fail"])
        #expect(race.failure?.description == "ETIMEDOUT: connect to 127.0.0.1:80: no answer within 1000 ms")
    }
}

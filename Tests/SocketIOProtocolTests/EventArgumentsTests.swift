import NIOCore
import SocketIOProtocol
import Testing

@Suite("Event arguments")
struct EventArgumentsTests {
    private func arguments(_ text: String) throws -> EventArguments {
        try EventArguments(try #require(try decodePacket(text)))
    }

    struct Reading: Codable, Equatable {
        var device: String
        var values: [Double]
        var note: String?
    }

    @Test("are decoded one after another")
    func oneAfterAnother() throws {
        var arguments = try self.arguments(#"2["r", 1 , "two", {"device":"m","values":[1,2.5]} ,[true], null]"#)
        #expect(arguments.event == "r")
        #expect(arguments.count == 5)
        #expect(try arguments.next(Int.self) == 1)
        #expect(try arguments.next(String.self) == "two")
        #expect(arguments.count == 3)
        #expect(try arguments.next(Reading.self) == Reading(device: "m", values: [1, 2.5]))
        #expect(try arguments.next([Bool].self) == [true])
        #expect(try arguments.next(Int?.self) == nil)
        #expect(arguments.isAtEnd)
        #expect(arguments.count == 0)
    }

    @Test("are decoded together, and those not asked for are ignored")
    func together() throws {
        let arguments = try self.arguments(#"2["sum",1,"2",3.5,"ignored"]"#)
        let (a, b, c) = try arguments.decode(Int.self, String.self, Double.self)
        #expect((a, b, c) == (1, "2", 3.5))
        let first = try arguments.decode(Int.self)
        #expect(first == 1)
    }

    @Test("a missing argument is nil for an optional, and an error that names it otherwise")
    func missing() throws {
        var arguments = try self.arguments(#"2["sum",1]"#)
        let (a, b) = try arguments.decode(Int.self, Int?.self)
        #expect((a, b) == (1, nil))
        _ = try arguments.next(Int.self)
        let error = #expect(throws: DecodingError.self) { try arguments.next(Int.self) }
        guard case .valueNotFound(let type, let context) = try #require(error) else {
            Issue.record("not valueNotFound")
            return
        }
        #expect(type is Int.Type)
        #expect(context.codingPath.map(\.intValue) == [1])
        #expect(context.debugDescription == #"Argument 1 of event "sum" is missing; expected Int."#)
    }

    @Test("an argument of another type is an error with its path, and stays to be read otherwise")
    func mismatch() throws {
        var arguments = try self.arguments(#"2["r",{"device":"m","values":[1,"x"]}]"#)
        let error = #expect(throws: DecodingError.self) { try arguments.next(Reading.self) }
        guard case .typeMismatch(_, let context) = try #require(error) else {
            Issue.record("not typeMismatch")
            return
        }
        #expect(context.codingPath.first?.intValue == 0)
        #expect(context.codingPath.dropFirst().first?.stringValue == "values")
        #expect(try arguments.next(SocketIOValue.self) == ["device": "m", "values": [1, "x"]])
    }

    @Test("of an acknowledgement have no event")
    func acknowledgement() throws {
        var arguments = try self.arguments("31[ 5 ]")
        #expect(arguments.event == nil)
        #expect(try arguments.next(Int.self) == 5)
        #expect(try self.arguments("31[]").isAtEnd)
        let error = #expect(throws: DecodingError.self) { try arguments.next(Int.self) }
        #expect("\(try #require(error))".contains("the acknowledgement"))
    }

    @Test(
        "an event called by a number has its name as JavaScript writes it",
        arguments: [("1", "1"), ("1.0", "1"), ("2.50", "2.5")])
    func numericName(_ number: String, _ name: String) throws {
        #expect(try self.arguments("2[\(number),true]").event == name)
    }

    @Test("names are unescaped")
    func escapedName() throws {
        #expect(try self.arguments(#"2["a\n\u00e9\"b"]"#).event == "a\né\"b")
    }

    @Test("exist for events and acknowledgements only", arguments: ["0", "1", #"0{"a":1}"#, #"4{"message":"no"}"#])
    func otherKinds(_ text: String) throws {
        let packet = try #require(try decodePacket(text))
        let error = #expect(throws: NotAnEvent.self) { _ = try EventArguments(packet) }
        #expect(error?.kind == packet.kind)
    }

    @Test("the payload of other packets is decoded as one value")
    func payload() throws {
        let packet = try #require(try decodePacket(#"0 {"token":"123"}"#))
        #expect(try packet.decodePayload([String: String].self) == ["token": "123"])
        #expect(try decodePacket(#"4"no""#)?.decodePayload(String.self) == "no")
        let empty = try #require(try decodePacket("0"))
        #expect(try empty.decodePayload([String: String]?.self) == nil)
        #expect(throws: DecodingError.self) { try empty.decodePayload([String: String].self) }
    }
}

@Suite("Acknowledgement table")
struct AckTableTests {
    @Test("gives ids from 0 up and each entry out once")
    func ids() {
        var table = AckTable<String>()
        #expect(table.insert("a") == 0)
        #expect(table.insert("b") == 1)
        #expect(table.remove(0) == "a")
        #expect(table.remove(0) == nil)
        #expect(table.insert("c") == 2)
        #expect(table.count == 2)
        #expect(table.remove(7) == nil)
    }

    @Test("is bounded, and a refused entry uses no id")
    func bounded() {
        var table = AckTable<Int>(capacity: 2)
        #expect(AckTable<Int>().capacity == 1024)
        #expect([table.insert(0), table.insert(1), table.insert(2)] == [0, 1, nil])
        #expect(table.remove(1) == 1)
        #expect(table.insert(3) == 2)
    }

    @Test("gives everything out at once, the oldest first")
    func removeAll() {
        var table = AckTable<Int>()
        for value in 0..<100 { _ = table.insert(value) }
        #expect(table.removeAll() == Array(0..<100))
        #expect(table.isEmpty)
        #expect(table.insert(1) == 100)
    }
}

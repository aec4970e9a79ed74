import NIOCore
import Testing

@testable import JunctionTransport

@Suite("Lines about what happens often")
struct LinePaceTests {
    @Test("the first event is logged at once, those after it once a second with their number")
    func pace() {
        var pace = LinePace()
        let start = NIODeadline.now()
        #expect(pace.note(at: start) == 1)
        for millisecond in 1...999 { #expect(pace.note(at: start + .milliseconds(Int64(millisecond))) == nil) }
        #expect(pace.note(at: start + .seconds(1)) == 1_000)
        #expect(pace.note(at: start + .seconds(1)) == nil)
        #expect(pace.note(at: start + .hours(1)) == 2)
        #expect(pace.note(at: start + .hours(2)) == 1)
    }
}

import JunctionSocketIO
import RecoveryChecks
import Testing

/// The recovery store in memory.
@Suite(.timeLimit(.minutes(1))) struct InMemoryRecoveryStoreTests {
    @Test("What holds for every recovery store holds for the one in memory", arguments: RecoveryCheck.allCases)
    func check(_ check: RecoveryCheck) async throws {
        // A process that ends takes this store with it; a server that takes the place of another finds the same.
        try await check.run(InMemoryRecoveryStore())
    }
}

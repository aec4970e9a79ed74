public import JunctionCore

/// Runs `body` and returns the network error it throws.
public func networkError(_ body: () async throws -> Void) async -> NetworkError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? NetworkError
    }
}

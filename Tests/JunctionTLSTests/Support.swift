import JunctionTLS

/// The network error that `body` throws.
func networkError(_ body: () throws -> Void) -> NetworkError? {
    do {
        try body()
        return nil
    } catch {
        return error as? NetworkError
    }
}

/// Returns as soon as `condition` holds.
func eventually(_ condition: () async -> Bool) async throws {
    while !(await condition()) {
        try Task.checkCancellation()
        await Task.yield()
    }
}

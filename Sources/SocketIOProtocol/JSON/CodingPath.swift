/// A coding key made from a name or an index.
enum JSONKey: CodingKey {
    case name(String)
    case index(Int)

    static var superKey: JSONKey { .name("super") }

    init?(stringValue: String) { self = .name(stringValue) }
    init?(intValue: Int) { self = .index(intValue) }

    var stringValue: String {
        switch self {
        case .name(let name): name
        case .index(let index): "Index \(index)"
        }
    }

    var intValue: Int? {
        switch self {
        case .name: nil
        case .index(let index): index
        }
    }
}

/// One step of a coding path, linked to the step before: descending costs one small object instead of a copied array.
final class CodingPathNode {
    let key: any CodingKey
    let parent: CodingPathNode?

    init(_ key: any CodingKey, parent: CodingPathNode?) {
        self.key = key
        self.parent = parent
    }
}

extension CodingPathNode? {
    var keys: [any CodingKey] {
        var keys: [any CodingKey] = []
        var next = self
        while let node = next {
            keys.append(node.key)
            next = node.parent
        }
        return keys.reversed()
    }

    func appending(_ key: any CodingKey) -> CodingPathNode { CodingPathNode(key, parent: self) }
}

/// `value`, known by the caller to be of type `T` although the compiler cannot see it.
///
/// A dynamic cast would say the same, by way of the runtime.
@inline(__always)
func assumingSameType<Value, T>(_ value: Value, _ type: T.Type) -> T {
    assert(Value.self == T.self)
    return unsafeBitCast(value, to: T.self)
}

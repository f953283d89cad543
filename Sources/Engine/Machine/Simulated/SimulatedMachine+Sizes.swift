/// Nothing here has a size.
extension SimulatedMachine {
    package func writableSize(of container: String) async -> Int64 { 0 }
    package func size(ofFolder path: String) async -> Int64 { 0 }
}

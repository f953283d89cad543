/// Nothing has a size here.
extension SimulatedMachine {
    package func writableSize(of container: String) async -> Int64 { 0 }
    package func size(ofFolder path: String) async -> Int64 { 0 }
}

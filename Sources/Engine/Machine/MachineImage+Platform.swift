import Images
import OCI

extension MachineImage {
    /// The image is built for `wanted`, or for a platform whose programs run there too; nil accepts every platform.
    func runs(on wanted: String?) -> Bool {
        guard let wanted = wanted.flatMap({ Platform($0) }), let offered = platform.flatMap({ Platform($0) }) else {
            return true
        }
        return wanted.accepts(offered)
    }
}

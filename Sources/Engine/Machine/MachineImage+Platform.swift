import Images
import OCI

extension MachineImage {
    /// It is made for `wanted`, or for what runs there as well; nil wants nothing in particular.
    func runs(on wanted: String?) -> Bool {
        guard let wanted = wanted.flatMap({ Platform($0) }), let offered = platform.flatMap({ Platform($0) }) else {
            return true
        }
        return wanted.accepts(offered)
    }
}

/// The options of one mount of a runtime spec (config.md, "Linux mount options"), sorted by the call that needs them.
package struct MountOptions: Hashable {
    /// MOUNT_ATTR_* to set and to clear on the mount (mount_setattr(2)); the recursive ones apply to all mounts below
    /// it, too.
    package var set: UInt64 = 0
    package var clear: UInt64 = 0
    package var recursiveSet: UInt64 = 0
    package var recursiveClear: UInt64 = 0
    package var isBind = false
    package var isRecursiveBind = false
    /// MS_PRIVATE and so on, and whether it applies to all mounts below.
    package var propagation: UInt64?
    package var isPropagationRecursive = false
    package var copiesUp = false
    /// For a bind: the path below the source to mount; no link in it can lead out of the source. An extension of berth.
    package var subpath: String?
    /// For the file system: `key=value` or a word.
    package var data: [String] = []

    /// MOUNT_ATTR_* of linux/mount.h.
    enum Attribute {
        static let readOnly: UInt64 = 0x1
        static let noSuid: UInt64 = 0x2
        static let noDev: UInt64 = 0x4
        static let noExec: UInt64 = 0x8
        /// The three bits for relatime, noatime and strictatime together.
        static let accessTime: UInt64 = 0x70
        static let noAccessTime: UInt64 = 0x10
        static let strictAccessTime: UInt64 = 0x20
        static let noDirAccessTime: UInt64 = 0x80
        static let noSymlinkFollow: UInt64 = 0x20_0000
    }

    /// MS_* of linux/mount.h.
    package enum Propagation {
        static let unbindable: UInt64 = 1 << 17
        static let `private`: UInt64 = 1 << 18
        package static let slave: UInt64 = 1 << 19
        static let shared: UInt64 = 1 << 20
    }

    private enum Effect {
        case set(UInt64)
        case clear(UInt64)
        /// One of the access time modes; it replaces the others.
        case accessTime(UInt64)
        case propagation(UInt64)
        /// An option of the file system, with this name.
        case data
        case nothing
    }

    package init(_ options: [String]) {
        for option in options {
            switch option {
            case "bind": isBind = true
            case "rbind":
                isBind = true
                isRecursiveBind = true
            case "tmpcopyup": copiesUp = true
            case _ where option.hasPrefix("subpath="): subpath = String(option.dropFirst("subpath=".count))
            default: add(option)
            }
        }
    }

    private mutating func add(_ option: String) {
        if let effect = Self.effects[option] {
            apply(effect, option, recursively: false)
        } else if option.first == "r", let effect = Self.effects[String(option.dropFirst())] {
            apply(effect, option, recursively: true)
        } else {
            data.append(option)
        }
    }

    private mutating func apply(_ effect: Effect, _ option: String, recursively: Bool) {
        var toSet: UInt64 = 0
        var toClear: UInt64 = 0
        switch effect {
        case .set(let bits): toSet = bits
        case .clear(let bits): toClear = bits
        case .accessTime(let bits):
            toSet = bits
            toClear = Attribute.accessTime
        case .propagation(let kind):
            propagation = kind
            isPropagationRecursive = recursively
            return
        case .data:
            data.append(option)
            return
        case .nothing: return
        }
        if recursively {
            recursiveSet = recursiveSet & ~toClear | toSet
            recursiveClear = recursiveClear & ~toSet | toClear
        } else {
            set = set & ~toClear | toSet
            // When the mode changes, all access time bits must be cleared, also those that are set (mount_setattr(2)).
            clear = clear & ~(toSet & ~Attribute.accessTime) | toClear
        }
    }

    private static let effects: [String: Effect] = [
        "ro": .set(Attribute.readOnly), "rw": .clear(Attribute.readOnly),
        "nosuid": .set(Attribute.noSuid), "suid": .clear(Attribute.noSuid),
        "nodev": .set(Attribute.noDev), "dev": .clear(Attribute.noDev),
        "noexec": .set(Attribute.noExec), "exec": .clear(Attribute.noExec),
        "nosymfollow": .set(Attribute.noSymlinkFollow), "symfollow": .clear(Attribute.noSymlinkFollow),
        "nodiratime": .set(Attribute.noDirAccessTime), "diratime": .clear(Attribute.noDirAccessTime),
        "noatime": .accessTime(Attribute.noAccessTime), "strictatime": .accessTime(Attribute.strictAccessTime),
        "relatime": .accessTime(0), "atime": .accessTime(0), "norelatime": .accessTime(0),
        "nostrictatime": .accessTime(0),
        "private": .propagation(Propagation.private), "shared": .propagation(Propagation.shared),
        "slave": .propagation(Propagation.slave), "unbindable": .propagation(Propagation.unbindable),
        "sync": .data, "dirsync": .data, "lazytime": .data, "mand": .data, "iversion": .data,
        "async": .nothing, "nolazytime": .nothing, "nomand": .nothing, "noiversion": .nothing, "defaults": .nothing,
        "loud": .nothing, "silent": .nothing, "remount": .nothing,
    ]
}

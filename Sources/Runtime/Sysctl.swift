import Linux

/// The kernel parameters that a container may set: those that belong to a namespace of its own.
package enum Sysctl {
    /// - Throws: `RuntimeFailure` for a key that would affect the host or another container, or that is not a parameter
    ///   name.
    package static func check(_ key: String, _ namespaces: NamespacePlan) throws(RuntimeFailure) {
        let path = path(key)
        guard isPlainPath(path) else {
            throw RuntimeFailure(step: "sysctl", message: "sysctl \(key) is not the name of a kernel parameter")
        }
        let name = path.pathParts.joined(separator: ".")
        let needed: NamespacePlan.Kind?
        if [
            "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax",
            "kernel.shmmni", "kernel.shm_rmid_forced",
        ].contains(name) || name.hasPrefix("fs.mqueue.") {
            needed = .ipc
        } else if name.hasPrefix("net.") {
            needed = .network
        } else {
            needed = name == "kernel.domainname" ? .uts : nil
        }
        guard let needed else {
            throw RuntimeFailure(step: "sysctl", message: "sysctl \(key) does not belong to any namespace")
        }
        guard namespaces.isSeparate(needed) else {
            let message = "sysctl \(key) needs a \(needed.name) namespace of the container's own"
            throw RuntimeFailure(step: "sysctl", message: message)
        }
    }

    /// `net.ipv4.ip_forward` as a path below `/proc/sys`; a key with slashes keeps its dots (sysctl(8)).
    package static func path(_ key: String) -> String {
        let dot = UInt8(ascii: ".")
        let slash = UInt8(ascii: "/")
        guard key.utf8.first(where: { $0 == dot || $0 == slash }) == dot else { return key }
        return String(decoding: key.utf8.map { $0 == dot ? slash : $0 == slash ? dot : $0 }, as: UTF8.self)
    }
}

import Linux

extension KernelNetwork {
    static func makeNamespace(_ path: String) throws(SyscallError) {
        try NetworkNamespace(path: path).create { () throws(SyscallError) in
            try NetlinkSocket(.route).perform([RouteMessages.bringUp("lo")])
            try setSysctl("net/ipv4/ip_unprivileged_port_start", "0")
            try setSysctl("net/ipv4/ping_group_range", "0 2147483647")
        }
    }
}

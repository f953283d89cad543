import Glibc
import Linux

/// Receives what a service manager passes to a program that it starts, and reports to it.
enum ServiceManager {
    /// The first of the passed descriptors (sd_listen_fds(3), SD_LISTEN_FDS_START).
    private static let firstHandedOver: CInt = 3

    /// The listening sockets for this process, in the order of the unit.
    static func sockets(_ environment: [String: String]) -> [CInt] {
        guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == getpid(),
            let count = environment["LISTEN_FDS"].flatMap({ CInt($0) }), (1...16).contains(count)
        else { return [] }
        let sockets = Array(firstHandedOver..<firstHandedOver + count)
        // They were inherited through exec; without this flag the monitors would inherit them too.
        for socket in sockets { _ = fcntl(socket, F_SETFD, FD_CLOEXEC) }
        return sockets
    }

    /// Reports that the service answers now (sd_notify(3), READY=1).
    static func reportReady(_ environment: [String: String]) {
        guard let path = environment["NOTIFY_SOCKET"], path.hasPrefix("/"),
            let connection = try? UnixSocket.connect(path, kind: .datagrams)
        else { return }
        let word = "READY=1"
        _ = send(connection.raw, word, word.utf8.count, CInt(MSG_NOSIGNAL))
    }
}

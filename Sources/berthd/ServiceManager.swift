import Glibc
import Linux

/// What a service manager hands to a program that it starts, and waits to hear from it.
enum ServiceManager {
    /// The first descriptor of those that are handed over (sd_listen_fds(3), SD_LISTEN_FDS_START).
    private static let firstHandedOver: CInt = 3

    /// The listening socket that was made for this process; nil when there is none.
    static func socket(_ environment: [String: String]) -> CInt? {
        guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == getpid(),
            environment["LISTEN_FDS"].flatMap({ Int($0) }) ?? 0 > 0
        else { return nil }
        // It came through exec, so it is not closed in the monitors unless that is asked for.
        _ = fcntl(firstHandedOver, F_SETFD, FD_CLOEXEC)
        return firstHandedOver
    }

    /// Says that the service answers now (sd_notify(3), READY=1).
    static func reportReady(_ environment: [String: String]) {
        guard let path = environment["NOTIFY_SOCKET"], path.hasPrefix("/"),
            let connection = try? UnixSocket.connect(path, kind: .datagrams)
        else { return }
        let word = "READY=1"
        _ = send(connection.raw, word, word.utf8.count, CInt(MSG_NOSIGNAL))
    }
}

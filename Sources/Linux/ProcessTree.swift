import Glibc

/// What `/proc` shows of a process's place among others.
package enum ProcessTree {
    /// The processes that `pid`'s threads started or inherited and that have not ended. Empty when it cannot be looked at, and on a
    /// kernel without CONFIG_PROC_CHILDREN.
    package static func children(of pid: CInt) -> [CInt] {
        let threads = (try? folderEntries("/proc/\(pid)/task")) ?? []
        return threads.flatMap { thread -> [CInt] in
            let text = (try? readText("/proc/\(pid)/task/\(thread)/children")) ?? ""
            return text.split(separator: " ").compactMap { CInt($0) }
        }.filter { child in
            guard let status = try? ProcessStatus(of: child) else { return false }
            return !status.isZombie
        }
    }

    /// The program's file name, as the process sees it: `dash`, also for a script that names `/bin/sh`.
    package static func program(of pid: CInt) -> String? {
        guard let path = link("/proc/\(pid)/exe") else { return nil }
        // What was replaced on disk is marked so (proc_pid_exe(5)).
        let mark = " (deleted)"
        return (path.hasSuffix(mark) ? String(path.dropLast(mark.count)) : path).lastPathPart
    }

    /// It runs a command line or a script for somebody: a shell by its program, or by the name that a program of many names was called.
    package static func isShell(_ pid: CInt) -> Bool {
        guard let program = program(of: pid) else { return false }
        if shells.contains(program) { return true }
        guard ["busybox", "toybox"].contains(program) else { return false }
        let words = ((try? readText("/proc/\(pid)/cmdline")) ?? "").split(separator: "\0").map(\.lastPathPart)
        guard let first = words.first else { return false }
        let called = first == program ? words.dropFirst().first ?? "" : first
        // A login shell's name begins with a dash.
        return shells.contains(called.hasPrefix("-") ? String(called.dropFirst()) : called)
    }

    static func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink(path, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    private static let shells: Set<String> = [
        "sh", "ash", "bash", "rbash", "dash", "fish", "hush", "ksh", "ksh93", "lksh", "loksh", "mksh", "oksh", "pdksh",
        "posh",
        "yash", "zsh", "zsh5",
    ]
}

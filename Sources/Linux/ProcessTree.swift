import Glibc

/// The relations of a process to others, from `/proc`.
package enum ProcessTree {
    /// The children of `pid` that have not ended, including inherited ones. Empty when it cannot be read, and on a
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

    /// The file name of the program, as the process sees it: `dash`, also for a script with `/bin/sh`.
    package static func program(of pid: CInt) -> String? {
        guard let path = link("/proc/\(pid)/exe") else { return nil }
        // The kernel marks a file that was replaced on disk (proc_pid_exe(5)).
        let mark = " (deleted)"
        return (path.hasSuffix(mark) ? String(path.dropLast(mark.count)) : path).lastPathPart
    }

    /// It is a shell: by its program, or by the name under which a multi-call program was started.
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

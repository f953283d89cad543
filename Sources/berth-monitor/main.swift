import Glibc
import JSON
import Linux
import Monitor
import Runtime

// berth-monitor FOLDER: watches the process that FOLDER/spec.json describes, from before its exec until its end.
// berth-monitor FOLDER --watch N: continues in the same process, with the state that an earlier image of it left in
// descriptor N.
let arguments = CommandLine.arguments
do {
    try SelfProtection.begin()
    if arguments.count == 4, arguments[2] == "--watch", let descriptor = CInt(arguments[3]) {
        try ProcessMonitor(Handover(from: descriptor)).goOn()
    } else if arguments.count == 2 {
        try ProcessMonitor(folder: arguments[1]).run()
    } else {
        printError("usage: berth-monitor FOLDER")
        exit(2)
    }
} catch {
    printError("berth-monitor: \(plainText(of: error))")
    exit(1)
}

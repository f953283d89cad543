import Glibc
import Linux
import Monitor
import Runtime

// berth-monitor FOLDER: watches the process that FOLDER/spec.json describes, from before its exec until its end.
let arguments = CommandLine.arguments
guard arguments.count == 2 else {
    printError("usage: berth-monitor FOLDER")
    exit(2)
}
do {
    try SelfProtection.begin()
    try ProcessMonitor(folder: arguments[1]).run()
} catch {
    printError("berth-monitor: \(error)")
    exit(1)
}

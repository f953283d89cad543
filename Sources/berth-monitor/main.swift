import Glibc
import JSON
import Linux
import Monitor
import Runtime

// berth-monitor FOLDER: watches the process that FOLDER/spec.json describes, from before its exec until its end.
// berth-monitor FOLDER --watch N: continues in the same process, with the state that an earlier image of it left in
// descriptor N.
let arguments = CommandLine.arguments
let usage = """
    usage: berth-monitor FOLDER

    Creates the process that FOLDER/spec.json describes, and watches it until its end. The engine starts one for each
    container and for each command in a container.
    """
switch arguments.dropFirst().first {
case "--help", "-h":
    print(usage)
    exit(0)
case "--version":
    print("berth-monitor version 0.1.0")
    exit(0)
case let option? where option.hasPrefix("-"):
    printError("berth-monitor: there is no option \(option)\n\(usage)")
    exit(2)
default: break
}
do {
    try SelfProtection.begin()
    if arguments.count == 4, arguments[2] == "--watch", let descriptor = CInt(arguments[3]) {
        try ProcessMonitor(Handover(from: descriptor)).goOn()
    } else if arguments.count == 2 {
        try ProcessMonitor(folder: arguments[1]).run()
    } else {
        printError(usage)
        exit(2)
    }
} catch {
    printError("berth-monitor: \(plainText(of: error))")
    exit(1)
}

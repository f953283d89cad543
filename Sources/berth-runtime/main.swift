import Glibc
import JSON
import Linux
import Runtime

// berth-runtime: an OCI runtime as a command line; `berth-runtime help` lists its verbs.
var arguments = Arguments(CommandLine.arguments.dropFirst())
var log = Log()
do {
    let options = try GlobalOptions(&arguments)
    log = options.log
    try SelfProtection.begin()
    exit(try CommandLineRuntime(options).run(&arguments))
} catch let problem as Arguments.Problem {
    log.error("\(problem)")
    exit(2)
} catch let failure as RuntimeFailure {
    log.error(failure.message)
    exit(failure.step == "exec" ? CInt(clamping: failure.exitCode) : 1)
} catch {
    log.error("\(plainText(of: error))")
    exit(1)
}

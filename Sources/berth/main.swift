import ArgumentParser
import Console
import EngineWire
import Linux

CallingProcess.openMissingStandardDescriptors()
ignoreClosedPipes()
endOnSignals()
let stdout = Output(Terminal.stdout) { CallingProcess.exit(ExitStatus.success.code) }
let stderr = Output(Terminal.stderr)
CallingProcess.exit(Program(stdout: stdout, stderr: stderr).run(Array(CommandLine.arguments.dropFirst())).code)

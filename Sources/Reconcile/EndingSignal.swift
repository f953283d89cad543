import OCI

/// Whether a signal that a person sends means that the container shall be down: SIGKILL, and its own stop signal, whoever set that,
/// the file, the image or nobody. After any other the process decides for itself, and its restart policy holds.
package func meansEnd(_ signal: Int32, stopSignal: Int32) -> Bool {
    signal == SignalName.kill || signal == stopSignal
}

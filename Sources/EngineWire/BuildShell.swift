/// A shell in the state in which a step of a build failed. It waits for its client to take its streams:
/// `POST /v1/builds/shells/ID` with `Upgrade: berth-stream`, then `StreamFrame`s both ways. The build ends when the shell does.
package struct BuildShell: Codable, Hashable, Sendable {
    package var id: String
    package var program: String
    /// Why the step failed.
    package var note: BuildNote

    package init(id: String, program: String, note: BuildNote) {
        self.id = id
        self.program = program
        self.note = note
    }
}

import ArgumentParser

/// `berth config`: the file as it is understood.
struct Config: Verb {
    static let configuration = CommandConfiguration(abstract: "Show the file as it is understood", aliases: ["convert"])
    @OptionGroup(title: "Project") var global: GlobalOptions
    func run(in session: Session) throws { _ = try session.loadProject() }
}

import ProjectModel
import YAML

/// A node of the canonical model: short forms expanded, scalars in one form, places kept.
package typealias ComposeNode = Node

/// A project that was loaded.
package struct LoadResult: Sendable {
    /// The project's name.
    package var name: String
    /// The canonical tree of enabled services and all resources, for `config`.
    package var model: ComposeNode
    /// The services that the chosen profiles leave out, canonical.
    package var disabled: Mapping
    /// Warnings.
    package var diagnostics: [Diagnostic]
    /// Attributes that are recognised and not acted on: warnings, and errors where ignoring one would weaken security
    /// or lose data. They matter when the project is brought up, not when it is looked at.
    package var unsupported: [Diagnostic]
    /// The variables that interpolation saw, the project's name among them.
    package var environment: [String: String]
    /// Every `${…}` of the merged model and of the project's name; empty when they were replaced by their values.
    package var references: [Template.Reference]
    let workspace: Workspace
    let source: any FileSource
    /// The files, for rendering diagnostics.
    package var sources: SourceMap
    package var steps: LoadSteps

    /// What the engine gets: made of the model when it is wanted, which of many uses of a file is one. With it everything that is
    /// not acted on, `unsupported` and what shows only now: a profile or variable that is not there.
    package func built() -> (project: Project, unsupported: [Diagnostic]) {
        let report = Report()
        report.sources = sources
        let builder = ProjectBuilder(model: model, disabled: disabled, name: name, workspace: workspace, source: source)
        let project = builder.project(report)
        return (project, sorted(unsupported + report.sorted))
    }

    /// Diagnostics about these files in the order in which they are shown.
    package func sorted(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        let names = sources.files.enumerated().map { ($0.element.name, $0.offset) }
        return Diagnostic.sorted(diagnostics, rank: Dictionary(names) { first, _ in first })
    }
}

/// A project that could not be loaded: everything that is wrong, sorted by place.
package struct LoadFailure: Error, Sendable, CustomStringConvertible {
    /// At least one error, and the warnings.
    package var diagnostics: [Diagnostic]
    package var sources: SourceMap
    /// Services that were asked for and that are not there, if nothing else is wrong.
    package var unknownServices: UnknownServices? = nil

    package struct UnknownServices: Hashable, Sendable {
        package var names: [String]
        /// The services that there are.
        package var known: [String]
    }

    package var description: String { rendered() }

    /// All of them as text, a blank line between two.
    package func rendered(colour: Bool = false) -> String {
        diagnostics.map { sources.render($0, colour: colour) }.joined(separator: "\n\n")
    }
}

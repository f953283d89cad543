import ProjectModel
import YAML

/// A node of the canonical model: short forms expanded, scalars in one form, places kept.
package typealias ComposeNode = Node

/// A loaded project.
package struct LoadResult: Sendable {
    /// The project's name.
    package var name: String
    /// The canonical tree of enabled services and all resources, for `config`.
    package var model: ComposeNode
    /// The services that the chosen profiles leave out, in canonical form.
    package var disabled: Mapping
    /// Warnings.
    package var diagnostics: [Diagnostic]
    /// Attributes that berth recognises but does not act on: warnings, or errors where ignoring one would weaken
    /// security or lose data. They matter for `up`, not for looking at the project.
    package var unsupported: [Diagnostic]
    /// The variables for interpolation, including the project's name.
    package var environment: [String: String]
    /// Every `${…}` of the merged model and of the project's name; empty when they were replaced by their values.
    package var references: [Template.Reference]
    let workspace: Workspace
    let source: any FileSource
    /// The files, for rendering diagnostics.
    package var sources: SourceMap
    package var steps: LoadSteps

    /// The project for the engine. Built from the model on demand, because not every caller needs it. Also returns
    /// everything that berth does not act on: `unsupported`, and what only this step finds, such as a missing profile
    /// or variable.
    package func built() -> (project: Project, unsupported: [Diagnostic]) {
        let report = Report()
        report.sources = sources
        let builder = ProjectBuilder(model: model, disabled: disabled, name: name, workspace: workspace, source: source)
        let project = builder.project(report)
        return (project, sorted(unsupported + report.sorted))
    }

    /// Diagnostics about these files, in the order of output.
    package func sorted(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        let names = sources.files.enumerated().map { ($0.element.name, $0.offset) }
        return Diagnostic.sorted(diagnostics, rank: Dictionary(names) { first, _ in first })
    }
}

/// A project that could not be loaded, with all problems sorted by place.
package struct LoadFailure: Error, Sendable, CustomStringConvertible {
    /// At least one error, and the warnings.
    package var diagnostics: [Diagnostic]
    package var sources: SourceMap
    /// Services that the caller named and that do not exist, if nothing else is wrong.
    package var unknownServices: UnknownServices? = nil

    package struct UnknownServices: Hashable, Sendable {
        package var names: [String]
        /// The existing services.
        package var known: [String]
    }

    package var description: String { rendered() }

    /// All diagnostics as text, separated by blank lines.
    package func rendered(colour: Bool = false) -> String {
        diagnostics.map { sources.render($0, colour: colour) }.joined(separator: "\n\n")
    }
}

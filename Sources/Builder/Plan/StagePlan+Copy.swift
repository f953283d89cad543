import Dockerfile
import OCI
import YAML

// COPY and ADD: what they take, and from where.
extension StagePlan {
    mutating func plan(
        _ copy: Copy, isAdd: Bool, _ instruction: Instruction, at place: SourceRange
    ) throws(Mistake) {
        var patterns: [String] = []
        var urls: [String] = []
        var documents: [CopyStep.Document] = []
        var places: [SourceRange] = []
        var shown: [String] = []
        var repository: GitSource?
        for source in copy.sources {
            switch source {
            case .path(let text):
                let pattern = try value(text)
                shown.append(pattern)
                if isAdd, let git = GitSource(pattern) {
                    guard copy.sources.count == 1 else {
                        throw .value(
                            text, "ADD takes a repository only without other sources", "write a separate ADD for it")
                    }
                    repository = git
                    patterns.append("/")
                    places.append(text.span(in: build.file))
                    continue
                }
                if isAdd, Self.isRemote(pattern) {
                    urls.append(pattern)
                    continue
                }
                patterns.append(pattern)
                places.append(text.span(in: build.file))
            case .document(let document):
                var text = document.text
                if document.expands {
                    do throws(WordLexer.Failure) { text = try variables.expandDocument(text).text } catch {
                        throw .value(document.place, error.message, error.hint)
                    }
                }
                documents.append(.init(name: document.name, text: text))
                shown.append(document.name)
            }
        }
        let written = try value(copy.destination)
        var destination = Self.path(written, in: execution.workingDir)
        if written.hasSuffix("/") || written == "." || written.hasSuffix("/.") || written.isEmpty, destination != "/" {
            destination += "/"
        }
        var query = SourceQuery(patterns: patterns, keepsParents: copy.keepsParents)
        for pattern in copy.excluded { query.excluded.append(try value(pattern)) }
        var step = CopyStep(
            isAdd: isAdd, query: query, destination: destination, hasSeveralSources: copy.sources.count > 1)
        step.documents = documents
        step.urls = urls
        if let from = copy.from { step.origin = origin(from) }
        if let owner = copy.owner { step.owner = try value(owner) }
        if let mode = copy.mode {
            let text = try value(mode)
            guard FileModes(text) != nil else {
                throw .value(mode, "invalid file mode '\(text)'", "write it in octal, --chmod=755, or as u=rwX,go=rX")
            }
            step.mode = text
        }
        step.isLinked = copy.isLinked
        if let checksum = copy.checksum {
            let text = try value(checksum)
            if repository == nil, urls.isEmpty {
                throw .value(
                    checksum, "--checksum is for URLs and repositories", "leave it out: the files come from the context"
                )
            }
            if repository == nil { step.checksum = text } else { repository?.commit = text }
        }
        if var repository {
            if let keeps = copy.keepsGitFolder { repository.keepsGitFolder = keeps }
            step.origin = .context(GitSource.contextPrefix + repository.text)
        }
        step.unpacks = copy.unpacks
        var planned = PlannedInstruction(
            step: .copy(step),
            history: "\(isAdd ? "ADD" : "COPY") \((shown + [written]).joined(separator: " ")) # buildkit",
            title: instruction.text.text, place: place)
        planned.sources = places
        instructions.append(planned)
    }

    private static func isRemote(_ text: String) -> Bool {
        ["http://", "https://"].contains { text.hasPrefix($0) }
    }
}

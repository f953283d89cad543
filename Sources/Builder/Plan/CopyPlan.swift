import Dockerfile

/// Where each thing that a COPY takes is put; pure.
struct CopyPlan: Sendable {
    /// One file or folder, and where it goes.
    struct Placement: Hashable, Sendable {
        /// Relative to the root.
        var path: String
        var entry: SourceEntry
        /// Where it lies in the tree that it comes from.
        var source: String
        /// An existing folder also gets the mode and owner of the source.
        var describes: Bool
        /// A source names it: it is not just a file in a named folder.
        var isNamed = false
        /// The place, among the placements, of the first name of a file that has several.
        var first: Int?
    }

    private(set) var placements: [Placement] = []
    private var firsts: [String: Int] = [:]

    /// `destination` is relative to the root, its links followed; `isFolder` says that things are put into it and not in its place.
    init(_ matches: [SourceMatch], to destination: String, isFolder: Bool, keepsParents: Bool) {
        for match in matches {
            // Names of one file are kept together where they come together.
            firsts = [:]
            var base = destination
            if keepsParents {
                for parent in match.parents {
                    place(parent, at: Self.join(base, parent.path), from: parent.path, describes: true)
                }
                base = Self.join(base, match.path)
            } else if !match.entry.isFolder, isFolder {
                base = Self.join(base, match.name)
            }
            place(match.entry, at: base, from: match.entry.path, describes: keepsParents, isNamed: true)
            for entry in match.below {
                place(
                    entry, at: Self.join(base, entry.path), from: Self.join(match.entry.path, entry.path),
                    describes: true)
            }
        }
    }

    private mutating func place(
        _ entry: SourceEntry, at path: String, from source: String, describes: Bool, isNamed: Bool = false
    ) {
        var placement = Placement(path: path, entry: entry, source: source, describes: describes, isNamed: isNamed)
        if entry.kind == .file, let identity = entry.identity {
            placement.first = firsts[identity]
            if placement.first == nil { firsts[identity] = placements.count }
        }
        placements.append(placement)
    }

    static func join(_ base: String, _ name: String) -> String {
        base.isEmpty ? name : name.isEmpty ? base : "\(base)/\(name)"
    }
}

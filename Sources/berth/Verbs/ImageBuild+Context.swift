import Dockerfile
import Linux

// The context of `image build`.
extension ImageBuild {
    /// The Dockerfile and the folder that the arguments name.
    func source(
        in session: Session
    ) throws -> (dockerfile: BuildWish.Dockerfile, folder: String?, owner: TemporaryFolder?) {
        let named = dockerfile ?? global.files.first
        func inside(_ folder: String, _ owner: TemporaryFolder) -> (BuildWish.Dockerfile, String?, TemporaryFolder?) {
            let name = named ?? "Dockerfile"
            return (.file("\(folder)/\(name)", name: name), folder, owner)
        }
        if context == "-" {
            let input = try openInput("-")
            let head = try input.readBeginning(512)
            if ArchiveContent.isArchive(head) {
                let owner = try session.unpack(head, input)
                return inside(owner.path, owner)
            }
            let bytes = try head + input.readToEnd()
            return (.text(String(decoding: bytes, as: UTF8.self), name: "Dockerfile"), nil, nil)
        }
        if let source = GitSource(context) {
            let fetched = try session.fetch(source)
            return inside(fetched.path, fetched.folder)
        }
        if context.contains("://") {
            throw CommandFailure(
                "the context \(context) cannot be read",
                hint:
                    "name a folder or a git repository; pass a tar on standard input: `curl URL | berth image build -`"
            )
        }
        let folder = session.absolute(context)
        if named == "-" {
            let bytes = try openInput("-").readToEnd()
            return (.text(String(decoding: bytes, as: UTF8.self), name: "Dockerfile"), folder, nil)
        }
        if let named { return (.file(session.absolute(named), name: named), folder, nil) }
        let name = context == "." ? "Dockerfile" : "\(context.hasSuffix("/") ? context : context + "/")Dockerfile"
        return (.file("\(folder)/Dockerfile", name: name), folder, nil)
    }
}

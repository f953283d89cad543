import BuildContext
import Console
import EngineWire
import Linux

// Caches and images from outside of the engine as inputs of a build, and as its outputs.
extension Session {
    /// Adds caches in the form of `--cache-from` and `--cache-to`. Skips a missing or unsupported cache and adds a
    /// remark about it.
    func addCaches(from: [String], to: [String], to wish: inout BuildWish) throws(UsageFailure) {
        for (number, text) in from.enumerated() {
            let option = try CacheOption(text, .from)
            remark(on: option, to: &wish)
            switch option.kind {
            case .inline, .unsupported: continue
            case .registry(let reference): wish.request.cacheFrom.append(.registry(reference))
            case .local(let folder):
                let (path, context) = (absolute(folder), "cache from \(number)")
                do throws(SyscallError) { wish.contexts[context] = try ContextFolder(path) } catch {
                    wish.remarks.append("the cache \(folder) is not used: \(error.code)")
                    continue
                }
                wish.request.cacheFrom.append(
                    .layout(BuildLayout(context: context, shown: folder, tag: option.tag, digest: option.digest)))
            }
        }
        for text in to {
            let option = try CacheOption(text, .to)
            remark(on: option, to: &wish)
            switch option.kind {
            case .unsupported: continue
            case .inline: wish.request.cacheTo.append(.inline)
            case .registry(let reference):
                wish.request.cacheTo.append(
                    .registry(reference, isWhole: option.isWhole, mayFail: option.mayFail))
            case .local(let folder):
                var output = BuildOutputWish(kind: option.isWhole ? .wholeCache : .cache)
                output.destination = .folder(absolute(folder))
                wish.outputs.append(output)
            }
        }
    }

    private func remark(on option: CacheOption, to wish: inout BuildWish) {
        if case .unsupported(let type) = option.kind {
            wish.remarks.append("caches of type \(type) are not supported; the build continues without it")
        }
        if !option.ignored.isEmpty {
            wish.remarks.append("for caches, \(option.ignored.joined(separator: ", ")) has no effect")
        }
    }

    /// Adds an image in a folder as a context, `oci-layout://PATH[:TAG][@DIGEST]`; false for any other value.
    func addLayout(_ value: String, as name: String, to wish: inout BuildWish) throws -> Bool {
        guard value.hasPrefix(LayoutOption.prefix) else { return false }
        guard let layout = LayoutOption(value) else {
            throw CommandFailure(
                "the context \(name) = \(value) is not an image layout",
                hint: "write oci-layout://FOLDER, with :TAG or @DIGEST")
        }
        let path = absolute(layout.path)
        do throws(SyscallError) { wish.contexts[name] = try ContextFolder(path) } catch {
            throw CommandFailure("the context \(name) = \(value) cannot be read: \(path): \(error.code)")
        }
        wish.request.contexts[name] = .layout(
            BuildLayout(context: name, shown: value, tag: layout.tag, digest: layout.digest))
        return true
    }
}

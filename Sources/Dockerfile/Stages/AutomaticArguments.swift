import OCI

extension BuildArguments {
    /// The arguments that every build has without a declaration: `TARGETPLATFORM`, `BUILDARCH` and the like, and `TARGETSTAGE`.
    ///
    /// `target` is the platform of the result, nil for this machine's; `stage` is the stage that the caller names.
    package static func automatic(_ build: BuildFile, target: Platform?, stage: String?) -> [String: String] {
        func parts(_ platform: Platform, _ prefix: String) -> [String: String] {
            [
                "\(prefix)PLATFORM": platform.text, "\(prefix)OS": platform.os, "\(prefix)ARCH": platform.architecture,
                "\(prefix)VARIANT": platform.variant ?? "",
            ]
        }
        var values = parts(.host, "BUILD").merging(parts(target ?? .host, "TARGET")) { $1 }
        values["TARGETSTAGE"] = stage ?? build.stages.last?.name ?? "default"
        return values
    }
}

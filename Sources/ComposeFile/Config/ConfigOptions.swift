/// The output format of a model.
package enum ConfigFormat: String, Sendable, CaseIterable {
    case yaml, json
}

/// Which parts of a model to print.
package struct ConfigOptions: Sendable {
    /// These services and their dependencies; a name may contain `*` and `?`. Empty: all.
    package var services: [String] = []
    /// Print unused networks, volumes, secrets and configs too.
    package var allResources = false
    /// Print only `services.*.image`.
    package var imagesOnly = false

    package init(services: [String] = [], allResources: Bool = false, imagesOnly: Bool = false) {
        self.services = services
        self.allResources = allResources
        self.imagesOnly = imagesOnly
    }
}

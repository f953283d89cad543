/// How a model is printed.
package enum ConfigFormat: String, Sendable, CaseIterable {
    case yaml, json
}

/// What of a model is printed.
package struct ConfigOptions: Sendable {
    /// These services and what they depend on; a name may hold `*` and `?`. Empty: all.
    package var services: [String] = []
    /// Unused networks, volumes, secrets and configs too.
    package var allResources = false
    /// `services.*.image` alone.
    package var imagesOnly = false

    package init(services: [String] = [], allResources: Bool = false, imagesOnly: Bool = false) {
        self.services = services
        self.allResources = allResources
        self.imagesOnly = imagesOnly
    }
}

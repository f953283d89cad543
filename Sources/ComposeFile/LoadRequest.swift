/// What to load, and all input from outside: the loader takes nothing from the process itself.
package struct LoadRequest: Sendable {
    /// `-f`, in order; `-` is `standardInput`. Empty: COMPOSE_FILE, or a search upwards from the working directory.
    package var files: [String]
    /// The caller's working directory, absolute.
    package var workingDirectory: String
    /// `--project-directory`.
    package var projectDirectory: String?
    /// `--project-name`.
    package var projectName: String?
    /// `--profile`.
    package var profiles: [String]
    /// `--env-file`.
    package var environmentFiles: [String]
    /// The caller's environment.
    package var environment: [String: String]
    /// Services named on the command line. Naming a service enables its profiles for it.
    package var services: [String]
    /// The content for `-f -`.
    package var standardInput: [UInt8]?
    package var steps: LoadSteps

    package init(
        files: [String] = [], workingDirectory: String, projectDirectory: String? = nil, projectName: String? = nil,
        profiles: [String] = [], environmentFiles: [String] = [], environment: [String: String] = [:],
        services: [String] = [], standardInput: [UInt8]? = nil, steps: LoadSteps = LoadSteps()
    ) {
        self.files = files
        self.workingDirectory = workingDirectory
        self.projectDirectory = projectDirectory
        self.projectName = projectName
        self.profiles = profiles
        self.environmentFiles = environmentFiles
        self.environment = environment
        self.services = services
        self.standardInput = standardInput
        self.steps = steps
    }
}

/// Steps of loading that `config` can skip (`--no-interpolate` and so on).
package struct LoadSteps: Hashable, Sendable {
    package var interpolate = true
    package var normalise = true
    package var resolvePaths = true
    package var checkConsistency = true
    /// Read `env_file`, and take variables without a value from the environment.
    package var resolveEnvironment = true

    package init() {}
}

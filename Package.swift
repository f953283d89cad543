// swift-tools-version: 6.1
import PackageDescription

// Every Swift target: Swift 6 mode (the tools version), and two rules of later ones.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Programs that live as long as a container, or start once for each: no dynamic loader, no relocations, no unused sections.
let staticExecutable: [LinkerSetting] = [
    .unsafeFlags(["-static-executable", "-use-ld=lld", "-Xlinker", "--gc-sections"])
]

/// A program of C alone: nothing of Swift is linked into it.
let staticExecutableOfC: [LinkerSetting] = [
    .unsafeFlags(["-static-executable", "-nostartfiles", "-use-ld=lld", "-Xlinker", "--gc-sections"])
]

/// The command line: static too, with the parts of Foundation that argument parsing uses.
let staticCommandLine: [LinkerSetting] = [
    .unsafeFlags([
        "-static-executable", "-use-ld=lld", "-Xlinker", "--gc-sections", "-l_FoundationCShims",
        "-l_FoundationCollections",
    ])
]

/// The engine loads libnftables dynamically, so only the Swift runtime is linked into it.
let staticStandardLibrary: [LinkerSetting] = [
    .unsafeFlags([
        "-static-stdlib", "-use-ld=lld", "-Xlinker", "--gc-sections", "-l_FoundationCShims",
        "-l_FoundationCollections", "-lCoreFoundation", "-lFoundationInternationalization", "-l_FoundationICU",
    ])
]

let package = Package(
    name: "berth",
    products: [
        .executable(name: "berth", targets: ["berth"]),
        .executable(name: "berthd", targets: ["berthd"]),
        .executable(name: "berth-net", targets: ["berth-net"]),
        .executable(name: "berth-monitor", targets: ["berth-monitor"]),
        .executable(name: "berth-runtime", targets: ["berth-runtime"]),
        .executable(name: "berth-init", targets: ["berth-init"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    ],
    targets: [
        // C: shims and system libraries, no logic.
        .target(name: "CLinux"),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CCap", pkgConfig: "libcap", providers: [.apt(["libcap-dev"])]),
        .systemLibrary(name: "CNFTables", pkgConfig: "libnftables", providers: [.apt(["libnftables-dev"])]),
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CNettle", pkgConfig: "nettle", providers: [.apt(["nettle-dev"])]),

        // Values and the kernel: no Foundation.
        .target(name: "JSON", swiftSettings: strict),
        .target(name: "OCI", dependencies: ["JSON"], swiftSettings: strict),
        .target(name: "Addresses", swiftSettings: strict),
        .target(name: "Linux", dependencies: ["Addresses", "CLinux", "CCap"], swiftSettings: strict),
        .target(name: "AttachStream", swiftSettings: strict),
        .target(name: "Tar", dependencies: ["Linux"], swiftSettings: strict),
        .target(name: "ProjectModel", dependencies: ["JSON"], swiftSettings: strict),

        // Reading Compose files.
        .target(name: "YAML", dependencies: ["CYAML"], swiftSettings: strict),
        .target(
            name: "ComposeFile",
            dependencies: [
                "YAML", "ProjectModel", "JSON", "Linux", "Addresses",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ], swiftSettings: strict),

        // Reading Dockerfiles.
        .target(name: "Dockerfile", dependencies: ["YAML", "JSON", "OCI"], swiftSettings: strict),

        // Running containers.
        .target(
            name: "Runtime", dependencies: ["Linux", "CLinux", "OCI", "JSON", "CSeccomp"], swiftSettings: strict),
        .target(
            name: "Monitor", dependencies: ["Runtime", "AttachStream", "Linux", "CLinux", "OCI", "JSON"],
            swiftSettings: strict),

        // Networks.
        .target(name: "NameService", dependencies: ["Linux", "CLinux", "JSON"], swiftSettings: strict),
        .target(
            name: "Networking", dependencies: ["NameService", "Linux", "CLinux", "JSON", "CNFTables"],
            swiftSettings: strict),

        // Images.
        .target(
            name: "Images",
            dependencies: [
                "Tar", "OCI", "Linux", "CLinux", "JSON", "CArchive", "CNettle",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),

        // The heart.
        .target(
            name: "Reconcile",
            dependencies: [
                "ProjectModel", "OCI", "JSON", "Addresses",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ], swiftSettings: strict),
        .target(name: "EngineWire", dependencies: ["ProjectModel", "JSON"], swiftSettings: strict),
        // Building images.
        .target(name: "BuildContext", dependencies: ["Dockerfile", "EngineWire", "Linux"], swiftSettings: strict),
        .target(
            name: "Builder",
            dependencies: ["Dockerfile", "Images", "EngineWire", "ProjectModel", "YAML", "OCI", "Linux", "JSON"],
            swiftSettings: strict),
        .target(
            name: "Engine",
            dependencies: [
                "Builder", "BuildContext", "Dockerfile", "Reconcile", "ProjectModel", "EngineWire", "AttachStream",
                "Images", "Networking", "NameService",
                "Monitor", "Runtime", "OCI", "Linux", "CLinux", "JSON", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),

        // What the engine answers: its own tongue, and Docker's.
        .target(
            name: "HTTPService",
            dependencies: [
                "Linux", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ], swiftSettings: strict),
        .target(
            name: "EngineAPI",
            dependencies: [
                "HTTPService", "Engine", "EngineWire", "ProjectModel", "JSON", "Linux",
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .target(
            name: "DockerAPI",
            dependencies: [
                "HTTPService", "Engine", "Builder", "EngineWire", "AttachStream", "Images", "ProjectModel", "Reconcile",
                "Monitor", "Networking", "OCI", "Addresses", "Linux", "JSON",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),

        // The command line.
        .target(
            name: "EngineClient",
            dependencies: [
                "BuildContext", "EngineWire", "AttachStream", "Dockerfile", "ProjectModel", "Linux", "CLinux", "JSON",
            ],
            swiftSettings: strict),
        .target(
            name: "FileWatch", dependencies: ["Dockerfile", "ProjectModel", "Tar", "YAML", "Linux"],
            swiftSettings: strict),
        .target(name: "Console", dependencies: ["EngineWire", "ProjectModel", "Linux", "JSON"], swiftSettings: strict),
        .executableTarget(
            name: "berth",
            dependencies: [
                "Console", "EngineClient", "BuildContext", "EngineWire", "AttachStream", "ComposeFile", "Dockerfile",
                "FileWatch", "ProjectModel", "YAML", "OCI", "Linux", "JSON",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: strict, linkerSettings: staticCommandLine),
        .executableTarget(
            name: "berthd",
            dependencies: [
                "Engine", "EngineAPI", "DockerAPI", "HTTPService", "EngineWire", "Images", "Networking", "Linux",
                "JSON",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict, linkerSettings: staticStandardLibrary),
        .executableTarget(
            name: "berth-net", dependencies: ["NameService", "Linux", "JSON"], swiftSettings: strict,
            linkerSettings: staticExecutable),
        .executableTarget(
            name: "berth-monitor", dependencies: ["Monitor", "Runtime", "Linux", "JSON"], swiftSettings: strict,
            linkerSettings: staticExecutable),
        .executableTarget(
            name: "berth-runtime", dependencies: ["Runtime", "OCI", "Linux", "JSON"], swiftSettings: strict,
            linkerSettings: staticExecutable),

        // The first process of containers that ask for one: C alone, for its size.
        .executableTarget(name: "berth-init", linkerSettings: staticExecutableOfC),

        // Tests: one target each, no root; IntegrationTests runs real containers.
        .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: strict),
        .testTarget(name: "AttachStreamTests", dependencies: ["AttachStream"], swiftSettings: strict),
        .testTarget(name: "OCITests", dependencies: ["OCI", "JSON"], swiftSettings: strict),
        .testTarget(name: "AddressesTests", dependencies: ["Addresses"], swiftSettings: strict),
        .testTarget(name: "LinuxTests", dependencies: ["Linux", "CLinux"], swiftSettings: strict),
        .testTarget(name: "YAMLTests", dependencies: ["YAML"], swiftSettings: strict),
        .testTarget(
            name: "ComposeFileTests", dependencies: ["ComposeFile", "Addresses", "ProjectModel", "YAML", "JSON"],
            swiftSettings: strict),
        .testTarget(name: "DockerfileTests", dependencies: ["Dockerfile", "YAML"], swiftSettings: strict),
        .testTarget(name: "RuntimeTests", dependencies: ["Runtime", "OCI", "Linux", "JSON"], swiftSettings: strict),
        .testTarget(
            name: "MonitorTests",
            dependencies: ["Monitor", "Runtime", "AttachStream", "OCI", "JSON", "Linux", "CLinux"],
            swiftSettings: strict),
        .testTarget(name: "NameServiceTests", dependencies: ["NameService", "Linux", "JSON"], swiftSettings: strict),
        .testTarget(
            name: "NetworkingTests", dependencies: ["Networking", "NameService", "Linux", "JSON"], swiftSettings: strict
        ),
        .testTarget(name: "ImagesTests", dependencies: ["Images", "OCI", "JSON", "Linux"], swiftSettings: strict),
        .testTarget(
            name: "BuilderTests",
            dependencies: ["Builder", "Dockerfile", "EngineWire", "Images", "YAML", "OCI", "Linux", "JSON"],
            swiftSettings: strict),
        .testTarget(
            name: "ReconcileTests", dependencies: ["Reconcile", "ProjectModel", "JSON"], swiftSettings: strict),
        .testTarget(
            name: "EngineTests",
            dependencies: [
                "Engine", "EngineWire", "NameService", "Networking", "Reconcile", "ProjectModel", "Linux", "JSON",
                "OCI",
                .product(name: "Logging", package: "swift-log"), .product(name: "GRDB", package: "GRDB.swift"),
            ],
            exclude: ["Stored"],
            swiftSettings: strict),
        .testTarget(
            name: "HTTPServiceTests",
            dependencies: [
                "HTTPService", "Linux",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
            ], swiftSettings: strict),
        .testTarget(
            name: "EngineAPITests",
            dependencies: [
                "EngineAPI", "HTTPService", "Engine", "EngineWire", "Networking", "ProjectModel", "Linux", "JSON",
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .testTarget(
            name: "DockerAPITests",
            dependencies: [
                "DockerAPI", "HTTPService", "Engine", "Builder", "EngineWire", "AttachStream", "Networking",
                "ProjectModel", "YAML", "OCI", "Linux", "JSON",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ], exclude: ["Swagger"], swiftSettings: strict),
        .testTarget(
            name: "ConsoleTests", dependencies: ["Console", "EngineWire", "ProjectModel", "JSON", "Linux"],
            swiftSettings: strict),
        .testTarget(
            name: "EngineClientTests",
            dependencies: ["EngineClient", "BuildContext", "EngineWire", "JSON", "Linux"],
            swiftSettings: strict),
        .testTarget(
            name: "FileWatchTests", dependencies: ["FileWatch", "ProjectModel", "Linux"], swiftSettings: strict),
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "YAML", "ComposeFile", "Dockerfile", "JSON", "Images", "OCI", "Console", "NameService", "EngineClient",
                "AttachStream", "DockerAPI", "HTTPService", "Linux", "CLinux",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            exclude: ["Corpus"], swiftSettings: strict),
        .testTarget(name: "BerthdTests", dependencies: ["Linux"], swiftSettings: strict),
        .testTarget(name: "RuntimeCommandTests", dependencies: ["Linux"], swiftSettings: strict),
        .testTarget(name: "LayeringTests", dependencies: ["Linux"], swiftSettings: strict),
        .testTarget(
            name: "DocumentTests", dependencies: ["Console", "EngineWire", "JSON", "Linux"], swiftSettings: strict),
        .testTarget(
            name: "IntegrationTests",
            dependencies: ["EngineWire", "Networking", "ProjectModel", "Linux", "CLinux", "JSON", "OCI"],
            exclude: ["Clients"], swiftSettings: strict),
    ]
)

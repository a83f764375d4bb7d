// swift-tools-version: 6.0
import PackageDescription

// `Sources/{CPlico,PlicoFFI,CPlicoTesting,PlicoTestingFFI}` are generated and not
// committed: `./build` brings them here.
let package = Package(
    name: "Plico",
    platforms: [.macOS(.v13), .iOS(.v16)],
    products: [
        .library(name: "Plico", targets: ["Plico"]),
        .library(name: "PlicoTesting", targets: ["PlicoTesting"]),
    ],
    targets: [
        .systemLibrary(name: "CPlico"),
        .systemLibrary(name: "CPlicoTesting"),
        // What the generator writes is not clean in Swift 6's mode.
        .target(
            name: "PlicoFFI",
            dependencies: ["CPlico"],
            swiftSettings: [.swiftLanguageMode(.v5)],
            linkerSettings: [.linkedLibrary("plico_uniffi")]),
        .target(
            name: "PlicoTestingFFI",
            dependencies: ["CPlicoTesting"],
            swiftSettings: [.swiftLanguageMode(.v5)],
            linkerSettings: [.linkedLibrary("plico_uniffi_testing")]),

        .target(name: "Plico", dependencies: ["PlicoFFI"]),
        .target(name: "PlicoTesting", dependencies: ["Plico", "PlicoTestingFFI"]),
        .testTarget(name: "PlicoTests", dependencies: ["Plico", "PlicoFFI", "PlicoTesting"]),

        .executableTarget(name: "PlicoScenario", dependencies: ["Plico"]),
        .executableTarget(name: "PlicoQuickStart", dependencies: ["Plico"]),
        .executableTarget(name: "PlicoBench", dependencies: ["Plico", "PlicoTesting"]),
    ]
)

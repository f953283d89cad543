import Synchronization
import Testing

/// Every story has an engine and a kernel's worth of namespaces to itself; one runs after the other, machines being small.
@Suite(
    .serialized, .enabled(if: World.isPossible, "needs root, nsenter, busybox and the built programs"),
    .timeLimit(.minutes(10)),
    .compactMapIssues { issue in
        World.issues.add(1, ordering: .relaxed)
        return issue
    })
enum Stories {}

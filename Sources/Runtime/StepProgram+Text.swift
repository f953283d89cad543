import CLinux
import Glibc
import OCI

extension StepProgram {
    /// Each step as a line: its purpose, then the registers that it reads (`<`) and fills (`>`), its texts, and its
    /// nonzero numbers. The text does not depend on the machine, except for kernel limits in a step.
    var lines: [String] { zip(steps, notes).map { step, note in Self.line(step, note) } }

    private static func line(_ step: berth_step, _ note: StepNote) -> String {
        var words = [note.text]
        for (mark, register) in [("<", step.in), ("<", step.in2), (">", step.out)] where register != Register.none.index
        {
            words.append("\(mark)\(register)")
        }
        for text in [step.text, step.text2] {
            if let text { words.append("\"\(String(cString: text))\"") }
        }
        for (name, number) in [("a", step.a), ("b", step.b), ("c", step.c)] where number != 0 {
            // Addresses mean nothing to a reader and differ each time.
            let isAddress = step.operation == BERTH_EXEC.rawValue
            if !isAddress { words.append("\(name)=0x\(String(number, radix: 16))") }
        }
        return words.joined(separator: " ")
    }
}

extension StepNote {
    fileprivate var text: String {
        switch self {
        case .doing(let what): what
        case .workingFolder(let path): "change to the folder \(path)"
        case .exec(let name): "exec \(name)"
        }
    }
}

extension Launcher {
    /// The steps of a container's init process, one in each line. Creates nothing and needs no privileges.
    ///
    /// `cgroup` is where it would go; does not open namespaces that the spec joins.
    /// - Throws: `RuntimeFailure` for a spec that cannot be applied.
    package static func steps(_ request: ContainerRequest, cgroup: Cgroup) throws(RuntimeFailure) -> [String] {
        guard let process = request.spec.process else {
            throw RuntimeFailure(step: "process", message: "the runtime spec has no process")
        }
        let namespaces = try NamespacePlan(request.spec.linux?.namespaces ?? [])
        var container = ContainerProgram(
            request, namespaces: namespaces, cgroup: cgroup, processes: namespaces.joinedProcesses.map { _ in -1 })
        let program = try container.build(process)
        try checkTexts(of: program)
        return program.lines
    }
}

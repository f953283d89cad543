import CLinux
import Glibc
import Linux

/// The complete, prepared work of a child between clone and exec: the child only runs it and allocates nothing.
///
/// Strings and arrays are copied and stay valid as long as the program.
package final class StepProgram {
    /// A place for a descriptor that some steps fill and others read.
    struct Register: Hashable {
        let index: CInt
        /// For a step that needs none.
        static let none = Register(index: -1)
        /// For `setAttributes`: the mount at "/".
        static let rootOfNamespace = Register(index: -2)
        /// As the second register of `BERTH_SETATTR`: also all mounts below.
        static let allBelow = Register(index: 1)
        /// As the second register of `BERTH_MAKE_NODE`: the node must exist afterwards.
        static let wanted = Register(index: 1)
    }

    private(set) var steps: [berth_step] = []
    private(set) var notes: [StepNote] = []
    private var registers: [CInt] = []
    private var allocations: [UnsafeMutableRawPointer] = []
    /// The beginning of the first text that contains a NUL byte; the kernel would take it for the whole text.
    private(set) var cutText: String?
    /// How the child enters another container's pid namespace; nil when it starts in its own.
    var birth: Birth?

    package init() {}

    deinit { for allocation in allocations { allocation.deallocate() } }

    /// An empty register for steps to fill.
    func register() -> Register { register(holding: -1) }

    /// A register with a descriptor that the child inherits.
    func register(holding descriptor: CInt) -> Register {
        registers.append(descriptor)
        return Register(index: CInt(registers.count - 1))
    }

    /// Adds a step; `berth_operation` says which arguments an operation reads.
    func add(
        _ operation: berth_operation, _ note: StepNote, in input: Register = .none, in2 second: Register = .none,
        out: Register = .none, text: String? = nil, text2: String? = nil, data: UnsafeRawPointer? = nil,
        data2: UnsafeRawPointer? = nil, a: UInt64 = 0, b: UInt64 = 0, c: UInt64 = 0
    ) {
        steps.append(
            berth_step(
                operation: operation.rawValue, in: input.index, in2: second.index, out: out.index,
                text: text.map(string), text2: text2.map(string), data: data, data2: data2, a: a, b: b, c: c))
        notes.append(note)
    }

    /// A copy of `text` that ends with a zero byte.
    func string(_ text: String) -> UnsafePointer<CChar> {
        var text = text
        return text.withUTF8 { bytes in
            if bytes.contains(0) { cutText = cutText ?? String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
            let copy = allocate(CChar.self, bytes.count + 1)
            for (index, byte) in bytes.enumerated() { copy[index] = CChar(bitPattern: byte) }
            return UnsafePointer(copy)
        }
    }

    /// A NULL-terminated array of copies, as execve(2) needs it.
    func strings(_ texts: [String]) -> UnsafePointer<UnsafePointer<CChar>?> {
        strings(texts.map { string($0) })
    }

    func strings(_ pointers: [UnsafePointer<CChar>]) -> UnsafePointer<UnsafePointer<CChar>?> {
        let array = allocate(UnsafePointer<CChar>?.self, pointers.count + 1)
        for (index, pointer) in pointers.enumerated() { array[index] = pointer }
        return UnsafePointer(array)
    }

    /// A copy of the elements of `values`.
    func array<Element: BitwiseCopyable>(_ values: [Element]) -> UnsafeRawPointer {
        let copy = allocate(Element.self, max(1, values.count))
        for (index, value) in values.enumerated() { copy[index] = value }
        return UnsafeRawPointer(copy)
    }

    /// Zeroed memory for the child to write to.
    func buffer(_ size: Int) -> UnsafeMutablePointer<CChar> { allocate(CChar.self, size) }

    /// Clones a child that runs the program; `flags` and the v2 cgroup are for clone3(2).
    func launch(flags: UInt64, cgroup: CInt?, sync: CInt) throws(SyscallError) -> (pid: pid_t, pidfd: CInt) {
        var pidfd: CInt = -1
        let pid = try syscall("clone3", on: "child") { () -> CInt in
            steps.withUnsafeBufferPointer { steps in
                registers.withUnsafeMutableBufferPointer { registers in
                    var program = berth_program(
                        steps: steps.baseAddress, count: steps.count, registers: registers.baseAddress, sync: sync,
                        born: birth?.born)
                    return berth_launch(&program, flags, cgroup ?? -1, &pidfd)
                }
            }
        }
        return (pid, pidfd)
    }

    /// The descriptions of the steps, which outlive the program.
    func detachNotes() -> StepNotes { StepNotes(notes: notes) }

    private func allocate<Element>(_ type: Element.Type, _ count: Int) -> UnsafeMutablePointer<Element> {
        let size = count * MemoryLayout<Element>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: MemoryLayout<Element>.alignment)
        memset(memory, 0, size)
        allocations.append(memory)
        return memory.bindMemory(to: type, capacity: count)
    }
}

/// Numbers as the kernel lists them, `0-3,7` (cpuset(7), "List format").
package struct NumberList: Hashable, Sendable, CustomStringConvertible {
    package let numbers: Set<Int>

    /// No machine has more CPUs than this.
    private static let most = 8192

    /// nil if `text` is not a list of this form, or is empty.
    package init?(_ text: String) {
        var numbers: Set<Int> = []
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        for part in parts {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map {
                Int($0.filter { !$0.isWhitespace })
            }
            guard (1...2).contains(ends.count), let first = ends.first ?? nil, let last = ends.last ?? nil,
                0 <= first, first <= last, last < Self.most
            else { return nil }
            numbers.formUnion(first...last)
        }
        self.numbers = numbers
    }

    package var description: String {
        var runs: [ClosedRange<Int>] = []
        for number in numbers.sorted() {
            if let last = runs.last, last.upperBound + 1 == number {
                runs[runs.count - 1] = last.lowerBound...number
            } else {
                runs.append(number...number)
            }
        }
        return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(
            separator: ",")
    }
}

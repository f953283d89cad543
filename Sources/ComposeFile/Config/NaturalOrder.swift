/// The order in which Go's yaml library sorts keys: numbers in text by value, letters after other characters.
enum NaturalOrder {
    static func precedes(_ left: String, _ right: String) -> Bool {
        let left = Array(left.unicodeScalars)
        let right = Array(right.unicodeScalars)
        var afterDigit = false
        for (index, (a, b)) in zip(left, right).enumerated() {
            if a == b {
                afterDigit = isDigit(a)
                continue
            }
            let (isLetterA, isLetterB) = (a.properties.isAlphabetic, b.properties.isAlphabetic)
            if isLetterA && isLetterB { return a < b }
            if isLetterA || isLetterB { return afterDigit ? isLetterA : isLetterB }
            var start: UInt64 = 0
            if a == "0" || b == "0" {
                let before = left[..<index].reversed().prefix { isDigit($0) }
                if before.contains(where: { $0 != "0" }) { start = 1 }
            }
            let (valueA, endA) = number(left, from: index, start)
            let (valueB, endB) = number(right, from: index, start)
            if valueA != valueB { return valueA < valueB }
            if endA != endB { return endA < endB }
            return a < b
        }
        return left.count < right.count
    }

    private static func number(_ text: [Unicode.Scalar], from index: Int, _ start: UInt64) -> (UInt64, Int) {
        var value = start
        var end = index
        while end < text.count, isDigit(text[end]) {
            value = value &* 10 &+ UInt64(text[end].value &- 0x30)
            end += 1
        }
        return (value, end)
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
}

import Console
import Testing

/// The table by which arguments are put in order, beside what the verbs declare.
@Suite struct DeclarationTests {
    @Test("every short option of every verb is known to the order of arguments, with its long name")
    func shortOptions() throws {
        let verbs = try CommandTree().verbs
        #expect(verbs.count > 40)
        for verb in verbs {
            var flags: Set<Character> = []
            var values: [Character: String] = [:]
            for option in verb.options {
                for letter in option.short {
                    if option.takesValue {
                        values[letter] = option.long.first.map { "--\($0)" }
                    } else {
                        flags.insert(letter)
                    }
                }
            }
            let known = OptionForms.of(verb.name)
            #expect(known.shortFlags == flags.union(["h"]), "\(verb.name): see OptionForms")
            #expect(known.shortValues == values, "\(verb.name): see OptionForms")
        }
    }

    @Test("options with a value are told from flags by their long names, in every verb")
    func longOptions() throws {
        var valued: Set<String> = []
        for verb in try CommandTree().verbs {
            for option in verb.options {
                for name in option.long.map({ "--\($0)" }) {
                    #expect(
                        (OptionForms.valued.contains(name) && !OptionForms.of(verb.name).longFlags.contains(name))
                            == option.takesValue, "\(verb.name) \(name): see OptionForms")
                    if option.takesValue { valued.insert(name) }
                }
            }
        }
        #expect(OptionForms.valued == valued)
    }

    @Test("what is told as missing is no verb")
    func missing() throws {
        #expect(Set(try CommandTree().verbs.map(\.name)).isDisjoint(with: ArgumentOrder.missing))
    }
}

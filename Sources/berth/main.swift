import ArgumentParser

struct A: ParsableCommand {
    @Option var x = 1
    func run() { print(x) }
}
A.main()

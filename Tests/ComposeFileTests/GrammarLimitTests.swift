import ComposeFile
import Testing
import YAML

@Suite("Limits, times and policies") struct GrammarLimitTests {
    @Test(
        "what could never work is refused where it stands, with what to write",
        arguments: [
            ("cpus: «-1»", "expected 0 or more, found -1", "write how many cores: 0.5, 2"),
            ("cpus: «0,5»", "expected a number, found '0,5'", "write 0.5, with a point"),
            ("cpus: «\"500m\"»", "expected a number, found '500m'", "write 0.5: it counts cores"),
            ("cpus: «\"50%\"»", "expected a number, found '50%'", "write 0.5: it counts cores"),
            ("cpus: «2 cores»", "expected a number, found '2 cores'", "write 2"),
            ("cpus: «all»", "expected a number, found 'all'", "leave it out for all cores"),
            ("cpu_shares: «-1»", "expected 0 or more, found -1", "leave it out, or write a number from 0 on"),
            ("cpuset: \"«0-»\"", "'0-' is not a CPU or a range of CPUs", "write numbers from 0 and ranges: 0-2,4"),
            ("cpuset: \"«3-1»\"", "the range '3-1' runs backwards", "write 1-3"),
            ("cpuset: \"«0;1»\"", "'0;1' is not a CPU or a range of CPUs", "write numbers from 0 and ranges: 0-2,4"),
            ("cpuset: «all»", "'all' is not a CPU or a range of CPUs", "write numbers from 0 and ranges: 0-2,4"),
            ("stop_grace_period: «-5s»", "the duration '-5s' is negative", "write how long, as in 5s"),
            ("stop_grace_period: «\"1:30\"»", "'1:30' is not a duration", "write 1m30s"),
            ("stop_grace_period: «\"10,5s\"»", "'10,5s' is not a duration", "write 10.5s"),
            ("stop_grace_period: «1min»", "'1min' is not a duration", "write 1m"),
            ("stop_grace_period: «PT30S»", "'PT30S' is not a duration", "write 30s"),
            ("stop_grace_period: «soon»", "'soon' is not a duration", "write numbers with h, m, s, ms, us: 1m30s"),
            ("healthcheck: {interval: «-1s»}", "the duration '-1s' is negative", "write how long, as in 1s"),
            ("healthcheck: {timeout: «1us»}", "'1us' is less than a millisecond", "write 1ms or more"),
            ("healthcheck: {start_period: «10 seconds»}", "'10 seconds' is not a duration", "write 10s"),
            ("healthcheck: {start_interval: «5 m s»}", "'5 m s' is not a duration", "write 5ms"),
            (
                "healthcheck: {retries: «-1»}", "expected 0 or more, found -1",
                "leave it out, or write a number from 0 on"
            ),
            ("healthcheck: {test: [«CMD»]}", "no command follows CMD", "write [CMD, pg_isready], or `disable: true`"),
            (
                "healthcheck: {test: [«cmd», a]}",
                "a health check's test starts with \"CMD\", \"CMD-SHELL\" or \"NONE\", found 'cmd'",
                "write CMD, in capitals"
            ),
            (
                "healthcheck: {test: [«\"CMD-SHELL curl -f x\"»]}",
                "a health check's test starts with \"CMD\", \"CMD-SHELL\" or \"NONE\", found 'CMD-SHELL curl -f x'",
                "write [CMD-SHELL, \"curl -f x\"]"
            ),
            (
                "healthcheck: {test: [«\"curl -f x\"»]}",
                "a health check's test starts with \"CMD\", \"CMD-SHELL\" or \"NONE\", found 'curl -f x'",
                "for a command of the shell: [CMD-SHELL, \"curl -f x\"]"
            ),
            (
                "healthcheck: {test: «CMD curl x»}",
                "a test that is one text runs in a shell, and 'CMD' is not a command", "write `test: curl x`"
            ),
            (
                "healthcheck: {test: «'[\"CMD\", \"curl\"]'»}", "a list in quotes is one text",
                "remove the quotes around the list"
            ),
            (
                "deploy: {restart_policy: {condition: «onfailure»}}", "'onfailure' is not a valid restart condition",
                "did you mean 'on-failure'?"
            ),
            (
                "deploy: {restart_policy: {condition: «sometimes»}}", "'sometimes' is not a valid restart condition",
                "write none, on-failure, any, always, unless-stopped or no"
            ),
            ("deploy: {restart_policy: {delay: «-5s»}}", "the duration '-5s' is negative", "write how long, as in 5s"),
            (
                "deploy: {resources: {limits: {cpus: «0;5»}}}", "expected a number, found '0;5'",
                "write how many cores: 0.5, 2"
            ),
            (
                "deploy: {resources: {limits: {cpus: «\"-1\"»}}}", "expected 0 or more, found -1",
                "write how many cores: 0.5, 2"
            ),
            ("deploy: {resources: {limits: {memory: «512Mi»}}}", "'512Mi' is not a size", "write 512m"),
            ("mem_limit: «1,5g»", "'1,5g' is not a size", "write 1.5g"),
            ("mem_limit: «512 megs»", "'512 megs' is not a size", "write 512m"),
            ("mem_limit: «half»", "'half' is not a size", "write a number with b, k, m, g, t or p: 512m"),
            ("mem_limit: «unlimited»", "'unlimited' is not a size", "leave it out for no limit"),
        ] as [(String, String, String)])
    func refused(_ marked: String, _ message: String, _ hint: String) {
        checkMarked(Marked("services:\n  a:\n    image: i\n    \(marked)\n"), .error, message, hint: hint)
    }

    @Test(
        "what could never work is refused where it stands, with what to write, further",
        arguments: [
            ("mem_limit: «50%»", "'50%' is not a size", "write a number with b, k, m, g, t or p: 512m"),
            ("mem_limit: «-5m»", "'-5m' is not a size", "write a number with b, k, m, g, t or p: 512m"),
            ("mem_swappiness: «101»", "expected a number from 0 to 100, found 101", "write a number from -1 to 100"),
            ("shm_size: «-1»", "'-1' is not a size", "leave it out for the default, or write a size: 64m"),
            ("shm_size: «\"-1\"»", "'-1' is not a size", "leave it out for the default, or write a size: 64m"),
            ("shm_size: «1gig»", "'1gig' is not a size", "write 1g"),
            (
                "blkio_config: {weight: «-1»}", "expected a number from 0 to 1000, found -1",
                "leave it out, or write a number from 0 on"
            ),
            (
                "blkio_config: {weight: «2000»}", "expected a number from 0 to 1000, found 2000",
                "write a number from 0 to 1000"
            ),
            (
                "blkio_config: {device_read_bps: [{path: /dev/sda, rate: «-1»}]}", "'-1' is not a size",
                "leave it out for the default, or write a size: 64m"
            ),
            ("stop_signal: «SIGTERMM»", "'SIGTERMM' is not a signal", "did you mean 'SIGTERM'?"),
            (
                "stop_signal: «SIGFOOBAR»", "'SIGFOOBAR' is not a signal",
                "write a name or number of a signal: SIGTERM, SIGINT, SIGQUIT"
            ),
            ("stop_signal: «\"65\"»", "'65' is not a signal", "write a number from 1 to 64, or a name: SIGTERM"),
            ("stop_signal: «\"0\"»", "'0' is not a signal", "write a number from 1 to 64, or a name: SIGTERM"),
            (
                "ulimits: {nofile: «-5»}", "expected -1 or more, found -5",
                "write -1 for no limit, or a number from 0 on"
            ),
            (
                "ulimits: {nofile: «\"65535:65535\"»}", "expected an integer, found '65535:65535'",
                "write 65535, or {soft: 65535, hard: 65535}"
            ),
            (
                "ulimits: {nofile: «\"1024:2048\"»}", "expected an integer, found '1024:2048'",
                "write {soft: 1024, hard: 2048}"
            ),
            ("ulimits: {nofile: «unlimited»}", "expected an integer, found 'unlimited'", "write -1 for no limit"),
            ("ulimits: {nofile: «64k»}", "expected an integer, found '64k'", "write 65536, without a unit"),
            (
                "ulimits: {nofile: {soft: «-2», hard: 5}}", "expected -1 or more, found -2",
                "write -1 for no limit, or a number from 0 on"
            ),
            ("restart: «on-failure=3»", "'on-failure=3' is not a restart policy", "did you mean 'on-failure'?"),
            (
                "restart: «\"on-failure:x\"»", "'on-failure:x' is not a restart policy",
                "write a number of attempts: on-failure:3"
            ),
            (
                "restart: «\"always:3\"»", "'always:3' is not a restart policy",
                "write always alone: only on-failure takes a number"
            ),
            ("restart: «unless_stopped»", "'unless_stopped' is not a restart policy", "write unless-stopped"),
            ("restart: «OnFailure»", "'OnFailure' is not a restart policy", "write on-failure"),
            ("restart: «never»", "'never' is not a restart policy", "write \"no\""),
            ("restart: «yes»", "'yes' is not a restart policy", "write always"),
            ("restart: «true»", "expected a string, found a boolean: true", "write always"),
            ("restart: «false»", "expected a string, found a boolean: false", "write \"no\""),
            ("privileged: «1»", "expected a string or a boolean, found an integer: 1", "write true"),
            ("privileged: «enabled»", "expected true or false, found 'enabled'", "write true"),
            ("init: «\"off course\"»", "expected true or false, found 'off course'", "write true or false"),
            ("platform: «linux-arm64»", "'linux-arm64' is not a platform", "write linux/arm64"),
            ("platform: «linux/amd46»", "'linux/amd46' is not a platform", "did you mean 'linux/amd64'?"),
            ("platform: «x86»", "'x86' is not a platform", "did you mean 'linux/386'?"),
            (
                "platform: «linux/amd64/v1/x»", "'linux/amd64/v1/x' is not a platform",
                "write a system and an architecture: linux/amd64, linux/arm64"
            ),
            ("pull_policy: «ifNotPresent»", "'ifNotPresent' is not a pull policy", "did you mean 'if_not_present'?"),
            ("scale: «\"2x\"»", "expected an integer, found '2x'", "write 2, a whole number without anything else"),
            (
                "scale: «-1»", "expected a number from 0 to 2147483647, found -1",
                "leave it out, or write a number from 0 on"
            ),
            ("gpus: «1»", "expected 'all' or a list, found an integer: 1", "write [{count: 1}]"),
        ] as [(String, String, String)])
    func refusedFurther(_ marked: String, _ message: String, _ hint: String) {
        checkMarked(Marked("services:\n  a:\n    image: i\n    \(marked)\n"), .error, message, hint: hint)
    }
}

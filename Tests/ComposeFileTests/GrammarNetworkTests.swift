import ComposeFile
import Testing
import YAML

@Suite("Names, addresses and ports") struct GrammarNetworkTests {
    @Test(
        "what could never work is refused where it stands, with what to write",
        arguments: [
            (
                "dns: «8.8.8.8.8»", "'8.8.8.8.8' is not an IP address",
                "an IPv4 address has four numbers from 0 to 255, as in 9.9.9.9"
            ),
            (
                "dns: [«dns.example»]", "'dns.example' is not an IP address",
                "a name server is given by its address, as in 9.9.9.9; search domains belong under 'dns_search'"
            ),
            (
                "dns: [9.9.9.9, «\"8.8.8.8:53\"»]", "'8.8.8.8:53' is not an IP address",
                "write the address alone: 8.8.8.8"
            ),
            ("dns: «8.8.8.8/24»", "'8.8.8.8/24' is not an IP address", "write the address alone: 8.8.8.8"),
            (
                "dns: «\"8.8.8.8, 1.1.1.1\"»", "'8.8.8.8, 1.1.1.1' is not an IP address",
                "write a list: [8.8.8.8, 1.1.1.1]"
            ),
            (
                "dns: «localhost»", "'localhost' is not an IP address",
                "a name server is given by its address, as in 9.9.9.9; search domains belong under 'dns_search'"
            ),
            (
                "dns_search: «\"a.example, b.example\"»",
                "'a.example, b.example' is not a search domain: it cannot contain ','",
                "write a list: [a.example, b.example]"
            ),
            (
                "dns_search: [«exa/mple»]", "'exa/mple' is not a search domain: it cannot contain '/'",
                "write a domain: example.com"
            ),
            (
                "extra_hosts: [\"db:«10.0.0.300»\"]", "'10.0.0.300' is not an IP address",
                "an IPv4 address has four numbers from 0 to 255: \"db=10.0.0.3\""
            ),
            (
                "extra_hosts: [\"db=«db.example»\"]", "'db.example' is not an IP address",
                "write an address, not a name: \"db=10.0.0.3\", or db=host-gateway for this machine"
            ),
            (
                "extra_hosts: {db: «host_gateway»}", "'host_gateway' is not an IP address",
                "did you mean 'host-gateway'?"
            ),
            ("extra_hosts: [«\"10.0.0.1:db\"»]", "'db' is not an IP address", "the name comes first: \"db=10.0.0.1\""),
            ("extra_hosts: [«\"10.0.0.1 db\"»]", "the address of '10.0.0.1 db' is missing", "write \"db=10.0.0.1\""),
            (
                "extra_hosts: [«\"a b=1.1.1.1\"»]", "'a b' is not a host name: it cannot contain a space",
                "use letters, digits, '-' and '.': a-b"
            ),
            ("extra_hosts: [«db»]", "the address of 'db' is missing", "write a name and an address: \"db=10.0.0.3\""),
            (
                "extra_hosts: [\"web=«localhost»\"]", "'localhost' is not an IP address",
                "write an address: \"web=127.0.0.1\", or host-gateway for this machine"
            ),
            (
                "container_name: «\"my app\"»", "'my app' is not a container name: it cannot contain a space",
                "use letters, digits, '_', '.' and '-', a letter or digit first: my-app"
            ),
            (
                "container_name: «-app»", "'-app' is not a container name",
                "use letters, digits, '_', '.' and '-', a letter or digit first: app"
            ),
            (
                "container_name: «\"a/b c\"»",
                "expected a name of at least two letters, digits, '.', '_' and '-', found 'a/b c'", "write a-b-c"
            ),
            (
                "hostname: «\"a b\"»", "'a b' is not a host name: it cannot contain a space",
                "use letters, digits, '-' and '.': a-b"
            ),
            (
                "hostname: «\"web:1\"»", "'web:1' is not a host name: it cannot contain ':'",
                "use letters, digits, '-' and '.': web-1"
            ),
            (
                "hostname: «aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa»",
                "the host name 'aaaaaaaaaaaaaaaaaaaa…' has 65 characters, but at most 64 are allowed", "shorten it"
            ),
            (
                "domainname: «\"a_b/c\"»", "'a_b/c' is not a domain name: it cannot contain '/'",
                "use letters, digits, '-' and '.': a_b-c"
            ),
            (
                "mac_address: «\"02:42\"»", "'02:42' is not a hardware address",
                "write six bytes in hexadecimal digits: 02:42:ac:11:00:02"
            ),
            (
                "mac_address: «\"02:42:ac:11:00:zz\"»", "'02:42:ac:11:00:zz' is not a hardware address",
                "write six bytes in hexadecimal digits: 02:42:ac:11:00:02"
            ),
            (
                "networks: {default: {ipv4_address: «foo»}}", "'foo' is not a valid IPv4 address",
                "write it as in 172.28.0.10"
            ),
            (
                "networks: {default: {ipv4_address: «\"10.0.0.5/24\"»}}", "'10.0.0.5/24' is not a valid IPv4 address",
                "write the address alone: 10.0.0.5"
            ),
            (
                "networks: {default: {ipv4_address: «\"2001:db8::1\"»}}", "'2001:db8::1' is not a valid IPv4 address",
                "it belongs under 'ipv6_address'"
            ),
            (
                "networks: {default: {ipv6_address: «10.0.0.5»}}", "'10.0.0.5' is not a valid IPv6 address",
                "it belongs under 'ipv4_address'"
            ),
            (
                "networks: {default: {ipv6_address: «\"2001:db8::g\"»}}", "'2001:db8::g' is not a valid IPv6 address",
                "write it as in 2001:db8::10"
            ),
            (
                "networks: {default: {link_local_ips: [«169.254.1»]}}", "'169.254.1' is not a valid IP address",
                "write it as in 172.28.0.1"
            ),
            (
                "networks: {default: {mac_address: «02-42»}}", "'02-42' is not a hardware address",
                "write six bytes in hexadecimal digits: 02:42:ac:11:00:02"
            ),
            (
                "networks: {default: {aliases: [«a b»]}}", "'a b' is not a host name: it cannot contain a space",
                "use letters, digits, '-' and '.': a-b"
            ),
            ("networks: {default: {aliases: [«\"\"»]}}", "the alias is empty", "remove it, or write a name"),
            (
                "expose: [«abc»]", "the port 'abc' is not a number from 1 to 65535 or a range",
                "write a port of the container: 3000, 3000-3005 or 53/udp"
            ),
            (
                "expose: [«0»]", "the port '0' is not a number from 1 to 65535 or a range",
                "write a port of the container: 3000, 3000-3005 or 53/udp"
            ),
            (
                "expose: [«\"8080:80\"»]", "'8080:80' is not a port of the container",
                "write 80 alone, or \"8080:80\" under 'ports' to publish it"
            ),
            (
                "expose: [\"80/«http»\"]", "the protocol 'http' is not tcp, udp or sctp",
                "write 80/tcp, /udp or /sctp"
            ),
            ("expose: [\"«90-80»\"]", "the range '90-80' runs backwards", "write 80-90"),
            (
                "expose: [«70000»]", "the port '70000' is not a number from 1 to 65535 or a range",
                "write a port of the container: 3000, 3000-3005 or 53/udp"
            ),
            (
                "ports: [{target: 80, published: «abc»}]",
                "the host port 'abc' is not a number from 0 to 65535 or a range",
                "write a port or a range: \"8080\", \"8080-8089\""
            ),
            (
                "ports: [{target: 80, published: \"«8000-»\"}]",
                "the host port '8000-' is not a number from 0 to 65535 or a range",
                "write a port or a range: \"8080\", \"8080-8089\""
            ),
            (
                "ports: [{target: 80, published: «70000»}]",
                "the host port '70000' is not a number from 0 to 65535 or a range",
                "write a port or a range: \"8080\", \"8080-8089\""
            ),
            (
                "ports: [{target: 80, protocol: «http»}]", "the protocol 'http' is not tcp, udp or sctp",
                "write tcp; 'http' is an 'app_protocol'"
            ),
            (
                "ports: [{target: 80, protocol: «tpc»}]", "the protocol 'tpc' is not tcp, udp or sctp",
                "did you mean 'tcp'?"
            ),
            ("ports: [{target: 80, mode: «hosts»}]", "'hosts' is not a valid mode of a port", "did you mean 'host'?"),
            (
                "ports: [{target: «99999»}]", "expected a number from 1 to 65535, found 99999",
                "a port is a number from 1 to 65535"
            ),
            (
                "ports: [{target: «0»}]", "expected a number from 1 to 65535, found 0",
                "a port is a number from 1 to 65535"
            ),
            (
                "ports: [{target: 80, host_ip: «localhost»}]", "'localhost' is not an IP address",
                "write the address: 127.0.0.1"
            ),
            (
                "ports: [{target: 80, host_ip: «\"*\"»}]", "'*' is not an IP address",
                "leave it out for all addresses, or write 0.0.0.0"
            ),
            ("ports: [«{published: 80}»]", "a port needs 'target', the port in the container", "add `target: 80`"),
            ("ports: [«\"80:80:tcp\"»]", "'80' is not an IP address", "write \"80:80/tcp\""),
            ("ports: [«\"localhost:80:80\"»]", "'localhost' is not an IP address", "write \"127.0.0.1:80:80\""),
            (
                "ports: [«\"localhost:80\"»]",
                "the host port 'localhost' is not a number from 0 to 65535 or a range",
                "write \"127.0.0.1:80:80\""
            ),
            (
                "ports: [«\"0.0.0.0:80\"»]",
                "the host port '0.0.0.0' is not a number from 0 to 65535 or a range", "write \"0.0.0.0:80:80\""
            ),
            (
                "ports: [«\"[::1]:80\"»]",
                "'[::1]:80' has an address and one port: the host's or the container's is missing",
                "write \"[::1]:80:80\""
            ),
            (
                "ports: [«\"8080->80\"»]",
                "the container port '8080->80' is not a number from 0 to 65535 or a range", "write \"8080:80\""
            ),
            (
                "ports: [«\"8080=80\"»]",
                "the container port '8080=80' is not a number from 0 to 65535 or a range", "write \"8080:80\""
            ),
            (
                "ports: [«\"8080 : 80\"»]",
                "the container port ' 80' is not a number from 0 to 65535 or a range", "write \"8080:80\""
            ),
            (
                "ports: [«\"web:80\"»]", "the host port 'web' is not a number from 0 to 65535 or a range",
                "write \"80:80\""
            ),
            ("ports: [«\"80/http\"»]", "the protocol 'http' is not tcp, udp or sctp", "write \"80/tcp\""),
            (
                "ports: [«\"70000:80\"»]", "the host port '70000' is not a number from 0 to 65535 or a range",
                "ports go from 0 to 65535: \"8080:80\""
            ),
            ("ports: [«\"8080:80:80\"»]", "'8080' is not an IP address", "write \"8080:80\""),
            ("ports: [«\"80-70:80-70\"»]", "the range '80-70' runs backwards", "write \"70-80:70-80\""),
            (
                "ports: [«\"8000-8010:80-82\"»]", "11 host ports (8000-8010) for 3 container ports (80-82)",
                "give both ranges as many ports: \"8000-8002:80-82\""
            ),
            (
                "ports: [«\"example.com:80:80\"»]", "'example.com' is not an IP address",
                "an address stands there, not a name: \"127.0.0.1:80:80\""
            ),
            ("ports: [«\"0\"»]", "the container's port is 0", "write the port on which its program listens: 80"),
        ] as [(String, String, String)])
    func refused(_ marked: String, _ message: String, _ hint: String) {
        checkMarked(Marked("services:\n  a:\n    image: i\n    \(marked)\n"), .error, message, hint: hint)
    }
}

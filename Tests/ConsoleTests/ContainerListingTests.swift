import Console
import EngineWire
import JSON
import Testing

@Test(
    "STATUS has docker's words",
    arguments: [
        (row("a-1"), "Up 3 seconds"), (row("a-1", health: .starting), "Up 3 seconds (health: starting)"),
        (row("a-1", health: .healthy), "Up 3 seconds (healthy)"), (row("a-1", state: .paused), "Up 3 seconds (Paused)"),
        (row("a-1", state: .restarting, exitCode: 5, finished: 1), "Restarting (5) 1 second ago"),
        (row("a-1", state: .exited, exitCode: 137, finished: 3), "Exited (137) 3 seconds ago"),
        (row("a-1", state: .created), "Created"),
    ])
func status(_ row: ContainerRow, _ text: String) { #expect(ContainerText.status(row, now: now) == text) }

@Test(
    "PORTS shows one family and joins ranges",
    arguments: [
        ([port(18080, 80), port(18080, 80, "::")], [], "0.0.0.0:18080->80/tcp"),
        ([port(18081, 81, "127.0.0.1", "udp")], [], "127.0.0.1:18081->81/udp"),
        ([port(3000, 3000), port(3001, 3001), port(3002, 3002)], [], "0.0.0.0:3000-3002->3000-3002/tcp"),
        ([port(80, 80, "::")], ["80/tcp", "77/tcp"], "[::]:80->80/tcp, 77/tcp"),
        ([port(1, 9), port(3, 10)], [], "0.0.0.0:1->9/tcp, 0.0.0.0:3->10/tcp"),
    ] as [([ContainerRow.PublishedPort], [String], String)])
func ports(_ ports: [ContainerRow.PublishedPort], _ exposed: [String], _ text: String) {
    #expect(ContainerText.ports(row("a-1", ports: ports, exposed: exposed)) == text)
    #expect(ContainerText.ports(row("a-1", state: .exited, ports: ports, exposed: exposed)).isEmpty)
}

@Test("the table is sorted, padded to the widest cell, and says why something is down")
func table() {
    let rows = [
        row("web-1", health: .healthy, command: ["sh", "-c", "echo this is long"], ports: [port(8080, 80)]),
        row("db-1", state: .exited, exitCode: 1, finished: 2, reason: "restart: no"),
    ]
    #expect(
        ContainerListing.table(rows, now: now, whole: false, width: nil) == """
            NAME         IMAGE     COMMAND                  SERVICE   CREATED              STATUS                                   PORTS
            demo-db-1    busybox   "sleep 1d"               db        About a minute ago   Exited (1) 2 seconds ago (restart: no)
            demo-web-1   busybox   "sh -c echo this is …"   web       About a minute ago   Up 3 seconds (healthy)                   0.0.0.0:8080->80/tcp

            """)
}

@Test("a table without rows is its title line")
func emptyTable() {
    #expect(
        ContainerListing.table([], now: now, whole: false, width: nil)
            == "NAME      IMAGE     COMMAND   SERVICE   CREATED   STATUS    PORTS\n")
}

@Test("in a terminal no line is wider than it, and names stay whole")
func fits() {
    let wide = row("web-1", command: ["a very long command line"], ports: (1...9).map { port($0 * 7, $0 * 5) })
    let text = ContainerListing.table([wide], now: now, whole: false, width: 100)
    #expect(text.split(separator: "\n").allSatisfy { displayWidth(String($0)) <= 100 })
    #expect(text.contains("demo-web-1 "))
}

@Test("where a table is too wide, the command gives way before the status")
func statusStays() {
    let row = row("web-1", state: .exited, exitCode: 137, finished: 3, command: ["a very long command line"])
    #expect(ContainerListing.table([row], now: now, whole: false, width: 96).contains("Exited (137) 3 seconds ago"))
}

@Test("at 100 columns the ports of a usual project are whole, and so is what its services are at")
func portsStay() {
    var rows = ["app", "app", "cache", "db"].enumerated().map { index, name in
        row(
            "\(name)-\(index)", health: .healthy, command: ["/usr/local/bin/server", "--port", "80"],
            exposed: ["5432/tcp"])
    }
    rows.append(row("web-1", health: .healthy, command: ["nginx", "-g", "daemon off;"], ports: [port(8080, 80)]))
    for index in rows.indices { rows[index].image = "berth-example/application" }
    let text = ContainerListing.table(rows, now: now, whole: false, width: 100)
    #expect(text.split(separator: "\n").allSatisfy { displayWidth(String($0)) <= 100 }, "\(text)")
    #expect(text.contains("8080->80/tcp"), "\(text)")
    #expect(text.contains("Up 3 seconds (healthy)"), "\(text)")
    #expect(text.contains("1m ago"), "\(text)")
    let roomy = ContainerListing.table(rows, now: now, whole: false, width: 160)
    #expect(roomy.contains("About a minute ago") && roomy.contains("0.0.0.0:8080->80/tcp"), "\(roomy)")
}

@Test(
    "a short time ago in few letters",
    arguments: [
        (0.2, "0s ago"), (1, "1s ago"), (59, "59s ago"), (61, "1m ago"), (3700, "1h ago"), (3 * 86400, "3d ago"),
        (21 * 86400, "3w ago"), (100 * 86400, "3mo ago"), (800 * 86400, "2y ago"),
    ] as [(Double, String)])
func briefTimes(_ seconds: Double, _ text: String) { #expect(HumanUnits.briefly(seconds: seconds) == text) }

@Test("JSON has docker compose's keys, and labels that can be taken apart")
func fields() throws {
    let row = row("web-1", ports: [port(8080, 80), port(8080, 80, "::")], labels: ["b": "2", "a": "1,x"])
    let fields = try ContainerListing.fields(row, now: now)
    #expect(fields["ID"] == "0123456789ab")
    #expect(fields["Labels"] == "a=1,x,b=2")
    #expect(fields["LabelMap"]?["a"] == "1,x")
    #expect(fields["Ports"] == "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp")
    #expect(fields["Publishers"]?.array?.count == 2)
    #expect(fields.object?.keys == fields.object?.keys.sorted())
}

"""The Docker API: the docker command and docker compose against berth and against dockerd, in one run.

usage: docker.py PROGRAMS DOCKER_COMPOSE (through docker.sh)
Each figure is of a whole client process, but for the requests, which one connection makes one after the other. Prints a table and
puts it into docs/benchmarks.md. ROUNDS, CONTAINERS (how many `ps` lists), MEGABYTES (of what `cp` and `logs` carry) make it smaller.
"""

import http.client
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from compare import Engine, busybox_archive, processes, project, wait_for

ROUNDS = int(os.environ.get("ROUNDS", "5"))
CONTAINERS = int(os.environ.get("CONTAINERS", "100"))
MEGABYTES = int(os.environ.get("MEGABYTES", "1024"))
REQUESTS = int(os.environ.get("REQUESTS", "500"))
TITLE = "## The Docker API"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def requests(path):
    """Milliseconds of each of so many listings of all containers, on one connection."""
    connection = UnixConnection(path)
    took = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        connection.request("GET", "/v1.41/containers/json?all=1")
        answer = connection.getresponse()
        body = answer.read()
        took.append((time.perf_counter() - began) * 1000)
        if answer.status != 200 or not body.startswith(b"["):
            sys.exit(f"{path}: {answer.status} {body[:200]}")
    connection.close()
    return took


def pss(names):
    """Memory of all processes of these names together, in kB."""
    total = 0
    for name in names:
        for pid in processes(name):
            try:
                text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total


class Side:
    """One engine as the docker command sees it."""

    def __init__(self, name, path, programs, work):
        self.name, self.path, self.programs, self.work = name, path, programs, work
        self.environment = {"DOCKER_HOST": f"unix://{path}", "DOCKER_API_VERSION": "1.41"}
        self.docker = Engine(name, ["docker"], self.environment)

    def run(self, *arguments):
        return self.docker.run(self.work, *arguments)

    def read(self, size, *arguments):
        """Takes what docker prints, which must be so many bytes, and keeps none of it."""
        began = time.perf_counter()
        docker = subprocess.Popen(["docker", *arguments], env={**os.environ, **self.environment}, stdout=subprocess.PIPE)
        count = 0
        while chunk := os.read(docker.stdout.fileno(), 1 << 20):
            count += len(chunk)
        took = time.perf_counter() - began
        if docker.wait() != 0 or count != size:
            sys.exit(f"{self.name}: docker {' '.join(arguments)} printed {count} bytes instead of {size}")
        return took


def measure(side, rows):
    def note(what, seconds):
        rows.setdefault(what, {}).setdefault(side.name, []).append(seconds * 1000)

    note("`run --rm busybox true`", side.run("run", "--rm", "bench-busybox", "true"))
    note("`run -d`", side.run("run", "-d", "--name", "kept", "bench-busybox", "sleep", "1d"))
    note("`exec true`", side.run("exec", "kept", "true"))
    note("`rm -f`", side.run("rm", "-f", "kept"))


def carry(side, rows):
    """What is copied in and out, and what is read of a log."""
    def note(what, seconds):
        rows.setdefault(what, {}).setdefault(side.name, []).append(seconds * 1000)

    file = pathlib.Path(side.work, "big")
    if not file.exists():
        with open(file, "wb") as out:
            for _ in range(MEGABYTES):
                out.write(os.urandom(1 << 20))
    os.sync()  # what was written before is not on anybody's account
    side.run("run", "-d", "--name", "box", "bench-busybox", "sleep", "1d")
    note(f"`cp` of {MEGABYTES} MB into a container", side.run("cp", str(file), "box:/tmp/big"))
    note(f"`cp` of {MEGABYTES} MB out of it", side.run("cp", "box:/tmp/big", f"{side.work}/back"))
    if os.path.getsize(f"{side.work}/back") != MEGABYTES << 20:
        sys.exit(f"{side.name}: cp brought back another size")
    side.run("rm", "-f", "box")
    lines = MEGABYTES << 20 >> 7  # of 128 bytes
    text = "x" * 127
    # Nothing of it is put aside: berth rotates logs also when nobody asks for it.
    side.run("run", "--name", "talker", "-d", "--log-opt", "max-size=9g", "bench-busybox", "sh", "-c",
             f"yes {text} | head -n {lines}")
    side.run("wait", "talker")
    note(f"`logs` of {MEGABYTES} MB", side.read(lines << 7, "logs", "talker"))
    note("`logs --tail 10` of it", side.run("logs", "--tail", "10", "talker"))
    side.run("rm", "-f", "talker")
    note(f"`run` that prints {MEGABYTES} MB, attached", side.read(
        lines << 7, "run", "--rm", "--log-driver", "none", "bench-busybox", "sh", "-c", f"yes {text} | head -n {lines}"))


def many(side, rows, notes):
    def note(what, value):
        rows.setdefault(what, {}).setdefault(side.name, []).append(value)

    notes.setdefault(side.name, {})["0"] = pss(side.programs)
    for number in range(CONTAINERS):
        side.run("run", "-d", "--name", f"many{number}", "bench-busybox", "sleep", "1d")
        if number + 1 == 20:
            notes[side.name]["20"] = pss(side.programs)
    notes[side.name][str(CONTAINERS)] = pss(side.programs)
    for _ in range(ROUNDS):
        note(f"`ps` with {CONTAINERS} containers", side.run("ps") * 1000)
    took = sorted(requests(side.path))
    note(f"`/containers/json` with {CONTAINERS}, median", statistics.median(took))
    note(f"`/containers/json` with {CONTAINERS}, 99th of 100", took[int(len(took) * 0.99) - 1])
    side.run("rm", "-f", *[f"many{number}" for number in range(CONTAINERS)])


def compose(side, command, rows):
    folder = project(side.work, 20)
    engine = Engine(side.name, [command], side.environment)
    for round in range(ROUNDS + 1):
        up = engine.run(folder, "up", "-d")
        down = engine.run(folder, "down", "-t", "0")
        if round:
            rows.setdefault("docker compose `up -d`, 20 services", {}).setdefault(side.name, []).append(up * 1000)
            rows.setdefault("docker compose `down -t 0`", {}).setdefault(side.name, []).append(down * 1000)


def report(rows, notes):
    def cell(values):
        if len(values) == 1:
            return f"{values[0]:.1f}" if values[0] < 10 else f"{values[0]:.0f}"
        return f"{statistics.median(values):.0f} ({min(values):.0f}–{max(values):.0f})"

    version = subprocess.run(["dockerd", "--version"], capture_output=True, text=True).stdout.strip()
    lines = [
        TITLE, "",
        f"`Benchmarks/docker.sh` sends the same clients to berth's Docker API and to {version}, in one run. Milliseconds, median",
        "(least–most); ratio: dockerd's time to berth's.", "",
        "| what | berth | dockerd | ratio |", "|---|---|---|---|",
    ]
    for what, sides in rows.items():
        ratio = statistics.median(sides["dockerd"]) / statistics.median(sides["berth"])
        lines.append(f"| {what} | {cell(sides['berth'])} | {cell(sides['dockerd'])} | {ratio:.1f} |")
    lines += ["", "Memory of all of the engine's processes together (PSS, MB) with so many containers:", "",
              "| containers | berth | dockerd |", "|---|---|---|"]
    for count in notes["berth"]:
        lines.append(f"| {count} | {notes['berth'][count] / 1024:.0f} | {notes['dockerd'][count] / 1024:.0f} |")
    text = "\n".join(lines)
    print(text)
    page = pathlib.Path("docs/benchmarks.md")
    old = page.read_text()
    before, _, after = old.partition(TITLE)
    after = after.partition("\n## ")
    rest = after[1] + after[2] if after[1] else ""
    page.write_text(before.rstrip() + "\n\n" + text + "\n" + rest)


def main():
    binaries, command = sys.argv[1:3]
    work = tempfile.mkdtemp(prefix="berth-bench-")
    archive = busybox_archive(work)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    daemon = subprocess.Popen(
        ["dockerd", "-H", f"unix://{work}/dockerd.sock", "--data-root", f"{work}/docker", "--exec-root", "/run/docker"],
        stdout=open(f"{work}/dockerd.log", "w"), stderr=subprocess.STDOUT)
    wait_for(f"{work}/dockerd.sock")
    environment = {
        **os.environ, "BERTH_ROOT": f"{work}/root", "BERTH_RUN": f"{work}/run", "BERTH_IDLE_EXIT": "0",
        "BERTH_DOCKER_SOCKET": f"{work}/berth.sock"}
    subprocess.run([f"{binaries}/berth", "image", "import", archive, "bench-busybox"], env=environment, check=True,
                   capture_output=True)
    wait_for(f"{work}/berth.sock")
    sides = [
        Side("berth", f"{work}/berth.sock", ["berthd", "berth-net", "berth-monitor"], work),
        Side("dockerd", f"{work}/dockerd.sock", ["dockerd", "containerd", "containerd-shim-runc-v2", "docker-proxy"], work),
    ]
    sides[1].run("import", archive, "bench-busybox")
    rows, notes = {}, {}
    for side in sides:
        measure(side, {})
    for _ in range(ROUNDS):
        for side in sides:
            measure(side, rows)
    for part in (lambda side: many(side, rows, notes), lambda side: carry(side, rows), lambda side: compose(side, command, rows)):
        for side in sides:
            part(side)
    report(rows, notes)
    for pid in processes("berthd") + processes("berth-net"):
        os.kill(pid, signal.SIGTERM)
    daemon.terminate()
    daemon.wait()
    shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()

"""Times berth and docker compose side by side, each verb as a whole process, and writes docs/benchmarks.md."""

import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

ROUNDS = int(os.environ.get("ROUNDS", "3"))
SIZES = [int(size) for size in os.environ.get("SIZES", "1 5 20 50").split()]


def wait_for(socket, seconds=30):
    end = time.monotonic() + seconds
    while not os.path.exists(socket):
        if time.monotonic() > end:
            sys.exit(f"{socket} did not appear")
        time.sleep(0.05)


class Engine:
    """One of the two: how it is called, and how often it may fail. A call that failed is made again and its time is not counted."""

    def __init__(self, name, command, environment, failures_allowed=0):
        self.name, self.command, self.environment = name, command, {**os.environ, **environment}
        self.failures_allowed, self.failures = failures_allowed, []

    def run(self, folder, *arguments):
        """The seconds that the call took; None if it only succeeded when it was made again."""
        began = time.perf_counter()
        result = subprocess.run([*self.command, *arguments], cwd=folder, env=self.environment, capture_output=True, text=True)
        took = time.perf_counter() - began
        if result.returncode == 0:
            return took
        complaint = f"{self.name} {' '.join(arguments)}: {result.returncode}\n{result.stderr[-2000:]}"
        if len(self.failures) == self.failures_allowed:
            sys.exit(complaint)
        print(complaint, file=sys.stderr)
        self.failures.append(result.stderr.strip().splitlines()[-1])
        time.sleep(1)
        self.run(folder, *arguments)
        return None


def busybox_archive(folder):
    root = pathlib.Path(folder, "busybox")
    (root / "bin").mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    for name in ("sh", "sleep", "true"):
        (root / "bin" / name).symlink_to("busybox")
    for name in ("dev", "etc", "proc", "sys", "tmp"):
        (root / name).mkdir()
    path = os.path.join(folder, "busybox.tar")
    with tarfile.open(path, "w") as archive:
        archive.add(root, arcname=".")
    return path


def project(folder, count):
    path = pathlib.Path(folder, f"bench{count}")
    path.mkdir(exist_ok=True)
    services = "".join(f"  s{number}:\n    image: bench-busybox\n    command: sleep 1d\n" for number in range(1, count + 1))
    (path / "compose.yaml").write_text("services:\n" + services)
    return path


def memory(pids):
    """Mean PSS and private dirty memory in kB."""
    pss, dirty = [], []
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        values = {line.split(":")[0]: line.split()[1] for line in text.splitlines() if line.endswith("kB")}
        pss.append(int(values["Pss"]))
        dirty.append(int(values["Private_Dirty"]))
    return round(statistics.mean(pss)), round(statistics.mean(dirty))


def conmon_memory(count):
    """The same of conmon, where it is installed; nil without it."""
    if not shutil.which("conmon") or not shutil.which("runc"):
        return None
    script = pathlib.Path(__file__).with_name("conmon.sh")
    result = subprocess.run([script, str(count)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    words = result.stdout.split()
    return (int(words[0]), int(words[1])) if len(words) >= 2 else None


def wakeups(pids, seconds=10):
    """How often the processes' threads went to sleep again within so many seconds."""
    def count():
        found = {}
        for pid in pids:
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                for line in (task / "status").read_text().splitlines():
                    if line.startswith("voluntary_ctxt_switches"):
                        found[task.name] = int(line.split()[1])
        return found
    before = count()
    time.sleep(seconds)
    # A thread that ended meanwhile has nothing to say.
    return sum(after - before.get(task, 0) for task, after in count().items())


def processes(name):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == name[:15]:
                found.append(int(pid))
        except OSError:
            continue
    return found


def measure(engine, folder):
    times = {}
    times["up"] = engine.run(folder, "up", "-d")
    times["up again"] = engine.run(folder, "up", "-d")
    times["ps"] = engine.run(folder, "ps")
    times["exec"] = engine.run(folder, "exec", "-T", "s1", "true")
    times["down, grace 0"] = engine.run(folder, "down", "-t", "0")
    return times


def main():
    binaries, compose = sys.argv[1:3]
    work = tempfile.mkdtemp(prefix="berth-bench-")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    archive = busybox_archive(work)
    docker_socket = f"{work}/docker.sock"
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    daemon = subprocess.Popen(
        ["dockerd", "-H", f"unix://{docker_socket}", "--data-root", f"{work}/docker", "--exec-root", "/run/docker"],
        stdout=open(f"{work}/dockerd.log", "w"), stderr=subprocess.STDOUT)
    wait_for(docker_socket)
    docker = {"DOCKER_HOST": f"unix://{docker_socket}"}
    subprocess.run(
        ["docker", "import", archive, "bench-busybox"], env={**os.environ, **docker}, check=True, capture_output=True)
    berth = Engine("berth", [f"{binaries}/berth"], {"BERTH_ROOT": f"{work}/root", "BERTH_RUN": f"{work}/run", "BERTH_IDLE_EXIT": "0"})
    berth.run(work, "image", "import", archive, "bench-busybox")
    # dockerd now and then keeps a network's endpoint after its container went, and then cannot remove the network.
    peer = Engine("docker compose", [compose], docker, failures_allowed=10)
    engines = [berth, peer]

    rows, kept = {}, {}
    for count in SIZES:
        folder = project(work, count)
        for round in range(ROUNDS + 1):
            for engine in engines:
                times = measure(engine, folder)
                if round:  # the first is a warm-up
                    for verb, took in times.items():
                        if took is None:
                            continue
                        rows.setdefault((count, verb), {}).setdefault(engine.name, []).append(took)
        for engine in engines:
            engine.run(folder, "up", "-d")
            time.sleep(3)  # as a person leaves it: nobody stops what began a moment ago
            if count == 20 and engine is berth:
                kept["wake-ups"] = wakeups(processes("berthd") + processes("berth-net") + processes("berth-monitor"))
                kept["monitor"] = memory(processes("berth-monitor"))
                kept["engine"] = memory(processes("berthd"))
            took = engine.run(folder, "down")
            if took is not None:
                rows.setdefault((count, "down, default grace"), {}).setdefault(engine.name, []).append(took)

    kept["conmon"] = conmon_memory(20) if kept else None
    report(rows, kept, compose, peer.failures)
    for name in ("berthd", "berth-net"):
        for pid in processes(name):
            os.kill(pid, signal.SIGTERM)
    daemon.terminate()
    daemon.wait()
    shutil.rmtree(work, ignore_errors=True)


def report(rows, kept, compose, failures):
    version = subprocess.run([compose, "version", "--short"], capture_output=True, text=True).stdout.strip()
    daemon = subprocess.run(["dockerd", "--version"], capture_output=True, text=True).stdout.strip()
    kernel = os.uname().release.split("-")[0]
    lines = [
        "# Benchmarks", "",
        f"`make bench` compares berth with docker compose {version} on {daemon}, verb by verb, in the same run. Every service runs",
        f"`sleep 1d` from a busybox image; there is one network. {ROUNDS} rounds after a warm-up (default grace: one round), {os.cpu_count()} cores,",
        f"kernel {kernel}. Each figure is the wall time of the whole client process in milliseconds: median (least–most).", "",
        "| services | verb | berth | docker compose | ratio |", "|---|---|---|---|---|",
    ]
    for (count, verb), times in rows.items():
        def cell(name):
            values = [value * 1000 for value in times.get(name, [])]
            if not values:
                return "failed"
            return f"{statistics.median(values):.0f} ({min(values):.0f}–{max(values):.0f})"
        whole = times.get("berth") and times.get("docker compose")
        ratio = f"{statistics.median(times['docker compose']) / statistics.median(times['berth']):.1f}" if whole else ""
        lines.append(f"| {count} | {verb} | {cell('berth')} | {cell('docker compose')} | {ratio} |")
    if failures:
        lines += ["", f"{len(failures)} calls of docker compose failed and were made again, uncounted; the last: `{failures[-1]}`"]
    if kept:
        lines += ["", "Memory with 20 containers, in kB, mean of each kind of process:", "", "| process | PSS | private dirty |", "|---|---|---|"]
        wakes = kept.pop("wake-ups")
        lines += [f"| {name} | {of[0]} | {of[1]} |" for name, of in kept.items() if of]
        lines += [
            "", f"Idle wake-ups of the engine, the name service and the 20 monitors together: {wakes} in 10 seconds. The thread pool of the Swift runtime causes one",
            "a second; `strace -f` of the engine shows no other."]
    lines += ["", "The machine is noisy: trust the ratios, not single figures."]
    # What other benchmarks wrote below stays.
    page = pathlib.Path("docs/benchmarks.md")
    _, mark, rest = page.read_text().partition("\n## ")
    page.write_text("\n".join(lines) + "\n" + mark + rest)
    print("\n".join(lines))


if __name__ == "__main__":
    main()

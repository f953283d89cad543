"""Reading logs: berth and docker compose beside each other, whole processes. Prints a table and puts it into docs/benchmarks.md.

usage: logs.py PROGRAMS DOCKER_COMPOSE (through logs.sh)
A container prints LINES lines and ends; then each side reads its last ten lines and everything. After that FOLLOWERS
clients follow a container that prints 10,000 lines a second for ten seconds; each counts what it gets.
"""

import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from compare import Engine, busybox_archive, processes, wait_for

LINES = int(os.environ.get("LINES_PRINTED", "2500000"))
FOLLOWERS = int(os.environ.get("FOLLOWERS", "20"))
TITLE = "## Reading logs"
PROJECT = """services:
  big:
    image: bench-busybox
    command: ["sh", "-c", "seq 1 {lines} | sed 's/$$/ the quick brown fox jumps over the lazy dog, again and again, until it is tired/'"]
  fast:
    image: bench-busybox
    command:
      - sh
      - -c
      - "i=0; while [ $$i -lt 100 ]; do seq 1 1000; sleep 0.1; i=$$((i + 1)); done; echo the end; sleep 1d"
    profiles: [fast]
"""


def resident(pids):
    """The most memory that the processes had so far, in kB."""
    most = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                most += int(line.split()[1])
    return most


def read(engine, folder, *options):
    """Seconds and bytes of one reading."""
    began = time.perf_counter()
    reader = subprocess.Popen(
        [*engine.command, "logs", "--no-color", *options, "big"], cwd=folder, env=engine.environment,
        stdout=subprocess.PIPE)
    size = 0
    while block := reader.stdout.read(1 << 20):
        size += len(block)
    if reader.wait() != 0:
        sys.exit(f"{engine.name} logs {options}: {reader.returncode}")
    return time.perf_counter() - began, size


def follow(engine, folder):
    """What each follower got, and how many seconds after its last line was printed the last of them had it."""
    lines, ends = [0] * FOLLOWERS, [None] * FOLLOWERS

    def one(number):
        reader = subprocess.Popen(
            [*engine.command, "logs", "-f", "--no-color", "--no-log-prefix", "fast"], cwd=folder, env=engine.environment,
            stdout=subprocess.PIPE)
        for line in reader.stdout:
            lines[number] += 1
            if line.startswith(b"the end"):
                break
        ends[number] = time.monotonic()
        reader.send_signal(signal.SIGKILL)
        reader.wait()

    engine.run(folder, "--profile", "fast", "up", "-d", "fast")
    began = time.monotonic()
    threads = [threading.Thread(target=one, args=(number,), daemon=True) for number in range(FOLLOWERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=max(0.1, began + 90 - time.monotonic()))
    served = sum(1 for count in lines if count >= 100_001)
    last = max((end for end in ends if end), default=began + 90) - began
    engine.run(folder, "--profile", "fast", "down", "-t", "0")
    return served, min(lines), last


def main():
    binaries, compose = sys.argv[1:3]
    work = tempfile.mkdtemp(prefix="berth-logs-")
    archive = busybox_archive(work)
    for tool in ("seq", "sed"):
        pathlib.Path(work, "busybox/bin", tool).symlink_to("busybox")
    subprocess.run(["tar", "-C", f"{work}/busybox", "-cf", archive, "."], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    socket = f"{work}/docker.sock"
    daemon = subprocess.Popen(
        ["dockerd", "-H", f"unix://{socket}", "--data-root", f"{work}/docker", "--exec-root", "/run/docker"],
        stdout=open(f"{work}/dockerd.log", "w"), stderr=subprocess.STDOUT)
    wait_for(socket)
    docker = {"DOCKER_HOST": f"unix://{socket}"}
    subprocess.run(["docker", "import", archive, "bench-busybox"], env={**os.environ, **docker}, check=True, capture_output=True)
    berth = Engine("berth", [f"{binaries}/berth"], {
        "BERTH_ROOT": f"{work}/root", "BERTH_RUN": f"{work}/run", "BERTH_IDLE_EXIT": "0",
        "BERTH_LOG_MAX_SIZE": "1g"})
    berth.run(work, "image", "import", archive, "bench-busybox")
    folder = pathlib.Path(work, "logs")
    folder.mkdir()
    (folder / "compose.yaml").write_text(PROJECT.format(lines=LINES))

    table = {}
    for engine, names in ((berth, ("berthd",)), (Engine("docker compose", [compose], docker), ("dockerd",))):
        began = time.perf_counter()
        engine.run(folder, "up", "-d", "big")
        engine.run(folder, "wait", "big") if engine is berth else subprocess.run(
            ["docker", "wait", "logs-big-1"], env=engine.environment, check=True, capture_output=True)
        rows = table.setdefault(engine.name, {})
        rows["printing the lines"] = f"{time.perf_counter() - began:.1f} s"
        tails = [read(engine, folder, "--tail", "10")[0] for _ in range(5)]
        rows["the last 10 lines"] = f"{statistics.median(tails) * 1000:.0f} ms"
        took, size = read(engine, folder)
        rows["everything"] = f"{took:.1f} s, {size / 1e6:.0f} MB"
        rows["peak memory of the engine"] = f"{sum(resident(processes(name)) for name in names) / 1000:.0f} MB"
        served, least, last = follow(engine, folder)
        rows[f"{FOLLOWERS} followers of 10,000 lines a second"] = f"{served} got all (least {least:,} lines), the last after {last:.1f} s"
        engine.run(folder, "down", "-t", "0")
    lines = [TITLE, "", f"In `Benchmarks/logs.sh` a container prints {LINES:,} lines and ends. Another one prints",
             "10,000 lines a second for ten seconds, and many clients follow it. Each figure is for the whole client process.", "",
             "| | berth | docker compose |", "|---|---|---|"]
    lines += [f"| {row} | {table['berth'][row]} | {table['docker compose'][row]} |" for row in table["berth"]]
    print("\n".join(lines))
    page = pathlib.Path(__file__).resolve().parent.parent / "docs/benchmarks.md"
    if page.exists():
        before, mark, rest = page.read_text().partition(TITLE + "\n")
        _, mark, after = rest.partition("\n## ")
        page.write_text(before.rstrip("\n") + "\n\n" + "\n".join(lines) + "\n" + (mark + after if mark else ""))
    for name in ("berthd", "berth-net"):
        for pid in processes(name):
            os.kill(pid, signal.SIGTERM)
    daemon.terminate()
    daemon.wait()
    shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Loading Compose files: berth, docker compose and PyYAML's C loader on the same generated files, in turn.

usage: compose_load.py BERTH DOCKER_COMPOSE [SERVICES…]      (default: 1 200 1000 5000)
Each is a whole process: `config -q` of the two, and for PyYAML (Debian's python3-yaml, libyaml behind it) the YAML alone.
Prints a table and puts it into docs/benchmarks.md.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = int(os.environ.get("ROUNDS", "15"))
PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs/benchmarks.md"
TITLE = "## Loading Compose files"

HEAD = """x-base: &base
  image: nginx:1.27
  restart: unless-stopped
  logging: &log {driver: json-file, options: {max-size: "10m", max-file: "3"}}
  networks: [front, back]
  healthcheck: {test: [CMD, wget, -qO-, http://localhost/], interval: 10s, timeout: 3s, retries: 5}
services:
"""
SERVICE = """  svc{0}:
    <<: *base
    environment: {{A: "${{A:-x}}", B: value-{0}, C: "${{C:-{0}}}"}}
    ports: ["{1}:80"]
    volumes: ["data{2}:/data", "./conf{0}:/etc/conf:ro"]
    command: run --port 80 --name svc{0}
    labels: [com.example.svc={0}, com.example.team=shop]
    deploy: {{resources: {{limits: {{cpus: "0.5", memory: 64M}}}}}}
"""


def text(count):
    services = "".join(SERVICE.format(i, 10000 + i, i % 10) for i in range(count))
    volumes = "".join(f"  data{i}:\n" for i in range(10))
    return f"{HEAD}{services}networks: {{front: {{}}, back: {{}}}}\nvolumes:\n{volumes}"


def run(command, folder):
    """Milliseconds of a whole process: processor time of user and kernel together, and wall time."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: {process.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1000, wall * 1000


def measure(programs, count):
    times = {name: [] for name in programs}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "compose.yaml")
        path.write_text(text(count))
        for round in range(ROUNDS + 1):
            for name, command in programs.items():
                took = run(command, folder)
                if round:  # the first is a warm-up
                    times[name].append(took)
        return times, path.stat().st_size


def figures(times):
    cpu, wall = ([pair[index] for pair in times] for index in (0, 1))
    return f"{statistics.median(cpu):.1f} ({min(cpu):.1f}–{max(cpu):.1f})", f"{statistics.median(wall):.0f}"


def ratio(times, name):
    of = {key: statistics.median(pair[0] for pair in values) for key, values in times.items()}
    return of[name] / of["berth"]


def table(programs, counts):
    lines = ["| services | kB | berth | docker compose | PyYAML (C) | docker compose / berth |", "|---|---|---|---|---|---|"]
    for count in counts:
        times, size = measure(programs, count)
        cells = [figures(times[name]) for name in programs]
        row = [str(count), f"{size / 1000:.0f}"] + [f"{cpu}, {wall}" for cpu, wall in cells]
        lines.append("| " + " | ".join(row + [f"{ratio(times, 'docker compose'):.0f}"]) + " |")
        print(lines[-1], flush=True)
    return lines


def write(section):
    """Puts the section into the page, in place of the one that is there."""
    parts = PAGE.read_text().split("\n## ")
    kept = [part for part in parts[1:] if not part.startswith(TITLE[3:])]
    PAGE.write_text("\n## ".join([parts[0]] + kept).rstrip("\n") + "\n\n" + section)


def main():
    berth, docker = sys.argv[1].split(), sys.argv[2].split()
    yaml = "import yaml; yaml.load(open('compose.yaml'), Loader=yaml.CSafeLoader)"
    programs = {
        "berth": berth + ["config", "-q"],
        "docker compose": docker + ["config", "-q"],
        "PyYAML (C)": [sys.executable, "-c", yaml],
    }
    version = subprocess.run(docker + ["version", "--short"], capture_output=True, text=True).stdout.strip()
    rows = table(programs, [int(argument) for argument in sys.argv[3:]] or [1, 200, 1000, 5000])
    lines = [
        TITLE, "",
        "`Benchmarks/compose_load.py BERTH DOCKER_COMPOSE` generates files with many services. Each service merges an anchored mapping of five attributes into",
        f"its own seven. The script runs `berth config -q`, `docker-compose config -q` ({version}) and PyYAML's `CSafeLoader`, which only parses the YAML,",
        f"in turn: {ROUNDS} rounds after a warm-up, {os.cpu_count()} cores, kernel {os.uname().release.split('-')[0]}. Each figure is milliseconds for the whole process:",
        "the processor time (user and kernel) as median (least–most), then the median of the wall time.", "",
        *rows, "",
    ]
    write("\n".join(lines))


main()

"""What an operation of one project costs beside 10, 50 and 200 containers of other projects: none of it may grow with those.

Usage: neighbours.py FOLDER-OF-PROGRAMS, as root in namespaces of its own (see neighbours.sh). Prints a table in Markdown.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from compare import busybox_archive

BESIDE = [int(count) for count in os.environ.get("BESIDE", "10 50 200").split()]
ROUNDS = int(os.environ.get("ROUNDS", "5"))
VERBS = ["up -d", "stop -t 0", "start", "ps -a", "restart -t 0", "down -t 0"]
TICK = 1000 / os.sysconf("SC_CLK_TCK")


class Berth:
    """One engine, and what it is asked for."""

    def __init__(self, programs, folder):
        self.program = os.path.join(programs, "berth")
        self.folder = pathlib.Path(folder)
        self.environment = {
            **os.environ, "BERTH_ROOT": f"{folder}/root", "BERTH_RUN": f"{folder}/run", "BERTH_ADDRESS_POOLS": "10.200.0.0/16:24",
        }

    def run(self, where, words):
        result = subprocess.run([self.program, *words.split()], cwd=where, env=self.environment, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"berth {words}: {result.returncode}\n{result.stderr[-2000:]}")
        return result.stdout

    @staticmethod
    def find(name):
        for entry in pathlib.Path("/proc").glob("[0-9]*/comm"):
            try:
                if entry.read_text().strip() == name:
                    return int(entry.parent.name)
            except OSError:
                continue
        sys.exit(f"{name} does not run")

    def project(self, name, services=4):
        path = self.folder / name
        path.mkdir(exist_ok=True)
        body = "".join(f"  s{number}:\n    image: bench-busybox\n    command: sleep 1d\n" for number in range(1, services + 1))
        (path / "compose.yaml").write_text("services:\n" + body)
        return path


def milliseconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK


def settled(pid):
    """The time of the processor once nothing of the operation is left to do."""
    before = milliseconds(pid)
    while True:
        time.sleep(0.2)
        now = milliseconds(pid)
        if now == before:
            return now
        before = now


def measure(berth, own):
    """Per verb: milliseconds until it answers, and of the engine's processor time."""
    pid = berth.find("berthd")
    figures = {verb: [] for verb in VERBS}
    for _ in range(ROUNDS):
        for verb in VERBS:
            work = settled(pid)
            began = time.perf_counter()
            berth.run(own, verb)
            took = (time.perf_counter() - began) * 1000
            figures[verb].append((took, settled(pid) - work))
    return {verb: tuple(sorted(column)[len(column) // 2] for column in zip(*rows)) for verb, rows in figures.items()}


def main():
    folder = tempfile.mkdtemp(prefix="berth-neighbours-")
    try:
        berth = Berth(sys.argv[1], folder)
        berth.run(folder, f"image import {busybox_archive(folder)} bench-busybox:latest")
        own = berth.project("own")
        made = 0
        results = {}
        for count in BESIDE:
            while made < count:
                size = min(4, count - made)
                berth.run(berth.project(f"other{made}", size), "up -d")
                made += size
            results[count] = measure(berth, own)
        print("| four containers | " + " | ".join(f"beside {count}: time, engine" for count in BESIDE) + " |")
        print("|---|" + "---|" * len(BESIDE))
        for verb in VERBS:
            cells = (f"{results[count][verb][0]:.0f} ms, {results[count][verb][1]:.0f} ms" for count in BESIDE)
            print(f"| `{verb}` | " + " | ".join(cells) + " |")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()

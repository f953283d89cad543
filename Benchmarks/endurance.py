"""Uses an engine for a long time and looks at what is left: memory, descriptors, threads, links, mounts, namespaces, cgroups,
rules and files, before and after. Ends with 1 when something stayed behind.

    endurance.py FOLDER_WITH_THE_PROGRAMS      (run it by endurance.sh: as root, in namespaces of its own)

PROBES, EXECS, CYCLES and KILLS say how often; the defaults take about an hour.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

PROBES = int(os.environ.get("PROBES", "10000"))
EXECS = int(os.environ.get("EXECS", "2000"))
CYCLES = int(os.environ.get("CYCLES", "200"))
KILLS = int(os.environ.get("KILLS", "100"))
PROBED = 10

BASE = "services:\n" + "".join(
    f"""  s{number}:
    image: endurance-busybox
    command: sleep 1d
    healthcheck: {{ test: [CMD, sh, -c, "echo >> /counted/s{number}"], interval: 500ms }}
    volumes: ["./counted:/counted"]
"""
    for number in range(PROBED)
)
CYCLE = """
services:
  web: { image: endurance-busybox, command: sleep 1d, ports: ["80"], volumes: ["data:/data"], depends_on: [db] }
  db: { image: endurance-busybox, command: sleep 1d }
volumes: { data: }
"""


def count(folder):
    """Files and folders below one in which some come and go meanwhile."""
    return sum(len(folders) + len(files) for _, folders, files in os.walk(folder))


class World:
    def __init__(self, programs, folder):
        self.folder = pathlib.Path(folder)
        self.root, self.run_folder = self.folder / "root", self.folder / "run"
        self.environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "BERTH_ROOT": str(self.root),
            "BERTH_RUN": str(self.run_folder),
            "BERTH_IDLE_EXIT": "0",
        }

    def berth(self, project, *arguments):
        result = subprocess.run(
            ["berth", *arguments], cwd=self.folder / project, env=self.environment, capture_output=True, text=True
        )
        if result.returncode != 0:
            sys.exit(f"berth {' '.join(arguments)}: {result.returncode}\n{result.stderr[-2000:]}")
        return result.stdout

    def write(self, project, text):
        (self.folder / project / "counted").mkdir(parents=True, exist_ok=True)
        (self.folder / project / "compose.yaml").write_text(text)

    def import_image(self):
        root = self.folder / "busybox"
        (root / "bin").mkdir(parents=True)
        shutil.copy(shutil.which("busybox"), root / "bin/busybox")
        for name in ("sh", "sleep", "true"):
            (root / "bin" / name).symlink_to("busybox")
        for name in ("dev", "etc", "proc", "sys", "tmp"):
            (root / name).mkdir()
        with tarfile.open(self.folder / "busybox.tar", "w") as archive:
            archive.add(root, arcname=".")
        self.berth(".", "image", "import", str(self.folder / "busybox.tar"), "endurance-busybox")

    def processes(self, name):
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if os.path.basename(words[0].decode(errors="replace")) == name:
                found.append(int(entry.name))
        return found

    def kill_engine(self):
        for pid in self.processes("berthd"):
            os.kill(pid, signal.SIGKILL)
        while self.processes("berthd"):
            time.sleep(0.01)

    def snapshot(self):
        things = {}
        for name in ("berthd", "berth-net"):
            # A child between its birth and its program still has its parent's name: the oldest is the one.
            for pid in sorted(self.processes(name))[:1]:
                status = dict(
                    line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                )
                things[f"{name}: memory, kB"] = int(status["VmRSS"].split()[0])
                things[f"{name}: threads"] = int(status["Threads"])
                things[f"{name}: descriptors"] = len(os.listdir(f"/proc/{pid}/fd"))
        monitors = self.processes("berth-monitor")
        things["monitors"] = len(monitors)
        things["links"] = len(os.listdir("/sys/class/net"))
        things["mounts"] = len(pathlib.Path("/proc/self/mountinfo").read_text().splitlines())
        namespaces = set()
        for entry in pathlib.Path("/proc").glob("[0-9]*/ns/*"):
            try:
                namespaces.add(os.readlink(entry))
            except OSError:
                pass
        things["namespaces"] = len(namespaces)
        ids = os.listdir(self.root / "containers")
        # Other people's cgroups come and go meanwhile: os.walk leaves out what is not there any more.
        walk = os.walk("/sys/fs/cgroup")
        things["cgroups"] = sum(len(folders) for _, folders, _ in walk if ids and ids[0] in folders)
        rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True).stdout if shutil.which("nft") else ""
        things["rules, lines"] = len(rules.splitlines())
        things["files of the run folder"] = count(self.run_folder)
        things["files of the root folder"] = sum(
            count(self.root / name) for name in ("containers", "volumes", "secrets", "spool")
        )
        return things

    def calm(self):
        """The least of several looks: a probe that is under way has a monitor, descriptors and files for its moment."""
        looks = []
        for _ in range(20):
            looks.append(self.snapshot())
            time.sleep(0.2)
        return {name: min(look[name] for look in looks if name in look) for name in looks[-1]}

    def probes(self):
        return sum(
            path.stat().st_size for path in (self.folder / "base/counted").iterdir() if path.name.startswith("s")
        )


def use(world, cycles, execs, kills, probes):
    def note(text):
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    wanted = world.probes() + probes
    for _ in range(cycles):
        world.berth("cycle", "up", "-d")
        world.berth("cycle", "down", "-v", "-t", "0")
    note(f"{cycles} up and down")
    turns = iter(range(execs))
    lock = threading.Lock()

    def run_execs():
        while True:
            with lock:
                if next(turns, None) is None:
                    return
            world.berth("base", "exec", "-T", "s0", "true")

    threads = [threading.Thread(target=run_execs) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    note(f"{execs} execs")
    for number in range(kills):
        world.kill_engine()
        world.berth("base", "ps")
        if number % 4 == 0:
            world.berth("cycle", "up", "-d")
            world.kill_engine()
            world.berth("cycle", "down", "-v", "-t", "0")
    note(f"{kills} engines killed")
    while world.probes() < wanted:
        time.sleep(1)
    note(f"{probes} probes")


def main():
    with tempfile.TemporaryDirectory(prefix="berth-endurance-", ignore_cleanup_errors=True) as folder:
        world = World(sys.argv[1], folder)
        world.write("base", BASE)
        world.write("cycle", CYCLE)
        world.import_image()
        world.berth("base", "up", "-d", "--wait")
        # What an engine needs once is not counted.
        use(world, 3, 20, 2, 100)
        time.sleep(5)
        before = world.calm()
        use(world, CYCLES, EXECS, KILLS, PROBES)
        time.sleep(5)
        after = world.calm()
        world.berth("base", "down", "-t", "0")
        world.kill_engine()
    failed = []
    print(f"| after {PROBES} probes, {EXECS} execs, {CYCLES} up and down, {KILLS} engines killed | before | after |\n|---|---|---|")
    for name in sorted({*before, *after}):
        old, new = before.get(name, 0), after.get(name, 0)
        print(f"| {name} | {old} | {new} |")
        # Heaps breathe, and a probe that is under way has files and processes of its own.
        room = 16384 if "memory" in name else 4 if "threads" in name or "descriptors" in name else 3 * PROBED
        if "links" in name or "mounts" in name or "rules" in name or "root" in name:
            room = 0
        if new > old + room:
            failed.append(name)
    if failed:
        sys.exit(f"left behind: {', '.join(failed)}")


main()

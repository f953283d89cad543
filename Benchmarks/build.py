"""Builds beside each other: berth, dockerd's BuildKit and buildah, each build a whole process. Prints a table and puts it into
docs/benchmarks.md.

usage: build.py PROGRAMS (through build.sh)

What is not installed is left out. ROUNDS (3) says how often each is measured; SCALE (1) makes the large ones smaller: 0.01 is for
trying this program, and writes nothing.
"""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = int(os.environ.get("ROUNDS", "3"))
SCALE = float(os.environ.get("SCALE", "1"))
PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs/benchmarks.md"
TITLE = "## Building images"


def must(command, folder, environment):
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout[-1000:]}{done.stderr[-2000:]}")


class Builder:
    def __init__(self, name, prefix, clear, environment):
        self.name, self.prefix, self.clear, self.environment = name, prefix, clear, {**os.environ, **environment}

    def seconds(self, folder, tag, *flags):
        began = time.perf_counter()
        must([*self.prefix, "-t", tag, *flags, "."], folder, self.environment)
        return time.perf_counter() - began

    def forget(self, folder):
        for command in self.clear:
            must(command, folder, self.environment)


def base(folder):
    root = pathlib.Path(folder, "busybox")
    (root / "bin").mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    for name in ("sh", "cat", "echo", "mkdir", "dd", "sleep", "seq", "head", "touch", "cp"):
        (root / "bin" / name).symlink_to("busybox")
    for name in ("dev", "etc", "proc", "sys", "tmp"):
        (root / name).mkdir()
    subprocess.run(["tar", "-cf", f"{folder}/base.tar", "-C", root, "."], check=True)


FIVE = """FROM bench-base
WORKDIR /app
COPY packages .
RUN cat packages > installed
COPY src src
RUN cat src/* > built
CMD ["cat", "built"]
"""


def five(folder):
    (folder / "Dockerfile").write_text(FIVE)
    (folder / "packages").write_text("a\nb\n")
    (folder / "src").mkdir()
    for number in range(50):
        (folder / "src" / f"{number}.c").write_text(f"{number}\n" * 100)


def files(folder, count):
    (folder / "Dockerfile").write_text("FROM bench-base\nCOPY many /many\n")
    for number in range(count):
        place = folder / "many" / f"{number // 100}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"file{number}").write_text(f"{number}\n" * 20)


def large(folder, size):
    (folder / "Dockerfile").write_text("FROM bench-base\nCOPY small /small\n")
    (folder / "small").write_text("x")
    with open(folder / "large", "wb") as file:
        for _ in range(max(1, size >> 20)):
            file.write(os.urandom(1 << 20))


def stages(folder):
    text = ""
    for number in range(7):
        text += f"FROM bench-base AS s{number}\nRUN sleep 0.5 && echo {number} > /made{number}\n"
    text += "FROM bench-base\n" + "".join(f"COPY --from=s{number} /made{number} /\n" for number in range(7))
    (folder / "Dockerfile").write_text(text)


def services(folder, count):
    for number in range(count):
        (folder / f"Dockerfile.{number}").write_text(
            f"FROM bench-base\nRUN sleep 1 && echo shared > /shared\nRUN echo {number} > /own\n")
    text = "services:\n" + "".join(
        f"  s{number}: {{ build: {{ context: ., dockerfile: Dockerfile.{number} }} }}\n" for number in range(count))
    (folder / "compose.yaml").write_text(text)


def layer(folder, command):
    (folder / "Dockerfile").write_text(f"FROM bench-base\nRUN {command}\n")


def together(builder, folder, count):
    """All services at once: berth as one graph, the others side by side."""
    began = time.perf_counter()
    if builder.name == "berth":
        must(["berth", "build"], folder, builder.environment)
    else:
        running = [
            subprocess.Popen([*builder.prefix, "-t", f"svc{number}", "-f", f"Dockerfile.{number}", "."], cwd=folder,
                             env=builder.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for number in range(count)]
        if any(process.wait() for process in running):
            sys.exit(f"{builder.name}: a service was not built")
    return time.perf_counter() - began


def measure(builders, work):
    rows = {}

    def note(what, builder, seconds):
        print(f"{builder.name}: {what}: {seconds:.2f} s", file=sys.stderr, flush=True)
        rows.setdefault(what, {}).setdefault(builder.name, []).append(seconds)

    def folder(name, make, *arguments):
        path = pathlib.Path(work, name)
        path.mkdir()
        make(path, *arguments)
        return path

    count, bytes_, services_ = max(10, int(10000 * SCALE)), int((2 << 30) * SCALE), max(3, int(20 * SCALE))
    small = folder("five", five)
    many = folder("many", files, count)
    big = folder("big", large, bytes_)
    graph = folder("graph", stages)
    several = folder("several", services, services_)
    one = folder("one", layer, f"dd if=/dev/urandom of=/file bs=1M count={max(1, int(200 * SCALE))}")
    pieces = max(20, int(20000 * SCALE))
    lots = folder("lots", layer, f"mkdir /d && for i in $(seq {pieces}); do head -c 10240 /bin/busybox > /d/$i; done")
    for round in range(ROUNDS):
        for builder in builders:
            builder.forget(small)
            note("five steps, nothing cached", builder, builder.seconds(small, "five"))
            note("five steps, all cached", builder, builder.seconds(small, "five"))
            (small / "src/7.c").write_text(f"{round} {builder.name} {time.time()}\n")
            note("five steps, one source changed", builder, builder.seconds(small, "five"))
            note(f"context of {count:,} files, nothing cached", builder, builder.seconds(many, "many"))
            note(f"context of {count:,} files, all cached", builder, builder.seconds(many, "many"))
            note(f"context of {bytes_ >> 20:,} MB of which one file is copied", builder, builder.seconds(big, "big"))
            note("eight stages, seven of half a second", builder, builder.seconds(graph, "graph"))
            note(f"{services_} services with one step of a second in common", builder, together(builder, several, services_))
            note("layer of 200 MB in one file", builder, builder.seconds(one, "one"))
            note(f"layer of 200 MB in {pieces:,} files", builder, builder.seconds(lots, "lots"))
    return rows


def report(rows, builders):
    names = [builder.name for builder in builders]
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for what, times in rows.items():
        cells = [f"{statistics.median(times[name]):.2f} s ({min(times[name]):.2f}–{max(times[name]):.2f})" for name in names]
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    table = "\n".join(lines)
    print(table)
    if SCALE != 1:
        return
    text = PAGE.read_text()
    section = (
        f"{TITLE}\n`Benchmarks/build.sh`: each build is a whole process; the median of {ROUNDS} rounds, the fastest and the slowest in brackets. "
        f"The builders take turns in each round.\n\n{table}\n")
    before, found, after = text.partition(TITLE + "\n")
    rest = after[after.index("\n## ") + 1:] if found and "\n## " in after else ""
    PAGE.write_text((before if found else text.rstrip("\n") + "\n\n") + section + ("\n" + rest if rest else ""))


def main():
    programs = sys.argv[1]
    work = tempfile.mkdtemp(prefix="berth-bench-build-")
    base(work)
    berth = Builder("berth", ["berth", "image", "build", "-q"], [["berth", "builder", "prune", "-af"]], {
        "PATH": f"{programs}:{os.environ['PATH']}", "BERTH_ROOT": f"{work}/root", "BERTH_RUN": f"{work}/run", "BERTH_IDLE_EXIT": "0"})
    must(["berth", "image", "import", f"{work}/base.tar", "bench-base"], work, berth.environment)
    builders, daemon = [berth], None
    if shutil.which("dockerd"):
        socket = f"{work}/docker.sock"
        daemon = subprocess.Popen(
            ["dockerd", "-H", f"unix://{socket}", "--data-root", f"{work}/docker", "--exec-root", "/run/docker"],
            stdout=open(f"{work}/dockerd.log", "w"), stderr=subprocess.STDOUT)
        while not os.path.exists(socket):
            if daemon.poll() is not None:
                sys.exit(pathlib.Path(work, "dockerd.log").read_text()[-2000:])
            time.sleep(0.05)
        docker = Builder("BuildKit", ["docker", "build", "-q"], [["docker", "builder", "prune", "-af"]],
                         {"DOCKER_HOST": f"unix://{socket}", "DOCKER_BUILDKIT": "1", "HOME": work})
        must(["docker", "import", f"{work}/base.tar", "bench-base"], work, docker.environment)
        builders.append(docker)
    if shutil.which("buildah"):
        pathlib.Path(work, "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        store = ["buildah", "--root", f"{work}/buildah", "--runroot", f"{work}/buildah-run", "--storage-driver", "overlay"]
        more = ["--isolation", "chroot", "--pull-never", "--signature-policy", f"{work}/policy.json"]
        folder = pathlib.Path(work, "buildah-base")
        folder.mkdir()
        shutil.copy(f"{work}/base.tar", folder / "base.tar")
        (folder / "Dockerfile").write_text("FROM scratch\nADD base.tar /\n")
        buildah = Builder("buildah", [*store, "build", "-q", "--layers", *more], [], {"HOME": work})
        must([*store, "build", "-q", *more, "-t", "localhost/bench-base", "."], folder, buildah.environment)
        # It has no cache beside its images: those of the last round go.
        keep = f"for i in $({' '.join(store)} images -aq); do {' '.join(store)} rmi $i || true; done 2>/dev/null; {' '.join(store)} build -q {' '.join(more)} -t localhost/bench-base {folder}"
        buildah.clear = [["sh", "-c", keep]]
        builders.append(buildah)
    try:
        report(measure(builders, work), builders)
    finally:
        subprocess.run(["berth", "engine", "stop"], env=berth.environment, capture_output=True)
        if daemon:
            daemon.terminate()
            daemon.wait()
        shutil.rmtree(work, ignore_errors=True)


main()

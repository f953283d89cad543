#!/usr/bin/env python3
"""Builds every Dockerfile of the corpus with berth and with others, and reports how far images agree.

usage: run.py PROGRAMS [-v] [--only NAME,…] [--from NUMBER] [SUBSTRING]        (run it by run.sh: as root, in namespaces of its own)

PROGRAMS is the folder of berth's programs. The others are dockerd's BuildKit and classic builder, and buildah: what of them is
not installed is left out. BuildKit is the reference. Compared are whether a file is accepted, the tree of files that the layers
make (type, mode, owner, content, links, attributes, devices) and the configuration. Cases whose title stands in differences.txt
differ on purpose; each line there gives the reason. Cases of newer.txt use what dockerd 20.10 does not know; they say what is
expected themselves.
"""
import concurrent.futures, hashlib, io, json, os, pathlib, re, shutil, subprocess, sys, tarfile, tempfile, threading, time

HERE = pathlib.Path(__file__).resolve().parent
BREAK = " ¶ "


class Case:
    def __init__(self, title, text):
        self.title, self.shell, self.flags, self.expected, self.lines, self.input = title, [], [], [], [], None
        for line in text.split("\n"):
            word, _, rest = line.partition(" ")
            if word == "@sh":
                self.shell.append(rest)
            elif word == "@flags":
                self.flags += rest.split()
            elif word in ("@is", "@absent", "@refused", "@config"):
                self.expected.append((word[1:], rest))
            else:
                self.lines.append(line)
        while self.lines and not self.lines[-1]:
            self.lines.pop()
        self.dockerfile = "\n".join(self.lines) + "\n"


def cases(name):
    """One a line, put below FROM base; `!` at the start: nothing is put above it. Then, behind `=== title`, over several lines."""
    title, text = None, []
    for line in (HERE / name).read_text().split("\n"):
        if line.startswith("=== "):
            if title:
                yield Case(title, "\n".join(text))
            title, text = line[4:].strip(), []
        elif title is not None:
            text.append(line)
        elif line and not line.startswith("# "):
            body = line[1:] if line.startswith("!") else "FROM base" + BREAK + line
            yield Case(line, body.replace(BREAK, "\n"))
    if title:
        yield Case(title, "\n".join(text))


# The context that every case begins with.
TREE = r"""
echo a > a.txt; echo b > b.txt; printf '#!/bin/sh\necho ran\n' > run.sh; chmod 755 run.sh
mkdir -p dir/sub/deep empty tree/x/y tree/z; echo one > dir/one; echo two > dir/two.txt; echo three > dir/sub/three
echo deep > dir/sub/deep/four.txt; echo h > dir/.hidden; echo y > tree/x/y/f.txt; echo z > tree/z/f.txt; echo m > tree/f.md
ln -s a.txt link; ln -s dir dlink; ln -s nowhere dangling; ln -s ../a.txt dir/up; ln -s /etc/passwd absolute
echo s > 'a b.txt'; echo q > "it's"; echo br > 'odd[1].txt'; echo star > 'st*r'
echo priv > private; chmod 600 private; cp run.sh setuid; chmod 4755 setuid; mkdir sticky; chmod 1777 sticky; chmod 2770 tree/z
echo hard > hard1; ln hard1 hard2; mkdir hards; echo both > hards/1; ln hards/1 hards/2
chown 1000:1000 b.txt; chown -R 1234:4321 dir/sub
mkdir pack; echo p > pack/p; mkdir pack/d; echo q > pack/d/q; chmod 700 pack/d; ln -s p pack/l; chown -R 7:8 pack/d
tar -cf arch.tar -C pack .; tar -czf arch.tar.gz -C pack p d; tar -cjf arch.tar.bz2 -C pack p; tar -cJf arch.tar.xz -C pack p
gzip -c a.txt > plain.gz; rm -r pack
"""
BASE = r"""
mkdir -p bin dev etc home/app proc root sys tmp var/data/old usr/local/bin opt srv
chmod 1777 tmp; cp "$BUSYBOX" bin/busybox; for n in $(bin/busybox --list); do [ $n = busybox ] || ln -s busybox bin/$n; done
printf 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:app:/home/app:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' > etc/passwd
printf 'root:x:0:\nappgroup:x:1001:\nwww:x:33:app\nnogroup:x:65534:\n' > etc/group
chown 1000:1001 home/app; echo base > srv/file; chmod 640 srv/file; chown 5:6 srv/file; echo o > var/data/old/one; echo t > var/data/two
ln -s /var/data opt/data; ln -s nowhere opt/broken; echo k > opt/keep; mkdir opt/private; chmod 700 opt/private; chown 9:9 opt/private
"""
RICH = r"""FROM base
ENV A=1 PATH=/bin:/usr/local/bin B="two words"
WORKDIR /srv
USER app
LABEL one=1 two=2
EXPOSE 80
VOLUME /vol
CMD ["from", "rich"]
ENTRYPOINT ["/bin/echo"]
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s CMD true
"""
TRIGGER = "FROM base\nONBUILD ARG T=x\nONBUILD COPY a.txt /on/\nONBUILD RUN echo $T > /on/run\nONBUILD ENV SET=1\n"


def run(command, **more):
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, **more)
    except subprocess.TimeoutExpired:
        return 124, "", "it does not end"
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def must(command, **more):
    code, out, err = run(command, **more)
    if code != 0:
        sys.exit(f"{' '.join(map(str, command))}: {code}\n{out}{err}")
    return out


# What the layers make.

def apply(layers):
    """The tree of files: path → what is there. `layers` are open files of tars, base first (image-spec, layer.md)."""
    tree = {}

    def remove(path):
        for other in [name for name in tree if name == path or name.startswith(path + "/")]:
            del tree[other]

    for layer in layers:
        fresh = set()
        with tarfile.open(fileobj=layer) as archive:
            for entry in archive:
                path = os.path.normpath("/" + entry.name).lstrip("/")
                folder, _, name = path.rpartition("/")
                if name == ".wh..wh..opq":
                    for other in [other for other in tree if other.startswith(folder + "/") and other not in fresh]:
                        del tree[other]
                    continue
                if name.startswith(".wh."):
                    remove((folder + "/" if folder else "") + name[4:])
                    continue
                path = path or "/"
                if not entry.isdir() or tree.get(path, {}).get("type") != "folder":
                    remove(path)
                fresh.add(path)
                if entry.islnk():
                    target = os.path.normpath("/" + entry.linkname).lstrip("/")
                    node = tree.get(target, {"type": "broken hard link"})
                    node["links"] = node.get("links", 1) + 1
                    tree[path] = node
                    continue
                node = {"owner": f"{entry.uid}:{entry.gid}"}
                if not entry.issym():
                    node["mode"] = oct(entry.mode & 0o7777)
                attributes = {
                    key[13:]: value for key, value in entry.pax_headers.items() if key.startswith("SCHILY.xattr.")}
                if attributes:
                    node["attributes"] = attributes
                if entry.isdir():
                    node["type"] = "folder"
                elif entry.issym():
                    node.update(type="link", to=entry.linkname)
                elif entry.isfile():
                    content = archive.extractfile(entry).read()
                    isText = len(content) < 200 and b"\x1f" not in content and b"\0" not in content
                    node.update(type="file", content=content.decode(errors="replace") if isText else hashlib.sha256(content).hexdigest()[:12])
                    node["time"] = int(entry.mtime)
                else:
                    node.update(type={b"3": "char", b"4": "block", b"6": "fifo"}.get(entry.type, "?"))
                    if entry.type in (b"3", b"4"):
                        node["device"] = f"{entry.devmajor}:{entry.devminor}"
                tree[path] = node
    if tree.get("/", {}).get("mode") in ("0o755", None):
        tree.pop("/", None)
    # What runtimes leave or not as places for their mounts.
    for path in ["dev", "proc", "sys", "run", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", "dev/console", "dev/pts", "dev/shm"]:
        if tree.get(path, {}).get("type") != "link":
            tree.pop(path, None)
    return tree


CONFIG = ["User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Healthcheck", "Volumes", "WorkingDir", "Labels", "OnBuild",
          "StopSignal", "Shell"]


def configuration(config):
    """What counts of an image's configuration; empty is as good as missing."""
    inner = config.get("config") or {}
    result = {key: inner[key] for key in CONFIG if inner.get(key)}
    for key in ("author", "os", "architecture"):
        if config.get(key):
            result[key] = config[key]
    if result.get("WorkingDir") == "/":
        del result["WorkingDir"]
    labels = {key: value for key, value in (result.pop("Labels", None) or {}).items() if not key.startswith("io.buildah")}
    if labels:
        result["Labels"] = labels
    history = config.get("history") or []
    # Not the layers: a step that changes nothing has one in some builders, an empty one, and none in others.
    result["history"] = len(history)
    return result


def opened(path, blob):
    data = (path / blob).open("rb")
    return data


class Builder:
    def __init__(self, name, work):
        self.name, self.work, self.seconds = name, work, 0.0
        # dockerd's BuildKit mixes up contexts of builds that run side by side.
        self.turn = threading.Lock()

    def image(self, case, context, tag):
        """(accepted, tree, configuration, what was said)."""
        with self.turn:
            began = time.monotonic()
            code, out, err = self.build(case, context, tag)
            self.seconds += time.monotonic() - began
        if code != 0:
            return False, {}, {}, out + err
        tree, config = self.read(tag)
        return True, tree, config, out + err

    def layout(self, folder, manifest_bytes):
        manifest = json.loads(manifest_bytes)
        blob = lambda digest: folder / digest.replace(":", "/")
        config = json.loads(blob(manifest["config"]["digest"]).read_bytes())
        layers = [blob(layer["digest"]).open("rb") for layer in manifest["layers"]]
        try:
            return apply(layers), config
        finally:
            for layer in layers:
                layer.close()


class Berth(Builder):
    def __init__(self, programs, work):
        super().__init__("berth", work)
        self.environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "BERTH_ROOT": f"{work}/root",
                            "BERTH_RUN": f"{work}/run", "BERTH_IDLE_EXIT": "0"}

    def call(self, *arguments, **more):
        return run(["berth", *arguments], env=self.environment, **more)

    def prepare(self, archive):
        must(["berth", "image", "import", archive, "base"], env=self.environment)

    def add(self, tag, dockerfile, context):
        path = self.work / f"{tag}.Dockerfile"
        path.write_text(dockerfile)
        must(["berth", "image", "build", "-q", "-t", tag, "-f", str(path), str(context)], env=self.environment)

    def build(self, case, context, tag):
        return self.call("image", "build", "--progress", "plain", "-t", tag, *case.flags, ".", cwd=context)

    def read(self, tag):
        image = json.loads(must(["berth", "image", "inspect", tag], env=self.environment))
        wanted = (image[0] if isinstance(image, list) else image)["Id"]
        blobs = next(pathlib.Path(self.work, "root").glob("**/blobs"))
        for path in sorted((blobs / "sha256").iterdir(), key=lambda path: -path.stat().st_mtime):
            if path.stat().st_size > 1 << 20:
                continue
            text = path.read_bytes()
            if text.startswith(b"{") and wanted.encode() in text:
                manifest = json.loads(text)
                if manifest.get("config", {}).get("digest") == wanted:
                    tree, config = self.layout(blobs, text)
                    return tree, config
        sys.exit(f"no manifest of {tag}")


class Docker(Builder):
    def __init__(self, work, socket, isKit):
        super().__init__("buildkit" if isKit else "classic", work)
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{socket}", "DOCKER_BUILDKIT": "1" if isKit else "0",
                            "HOME": str(work)}

    def prepare(self, archive):
        must(["docker", "import", archive, "base"], env=self.environment)

    def add(self, tag, dockerfile, context):
        path = self.work / f"{tag}.Dockerfile"
        path.write_text(dockerfile)
        must(["docker", "build", "-q", "-t", tag, "-f", str(path), str(context)], env=self.environment)

    def build(self, case, context, tag):
        more = ["--progress", "plain"] if self.name == "buildkit" else []
        return run(["docker", "build", *more, "-t", tag, *case.flags, "."], cwd=context, env=self.environment)

    def read(self, tag):
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            path = pathlib.Path(folder)
            code, _, said = run(["docker", "save", "-o", f"{folder}/image.tar", tag], env=self.environment)
            if code != 0 and "empty export" in said:  # an image without layers
                return {}, {"rootfs": {}, "config": json.loads(must(["docker", "image", "inspect", tag], env=self.environment))[0]["Config"]}
            with tarfile.open(f"{folder}/image.tar") as archive:
                archive.extractall(folder)
            manifest = json.loads((path / "manifest.json").read_text())[0]
            config = json.loads((path / manifest["Config"]).read_text())
            layers = [(path / layer).open("rb") for layer in manifest["Layers"]]
            return apply(layers), config


class Buildah(Builder):
    def __init__(self, work):
        super().__init__("buildah", work)
        self.flags = ["--root", f"{work}/buildah", "--runroot", f"{work}/buildah-run", "--storage-driver", "vfs"]
        policy = work / "policy.json"
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self.policy = ["--signature-policy", str(policy)]
        self.environment = {**os.environ, "TMPDIR": str(work), "HOME": str(work)}

    def prepare(self, archive):
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            shutil.copy(archive, f"{folder}/base.tar")
            pathlib.Path(folder, "Dockerfile").write_text("FROM scratch\nADD base.tar /\n")
            must(["buildah", *self.flags, "build", "--isolation", "chroot", *self.policy, "--format", "docker", "-t", "localhost/base", folder], env=self.environment)

    def add(self, tag, dockerfile, context):
        path = self.work / f"{tag}.Dockerfile"
        path.write_text(dockerfile)
        must(["buildah", *self.flags, "build", "--isolation", "chroot", *self.policy, "--format", "docker", "-t", f"localhost/{tag}", "-f", str(path), str(context)], env=self.environment)

    def build(self, case, context, tag):
        return run(["buildah", *self.flags, "build", "--isolation", "chroot", "--pull-never", *self.policy, "--format", "docker", "-t",
                    f"localhost/{tag}", *case.flags, "."], cwd=context, env=self.environment)

    def read(self, tag):
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            must(["buildah", *self.flags, "push", "-q", *self.policy, "--format", "v2s2", f"localhost/{tag}", f"oci:{folder}/out:x"], env=self.environment)
            out = pathlib.Path(folder, "out")
            index = json.loads((out / "index.json").read_text())
            manifest = (out / "blobs" / index["manifests"][0]["digest"].replace(":", "/")).read_bytes()
            run(["buildah", *self.flags, "rmi", f"localhost/{tag}"], env=self.environment)
            return self.layout(out / "blobs", manifest)


def context(case, work, number):
    folder = work / f"context{number}"
    must(["cp", "-a", work / "tree", folder])
    (folder / "Dockerfile").write_text(case.dockerfile)
    must(["sh", "-ec", "\n".join(case.shell)], cwd=folder)
    # BuildKit takes a file of the same size and time for the same, whichever folder it is in.
    global moment
    with moment_lock:
        moment += 1
        now = moment
    for name in ("Dockerfile", ".dockerignore", "Other"):
        if (folder / name).exists():
            os.utime(folder / name, (now, now))
    return folder


moment, moment_lock = int(time.time()), threading.Lock()


def differing(ours, theirs, isTree=True):
    lines = []
    for key in sorted(set(ours) | set(theirs)):
        left, right = ours.get(key), theirs.get(key)
        if isTree and left and right:
            # The time of what a step made itself is the time of the step.
            if abs(left.get("time", 0) - right.get("time", 0)) > 3600:
                pass
            else:
                left, right = ({k: v for k, v in side.items() if k != "time"} for side in (left, right))
        if left != right:
            lines.append(f"{key}: berth {json.dumps(left)} · other {json.dumps(right)}")
    return lines


def compare(ours, theirs, hasLayers):
    """What differs, in lines; none when the two agree."""
    if ours[0] != theirs[0]:
        said = (theirs if ours[0] else ours)[3].strip().split("\n")
        return [f"berth {'accepts' if ours[0] else 'refuses'} what the other {'accepts' if theirs[0] else 'refuses'}: {' | '.join(said[-6:])}"]
    if not ours[0]:
        return []
    left, right = configuration(ours[2]), configuration(theirs[2])
    if not theirs[2].get("rootfs", {}).get("type"):  # it could not be exported: only what `inspect` tells is known
        for key in ("os", "architecture", "history", "author"):
            left.pop(key, None), right.pop(key, None)
    if not hasLayers:  # it makes one layer of all
        left.pop("history"), right.pop("history")
    return differing(ours[1], theirs[1]) + differing(left, right, False)


def unmet(case, result):
    """Expectations that do not hold."""
    accepted, tree, config, said = result
    lines = []
    refused = [rest for word, rest in case.expected if word == "refused"]
    if refused:
        if accepted:
            return [f"it is accepted"]
        return [f"the message has no '{text}': {said[-300:]}" for text in refused if text not in said]
    if not accepted:
        return ["it is refused: " + said[-600:]]
    for word, rest in case.expected:
        if word == "absent":
            if rest in tree:
                lines.append(f"{rest} is there: {tree[rest]}")
        elif word == "is":
            # path type [mode [owner [content]]]; `-`: whatever it is.
            path, kind, *more = rest.split(" ", 4)
            node = tree.get(path, {})
            found = [node.get("type"), node.get("mode", "-")[2:], node.get("owner"),
                     (node.get("content") or node.get("to") or "").rstrip("\n").replace("\n", "\\n")]
            for want, have in zip([kind] + more, found):
                if want != "-" and want != have:
                    lines.append(f"{path}: {want} is expected, and found {node}")
                    break
        elif word == "config":
            key, _, value = rest.partition(" ")
            found = (config.get("config") or {}).get(key, config.get(key))
            if json.dumps(found, sort_keys=True) != json.dumps(json.loads(value), sort_keys=True):
                lines.append(f"{key}: {value} is expected, and found {json.dumps(found)}")
    return lines


def differences():
    reasons = {}
    for line in (HERE / "differences.txt").read_text().split("\n"):
        if " => " in line:
            title, _, reason = line.rpartition(" => ")
            reasons[title] = reason
    return reasons


def main():
    arguments = sys.argv[1:]
    verbose = "-v" in arguments
    only = None
    if "--only" in arguments:
        place = arguments.index("--only")
        only = arguments[place + 1].split(",")
        del arguments[place:place + 2]
    first = 0
    if "--from" in arguments:
        place = arguments.index("--from")
        first = int(arguments[place + 1])
        del arguments[place:place + 2]
    arguments = [word for word in arguments if word != "-v"]
    programs, wanted = arguments[0], arguments[1] if len(arguments) > 1 else ""
    work = pathlib.Path(tempfile.mkdtemp(prefix="conformance-build.", dir="/run"))
    for name, script in (("tree", TREE), ("base", BASE)):
        (work / name).mkdir()
        must(["sh", "-ec", script], cwd=work / name, env={**os.environ, "BUSYBOX": shutil.which("busybox")})
    for root, folders, files in os.walk(work / "tree"):
        for name in folders + files:
            os.utime(os.path.join(root, name), (1600000000, 1600000000), follow_symlinks=False)
    must(["tar", "--numeric-owner", "-cf", work / "base.tar", "-C", work / "base", "."])
    builders, daemon = [Berth(programs, work)], None
    if shutil.which("dockerd") and (only is None or {"buildkit", "classic"} & set(only)):
        socket = work / "docker.sock"
        daemon = subprocess.Popen(
            ["dockerd", "-H", f"unix://{socket}", "--data-root", work / "docker", "--exec-root", "/run/docker"],
            stdout=open(work / "dockerd.log", "w"), stderr=subprocess.STDOUT)
        for _ in range(600):
            if socket.exists():
                break
            time.sleep(0.05)
        else:
            sys.exit((work / "dockerd.log").read_text()[-2000:])
        builders += [Docker(work, socket, True), Docker(work, socket, False)]
    if shutil.which("buildah"):
        builders.append(Buildah(work))
    builders = [builder for builder in builders if builder.name == "berth" or only is None or builder.name in only]
    plain = work / "plain"
    plain.mkdir()
    for builder in builders:
        if builder.name != "classic":
            builder.prepare(work / "base.tar")
            for tag, text in (("rich", RICH), ("trigger", TRIGGER)):
                builder.add(tag, text, plain)
    reasons = differences()
    counts = {"the same": 0, "different on purpose": 0, "DIFFERENT": 0, "as expected": 0, "NOT AS EXPECTED": 0}
    agrees = {builder.name: [0, 0] for builder in builders[1:]}
    used, lock, output = set(), threading.Lock(), []

    def judge(item):
        number, (table, case) = item
        folder = context(case, work, number)
        try:
            here = builders if table == "cases.txt" else builders[:1]
            results = {builder.name: builder.image(case, folder, f"case{number}") for builder in here}
        finally:
            shutil.rmtree(folder)
        return case, table, results

    chosen = [(table, case) for table in ("cases.txt", "newer.txt") for case in cases(table) if wanted in case.title]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for case, table, results in pool.map(judge, list(enumerate(chosen))[first:]):
            ours = results["berth"]
            if table == "newer.txt":
                lines = unmet(case, ours)
                counts["NOT AS EXPECTED" if lines else "as expected"] += 1
                if lines:
                    print(f"NOT AS EXPECTED {case.title}", *("    " + line for line in lines), sep="\n", flush=True)
                continue
            found = {name: compare(ours, result, name != "buildah") for name, result in results.items() if name != "berth"}
            for name, lines in found.items():
                agrees[name][bool(lines)] += 1
            reference = found.get("buildkit", next(iter(found.values()), []))
            reference += unmet(case, ours) if case.expected else []
            if not reference:
                counts["the same"] += 1
            elif case.title in reasons:
                used.add(case.title)
                counts["different on purpose"] += 1
            else:
                counts["DIFFERENT"] += 1
            if reference and (case.title not in reasons or verbose):
                print(f"{'(on purpose) ' if case.title in reasons else ''}DIFFERENT {case.title}", *("    " + line for line in reference[:12]), sep="\n")
                for name, lines in found.items():
                    if name != "buildkit" and not lines:
                        print(f"    as {name}")
                sys.stdout.flush()
            elif verbose:
                for name, lines in found.items():
                    if lines:
                        print(f"{name} differs: {case.title}", *("    " + line for line in lines[:4]), sep="\n", flush=True)
    for title in sorted(set(reasons) - used):
        if not wanted and "buildkit" in agrees:
            print(f"stands in differences.txt, and does not differ: {title}")
    print(", ".join(f"{number} {what}" for what, number in counts.items() if number))
    print(f"berth: {builders[0].seconds:.0f} s")
    for builder in builders[1:]:
        same, other = agrees[builder.name]
        print(f"{builder.name}: {same} the same, {other} different, {builder.seconds:.0f} s")
    Berth.call(builders[0], "engine", "stop")
    if daemon:
        daemon.terminate()
        daemon.wait()
    shutil.rmtree(work, ignore_errors=True)
    sys.exit(1 if counts["DIFFERENT"] or counts["NOT AS EXPECTED"] else 0)


main()

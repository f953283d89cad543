#!/usr/bin/env python3
"""Runs berth's `config` and docker compose's over the same corpus and reports how far they agree.

usage: run.py BERTH DOCKER_COMPOSE [-v] [--views] [SUBSTRING]

BERTH and DOCKER_COMPOSE are commands to which `[flags] config --format F` is appended. Cases whose title stands in
differences.txt differ on purpose; each line there gives the reason, and names a view in brackets where only that differs. With --views each case is also looked at in the
other ways that `config` offers: raw, not normalised, as lists.
"""
import json, os, shutil, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))


def cases():
    """Yields (title, files, flags, flags of config, environment)."""
    for line in open(os.path.join(HERE, "attributes.txt"), encoding="utf-8"):
        line = line.rstrip("\n")
        if line.startswith("#") or not line:
            continue
        text = line[1:] if line.startswith("!") else "services:\n  a:\n    image: i\n    " + line
        yield line, {"compose.yaml": text + "\n"}, [], [], {}
    title, files, flags, config, environment, name = None, {}, [], [], {}, None
    for line in open(os.path.join(HERE, "files.txt"), encoding="utf-8"):
        if line.startswith("=== "):
            if title:
                yield title, files, flags, config, environment
            title, files, flags, config, environment, name = line[4:].strip(), {}, [], [], {}, "compose.yaml"
        elif line.startswith("+++ "):
            name = line[4:].strip()
            files.setdefault(name, "")
        elif line.startswith("@flags "):
            flags = line.split()[1:]
        elif line.startswith("@config "):
            config = line.split()[1:]
        elif line.startswith("@env "):
            key, _, value = line[5:].rstrip("\n").partition("=")
            environment[key] = value
        elif title:
            files[name] = files.get(name, "") + line
    if title:
        yield title, files, flags, config, environment


def run(command, folder, environment):
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def model(text, kind):
    """The model a text holds; the text itself where it is not valid."""
    try:
        return json.loads(text) if kind == "json" else text
    except ValueError:
        return text


def write(files, folder):
    os.mkdir(folder)
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)


def judge(case, berth, docker):
    title, files, flags, config, extra = case
    root = tempfile.mkdtemp(prefix="conformance.")
    folder = os.path.join(root, "demo")
    environment = {"PATH": os.environ["PATH"], "HOME": "/root", "PWD": folder, **extra}
    try:
        write(files, folder)
        verdict = {"title": title, "accept": True, "model": True, "bytes": True, "detail": ""}
        for kind in ("yaml", "json"):
            ours = run(berth + flags + ["config", "--format", kind] + config, folder, environment)
            theirs = run(docker + flags + ["config", "--format", kind] + config, folder, environment)
            if kind == "json" and theirs[0] != 0 and verdict["accept"] and "json" in theirs[2]:
                continue
            if (ours[0] == 0) != (theirs[0] == 0):
                verdict.update(accept=False, model=False, bytes=False)
                verdict["detail"] = f"{kind}: exit {ours[0]} against {theirs[0]}\n{ours[2]}\n-- theirs\n{theirs[2]}"
                break
            if ours[0] != 0:
                verdict["detail"] = "both refuse\n" + ours[2] + "\n-- theirs\n" + theirs[2]
                break
            if ours[1] != theirs[1]:
                verdict["bytes"] = False
                if kind == "json" and model(ours[1], kind) != model(theirs[1], kind):
                    verdict["model"] = False
                with open(os.path.join(root, "a"), "w") as a, open(os.path.join(root, "b"), "w") as b:
                    a.write(ours[1]), b.write(theirs[1])
                diff = subprocess.run(["diff", os.path.join(root, "a"), os.path.join(root, "b")], capture_output=True)
                verdict["detail"] += f"{kind}:\n" + diff.stdout.decode(errors="replace")
        return verdict
    finally:
        shutil.rmtree(root)


# What else `config` shows of each case; docker compose prints some of it in another order each time.
VIEWS = [
    "--no-interpolate", "--no-normalize", "--no-path-resolution", "--no-consistency",
    "--no-interpolate --no-normalize --no-path-resolution --format json", "--services", "--profiles", "--environment",
    "--hash *", "--variables --format json", "--volumes", "--networks", "--images", "--models",
]
UNORDERED = {"--volumes", "--networks", "--images", "--models"}


def look(job, berth, docker):
    """Whether one view of one case is the same; None where docker compose itself does not come to an end."""
    (title, files, flags, _, extra), view = job
    root = tempfile.mkdtemp(prefix="conformance.")
    folder = os.path.join(root, "demo")
    try:
        write(files, folder)
        environment = {"PATH": "/usr/bin:/bin", "HOME": "/root", "PWD": folder, **extra}
        try:
            theirs = run(docker + flags + ["config"] + view.split(), folder, environment)
        except subprocess.TimeoutExpired:
            return view, title, None, ""
        ours = run(berth + flags + ["config"] + view.split(), folder, environment)
        if (ours[0] == 0) != (theirs[0] == 0):
            return view, title, False, f"exit {ours[0]} against {theirs[0]}: {ours[2]}-- theirs\n{theirs[2]}"
        order = (lambda text: sorted(text.split("\n"))) if view in UNORDERED else (lambda text: text)
        same = ours[0] != 0 or order(ours[1]) == order(theirs[1])
        return view, title, same, f"{ours[1]}-- theirs\n{theirs[1]}"
    finally:
        shutil.rmtree(root)


def views(corpus, reasons, berth, docker, pool, verbose):
    jobs = [
        (case, view) for view in VIEWS for case in corpus
        if not case[3] and case[0] not in reasons and f"[{view}] {case[0]}" not in reasons
    ]
    agreed, seen = {}, {}
    for view, title, same, detail in pool.map(lambda job: look(job, berth, docker), jobs):
        if same is None:
            continue
        seen[view] = seen.get(view, 0) + 1
        agreed[view] = agreed.get(view, 0) + same
        if not same:
            print(f"[{view}] {title}" + (f"\n{detail}" if verbose else ""))
    for view in VIEWS:
        print(f"config {view}: {agreed.get(view, 0)} of {seen.get(view, 0)}")


def main():
    arguments = [a for a in sys.argv[1:] if a not in ("-v", "--views")]
    verbose = "-v" in sys.argv
    berth, docker = arguments[0].split(), arguments[1].split()
    wanted = arguments[2] if len(arguments) > 2 else ""
    reasons = {}
    path = os.path.join(HERE, "differences.txt")
    for line in open(path, encoding="utf-8"):
        title, _, reason = line.rstrip("\n").partition(" => ")
        reasons[title] = reason
    corpus = [case for case in cases() if wanted in case[0]]
    with ThreadPoolExecutor(3) as pool:
        verdicts = list(pool.map(lambda case: judge(case, berth, docker), corpus))
        if "--views" in sys.argv:
            views(corpus, reasons, berth, docker, pool, verbose)
    counted = [v for v in verdicts if v["title"] not in reasons]
    for verdict in counted:
        if not (verdict["accept"] and verdict["model"] and verdict["bytes"]) or verbose:
            kind = "ok" if verdict["bytes"] else "bytes" if verdict["model"] else "model" if verdict["accept"] else "accept"
            print(f"[{kind}] {verdict['title']}\n{verdict['detail']}")
    total = len(counted) or 1
    for what in ("accept", "model", "bytes"):
        good = sum(v[what] for v in counted)
        print(f"{what}: {good} of {len(counted)} ({100 * good / total:.1f} %)")
    print(f"{len(verdicts) - len(counted)} cases differ on purpose")
    sys.exit(0 if all(v["accept"] and v["model"] for v in counted) else 1)


main()

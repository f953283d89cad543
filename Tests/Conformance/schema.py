#!/usr/bin/env python3
"""Checks that everything a JSON schema of the Compose format allows is accepted by berth's `config`.

usage: schema.py BERTH SCHEMA.json [-v]

For each attribute path of the schema, and each of its forms, a small file is made that uses it: the values are made
from the schema itself, with what stands beside it where the schema asks for more. Some words mean something only the
right way round (a duration, a size, a reference); `WORDS` has them by the end of the path.
"""
import json, os, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor

# Text that a loader looks into, by the end of the path.
WORDS = {
    "interval": "1s", "timeout": "1s", "start_period": "1s", "start_interval": "1s", "delay": "1s", "monitor": "1s",
    "window": "1s", "stop_grace_period": "1s", "subnet": "10.1.0.0/16", "gateway": "10.1.0.1", "host_ip": "127.0.0.1",
    "ip_range": "10.1.1.0/24", "ipv4_address": "10.1.0.5", "mem_limit": "64m", "mem_reservation": "64m",
    "memswap_limit": "64m", "mem_swappiness": "60", "shm_size": "64m", "memory": "64m", "rate": "1m", "size": "64m",
    "restart": "always", "cpus": "0.5", "cpu_percent": "50", "cpu_count": "1", "weight": "100", "retries": "3",
    "scale": "1", "replicas": "1", "published": "8080", "soft": "1", "hard": "2", "count": "1",
    "parallelism": "1", "max_attempts": "1", "max_replicas_per_node": "1", "value": "1",
    "max_failure_ratio": "0.5", "oom_score_adj": "0", "pids_limit": "10", "cpu_shares": "1", "cpu_quota": "1",
    "cpu_period": "1", "cpu_rt_period": "1", "cpu_rt_runtime": "1", "pids": "5", "priority": "1", "gw_priority": "1",
    "context_size": "1", "pull_refresh_after": "24h", "network_mode": "host", "additional_contexts": "x=../x",
    "container_name": "cc", "format": "raw",
    "external": "true", "internal": "true", "attachable": "true", "enable_ipv4": "true", "enable_ipv6": "true",
    "attach": "true", "init": "true", "privileged": "true", "read_only": "true", "stdin_open": "true", "tty": "true",
    "oom_kill_disable": "true", "disable": "true", "nocopy": "true", "create_host_path": "true", "required": "true",
    "no_cache": "true", "pull": "true", "use_api_socket": "true", "initial_sync": "true", "per_replica": "true",
    "ports": "8080:80", "env_file": "e.env", "label_file": "e.env", "path": "e.env", "extends": "b", "service": "b",
    "volumes": "/a:/b", "devices": "/dev/null", "extra_hosts": "h=1.1.1.1", "depends_on": "b", "links": "b",
    "volumes_from": "b", "networks": "n", "secrets": "s", "configs": "c", "models": "m", "test": "CMD", "ulimits": "5",
    "include": "b.yaml", "link_local_ips": "169.254.1.1", "ssh": "default", "file": "f", "mode": "0644",
    "target": "/t", "source": "s", "device_cgroup_rules": "c 1:3 mr",
    "pull_policy": "always", "environment": "A=1", "labels": "a=b", "annotations": "a=b", "args": "a=b",
    "sysctls": "a=b", "storage_opt": "a=b",
}
# What an item of a list needs beside what the schema requires of it.
COMPANIONS = {
    "volumes": {"source": "/s", "target": "/t"}, "ports": {"target": 80}, "secrets": {"source": "s"},
    "configs": {"source": "c"}, "watch": {"target": "/t"}, "devices": {"source": "/dev/null", "target": "/dev/null"},
    "extends": {"service": "b"}, "include": {"path": "b.yaml"},
}
NAMES = {
    "services": "a", "networks": "n", "secrets": "s", "configs": "c", "volumes": "v", "models": "m", "depends_on": "b",
}
MEMBERS = ("properties", "patternProperties", "additionalProperties")


class Generator:
    def __init__(self, schema):
        self.schema = schema

    def resolve(self, node):
        while "$ref" in node:
            target = self.schema
            for part in node["$ref"].lstrip("#/").split("/"):
                target = target[part]
            node = {**target, **{k: v for k, v in node.items() if k != "$ref"}}
        return node

    def branches(self, node):
        """The forms a value may have, each of one type."""
        node = self.resolve(node)
        for key in ("oneOf", "anyOf"):
            if key in node:
                return [form for branch in node[key] for form in self.branches(branch)]
        kind = node.get("type")
        if isinstance(kind, list):
            return [{**node, "type": one} for one in kind]
        return [node]

    def value(self, node, path, depth=0):
        """One value of a form, the smallest that is complete."""
        node = self.branches(node)[0] if depth or "oneOf" in node or "anyOf" in node or "$ref" in node else node
        if "const" in node:
            return node["const"]
        if "enum" in node:
            return node["enum"][0]
        kind, name = node.get("type", "object"), path[-1] if path else ""
        if kind == "string":
            return str(self.word(path, name, kind))
        if kind in ("integer", "number"):
            text = self.word(path, name, kind)
            try:
                return float(text) if "." in text else int(text)
            except ValueError:
                return 1
        if kind == "boolean":
            return True
        if kind == "null":
            return None
        if kind == "array":
            return [self.value(node.get("items", {"type": "string"}), path, depth + 1)]
        companions = COMPANIONS.get(name, {}) if "services" in path or name == "include" else {}
        result = {k: v for k, v in companions.items() if k in node.get("properties", {})}
        for needed in node.get("required", []):
            result[needed] = self.value(node["properties"][needed], path + [needed], depth + 1)
        return result

    def word(self, path, name, kind):
        if path[-2:] == ["ports", "target"]:
            return "80"
        if path[-2:] == ["ports", "mode"] or path[-2:] == ["deploy", "mode"]:
            return "host"
        if path[-2:] == ["tmpfs", "mode"]:
            return "0644" if kind == "string" else "448"
        if path[-2:-1] == ["ulimits"]:
            return "5"
        if path[-1:] == ["restart"] and "depends_on" in path:
            return "true"
        if name == "source" and "volumes" in path:
            return "/s"
        return WORDS.get(name, "x")

    def walk(self, node, path):
        """Yields (path, value) for every form of everything below."""
        for form in self.branches(node):
            kind = form.get("type", "object")
            if kind == "array":
                for inner, value in self.walk(form.get("items", {"type": "string"}), path):
                    yield inner, [value]
                continue
            if kind != "object" or not any(form.get(key) for key in MEMBERS):
                for choice in form.get("enum", [None]):
                    yield path, choice if choice is not None else self.value(form, path)
                continue
            whole = self.value(form, path)
            for name, member in form.get("properties", {}).items():
                for inner, value in self.walk(member, path + [name]):
                    yield inner, {**whole, name: value}
            free = [v for k, v in form.get("patternProperties", {}).items() if not k.startswith("^x-")]
            if isinstance(form.get("additionalProperties"), dict):
                free.append(form["additionalProperties"])
            for member in free:
                name = NAMES.get(path[-1] if path else "", "k")
                for inner, value in self.walk(member, path + [name]):
                    yield inner, {**whole, name: value}
            if any(k.startswith("^x-") for k in form.get("patternProperties", {})):
                yield path + ["x-y"], {**whole, "x-y": 1}


def complete(file):
    """What the file needs beside the one attribute for its parts to fit each other."""
    file = json.loads(json.dumps(file))
    services = file.setdefault("services", {})
    for name in list(services):
        service = services[name]
        if isinstance(service, dict):
            if not {"build", "provider"} & set(service):
                service.setdefault("image", "i")
            for volume in service.get("volumes") or []:
                if isinstance(volume, dict) and volume.get("type") == "volume":
                    volume["source"] = "v"
            build = service.get("build")
            if isinstance(build, dict) and "dockerfile_inline" in build:
                build.pop("dockerfile", None)
    services.setdefault("b", {"image": "i", "build": "."})
    file.setdefault("networks", {}).setdefault("n", {})
    file["networks"].setdefault("k", {})
    file.setdefault("volumes", {}).setdefault("v", {})
    for key, source in (("secrets", {"file": "f"}), ("configs", {"file": "f"})):
        for name in ("s", "c", "x"):
            entry = file.setdefault(key, {}).setdefault(name, {})
            if not {"file", "environment", "content", "external"} & set(entry):
                entry.update(source)
    file.setdefault("models", {}).setdefault("m", {"model": "x"}).setdefault("model", "x")
    return file


def main():
    verbose = "-v" in sys.argv
    berth, path = [a for a in sys.argv[1:] if a != "-v"]
    schema = json.load(open(path, encoding="utf-8"))
    cases = {}
    for attribute, value in Generator(schema).walk(schema, []):
        text = json.dumps(complete(value))
        cases.setdefault(text, ".".join(attribute))
    folder = tempfile.mkdtemp(prefix="schema.")
    for name in ("e.env", "f"):
        open(os.path.join(folder, name), "w").close()
    with open(os.path.join(folder, "b.yaml"), "w") as file:
        file.write("services: {q: {image: i}}\n")

    def check(case):
        text, attribute = case
        command = [*berth.split(), "-f", "-", "config", "-q"]
        done = subprocess.run(command, cwd=folder, input=text.encode(), capture_output=True)
        errors = [line for line in done.stderr.decode().split("\n") if "error:" in line]
        return attribute, text, done.returncode, errors

    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(check, cases.items()))
    refused = [r for r in results if r[2] != 0]
    for attribute, text, _, errors in refused:
        print(f"refused: {attribute}\n  " + "\n  ".join(errors) + (f"\n  {text}" if verbose else ""))
    paths = {r[0] for r in results}
    print(f"{len(paths)} attribute paths in {len(results)} forms, {len(refused)} refused")
    sys.exit(1 if refused else 0)


main()

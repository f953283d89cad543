#!/usr/bin/env python3
"""Loading Compose files: berth, docker compose and PyYAML's C loader on the same generated files, interleaved.

usage: compose_load.py BERTH DOCKER_COMPOSE [SERVICES…]      (default: 1 20 200 1000)
Prints the median and the tenth percentile of wall time of `config -q` as a whole process, in milliseconds.
"""
import os, statistics, subprocess, sys, tempfile, time

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


def main():
    berth, docker = sys.argv[1].split(), sys.argv[2].split()
    yaml = [sys.executable, "-c", "import yaml; yaml.load(open('compose.yaml'), Loader=yaml.CSafeLoader)"]
    programs = {"berth": berth + ["config", "-q"], "docker compose": docker + ["config", "-q"], "PyYAML (C)": yaml}
    for count in [int(a) for a in sys.argv[3:]] or [1, 20, 200, 1000]:
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "compose.yaml"), "w") as file:
                file.write(text(count))
            times = {name: [] for name in programs}
            for _ in range(20):
                for name, command in programs.items():
                    start = time.perf_counter()
                    subprocess.run(command, cwd=folder, check=True, capture_output=True)
                    times[name].append((time.perf_counter() - start) * 1000)
        for name, values in times.items():
            values.sort()
            print(f"{count:6} services  {name:15} median {statistics.median(values):8.1f}  p10 {values[2]:8.1f}")


main()

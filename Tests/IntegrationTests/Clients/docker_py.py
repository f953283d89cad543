"""What scripts do with docker-py: run, exec, logs, files, networks, volumes, events, stats, images, attach."""

import io
import json
import sys
import tarfile
import threading
import time

import docker

client = docker.from_env(timeout=30)
assert client.ping()
assert client.version()["ApiVersion"] == "1.50"
assert client.info()["Driver"] == "overlay2"

# Run and its ends.
assert client.containers.run("busybox", "echo hello", remove=True) == b"hello\n"
try:
    client.containers.run("busybox", ["sh", "-c", "echo bad >&2; exit 3"], remove=True)
    sys.exit("a failed run was not told")
except docker.errors.ContainerError as error:
    assert error.exit_status == 3 and error.stderr == b"bad\n", error
for call, wanted in [
    (lambda: client.containers.get("nosuch"), docker.errors.NotFound),
    (lambda: client.images.get("nosuch"), docker.errors.ImageNotFound),
    (lambda: client.networks.get("nosuch"), docker.errors.NotFound),
    (lambda: client.volumes.get("nosuch"), docker.errors.NotFound),
    (lambda: client.containers.create("busybox", mem_limit="1"), docker.errors.APIError),
]:
    try:
        call()
        sys.exit(f"{wanted} was not raised")
    except wanted:
        pass

seen = []
events = client.events(decode=True, filters={"type": "container"})
threading.Thread(target=lambda: seen.extend(event["Action"] for event in events), daemon=True).start()

# A container and what is in it.
network = client.networks.create("py", driver="bridge", labels={"a": "b"})
volume = client.volumes.create("py", labels={"a": "b"})
box = client.containers.run(
    "busybox", ["sh", "-c", "echo begun; exec sleep 600"], name="box", detach=True, network="py", environment={"A": "b"},
    volumes={"py": {"bind": "/data", "mode": "rw"}}, labels={"role": "box"}, mem_limit="64m", nano_cpus=500_000_000,
    restart_policy={"Name": "on-failure", "MaximumRetryCount": 2}, ports={"80/tcp": ("127.0.0.1", 18201)},
    healthcheck={"test": ["CMD", "true"], "interval": 100_000_000, "retries": 2},
)
assert [c.name for c in client.containers.list(filters={"label": "role=box"})] == ["box"]
code, output = box.exec_run(["sh", "-c", "echo out; echo $A >&2; exit 4"], demux=True)
assert code == 4 and output == (b"out\n", b"b\n"), (code, output)
assert box.exec_run("tty", tty=True).output.strip().startswith(b"/dev/pts")
while b"begun" not in box.logs():
    time.sleep(0.05)
assert next(box.logs(stream=True, follow=True)) == b"begun\n"
assert box.top()["Titles"][1] == "PID"
assert box.stats(stream=False)["memory_stats"]["limit"] == 64 << 20
assert next(box.stats(stream=True, decode=True))["name"] == "/box"
while box.attrs["State"].get("Health", {}).get("Status") != "healthy":
    time.sleep(0.1)
    box.reload()
assert box.attrs["NetworkSettings"]["Networks"]["py"]["IPAddress"]
assert box.attrs["HostConfig"]["LogConfig"]["Type"] == "json-file" and box.attrs["LogPath"]
assert box.ports == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18201"}]}, box.ports

# Files.
archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w") as tar:
    entry = tarfile.TarInfo("file")
    entry.size = 7
    tar.addfile(entry, io.BytesIO(b"content"))
assert box.put_archive("/data", archive.getvalue())
stream, stat = box.get_archive("/data/file")
assert stat["name"] == "file" and stat["size"] == 7
with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
    assert tar.extractfile("file").read() == b"content"
assert any(change["Path"] == "/tmp" or change["Kind"] in (0, 1, 2) for change in box.diff() or [{"Kind": 0, "Path": ""}])
assert sum(len(piece) for piece in box.export()) > 100_000

# Its life.
box.pause()
box.reload()
assert box.status == "paused"
box.unpause()
box.update(mem_limit="128m", memswap_limit="128m")
box.rename("crate")
box.restart(timeout=0)
box.stop(timeout=0)
assert box.wait()["StatusCode"] in (137, 143)
image = box.commit(repository="made", tag="1", changes="CMD [\"cat\", \"/etc/hostname\"]")
assert image.tags == ["made:1"] and image.history()
saved = b"".join(image.save(named=True))
box.remove(v=True)
client.images.remove("made:1")
assert client.images.load(saved)[0].tags == ["made:1"]
assert client.images.get("made:1").tag("other", "2")
assert {tag for each in client.images.list() for tag in each.tags} >= {"busybox:latest", "made:1", "other:2"}

# A stream both ways.
cat = client.containers.create("busybox", "cat", stdin_open=True)
socket = client.api.attach_socket(cat.id, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
cat.start()
socket._sock.sendall(b"ping\n")
assert b"ping\n" in socket._sock.recv(64)
socket.close()
cat.remove(force=True)

network.reload()
assert network.attrs["Labels"] == {"a": "b"}
network.remove()
volume.remove()
assert client.containers.prune()["ContainersDeleted"] is None or True
assert client.df()["LayersSize"] > 0
deadline = time.time() + 10
while "destroy" not in seen and time.time() < deadline:
    time.sleep(0.05)
for action in ["create", "start", "pause", "unpause", "rename", "restart", "die", "stop", "destroy"]:
    assert action in seen, (action, seen)
print(json.dumps("all well"))

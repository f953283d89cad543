"""What test suites do with testcontainers: a container that is waited for, its port, its logs, a network; and a death in the middle."""

import os
import sys
import urllib.request

from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network
from testcontainers.core.waiting_utils import wait_for_logs

with DockerContainer("busybox").with_command("sh -c 'echo ready; echo page > /index.html; exec httpd -f -p 80 -h /'").with_exposed_ports(80) as web:
    wait_for_logs(web, "ready", timeout=20)
    url = f"http://{web.get_container_host_ip()}:{web.get_exposed_port(80)}/index.html"
    assert urllib.request.urlopen(url, timeout=10).read() == b"page\n"
    assert web.exec("cat /index.html").output == b"page\n"

with Network() as network:
    with DockerContainer("busybox").with_command("sleep 600").with_network(network).with_network_aliases("db"):
        with DockerContainer("busybox").with_command("sleep 600").with_network(network) as client:
            assert client.exec("ping -c 1 -w 5 db").exit_code == 0

# Killed like this, a test suite cleans up nothing: the reaper does.
left = DockerContainer("busybox").with_command("sleep 600").with_name("left").start()
print("all well", flush=True)
if "--die" in sys.argv:
    os.kill(os.getpid(), 9)
left.stop()

#!/usr/bin/env bash
# What scripts/test-vm.sh does inside the machine; the last line says that everything was seen.
set -euo pipefail

step() { echo "== $*"; }
# The shop's server answers one connection at a time: ask again when it was just busy.
fetch() { for _ in $(seq 30); do curl -fsS -m 5 "$1" 2>/dev/null | grep 'hello from the shop' && return 0; sleep 1; done; return 1; }

step "$(uname -sr), $(. /etc/os-release; echo "$PRETTY_NAME"), cgroups: $(stat -fc %T /sys/fs/cgroup)"
install -m 0755 /mnt/berth/bin/* /usr/local/bin/
cp -r /mnt/berth/hello /mnt/berth/shop /root/

step "by hand: hello"
berth image import --change 'CMD ["sh"]' /mnt/berth/busybox.tar busybox
cd /root/hello
berth up -d --wait
berth ps
for _ in $(seq 30); do berth logs | grep -q 'hello from' && break; sleep 1; done
berth logs | grep 'hello from'
berth exec -T hello true
berth down

step "by hand: an image of 60 layers, whose names do not fit into a page"
mkdir /root/many
echo x >/root/many/f
{ echo FROM busybox; for number in $(seq 60); do echo "COPY f /f$number"; done; } >/root/many/Dockerfile
berth image build -q -t many /root/many
[ "$(berth container run --rm many sh -c 'touch /new; ls / | grep -c ^f')" = 60 ]

step "by hand: a project of three services"
cd /root/shop
berth up -d --wait --wait-timeout 300
berth ps -a
fetch http://127.0.0.1:8080/
grep -rqs 67108864 /sys/fs/cgroup/*/*/memory.max || grep -rqs 67108864 /sys/fs/cgroup --include=memory.max
berth logs job | grep found

step "a killed engine loses nothing"
before=$(berth exec -T store cat /proc/1/stat | cut -d' ' -f22)
pkill -9 -x berthd
berth ps
after=$(berth exec -T store cat /proc/1/stat | cut -d' ' -f22)
[ "$before" = "$after" ]
berth down -v
pkill -x berthd || true

step "as a unit of systemd"
groupadd --system berth
install -m 0644 /mnt/berth/berthd.service /mnt/berth/berthd.socket /etc/systemd/system/
systemctl daemon-reload
systemctl start berthd.socket
[ "$(stat -c '%a %G' /run/berth/berthd.sock)" = '660 berth' ]
systemctl is-active berthd && exit 1
useradd --groups berth member
su member -c 'berth ls'
systemctl is-active berthd
cd /root/shop
berth up -d --wait --wait-timeout 300
fetch http://127.0.0.1:8080/
systemctl restart berthd
berth ps
berth up -d
fetch http://127.0.0.1:8080/
berth down -v
systemctl stop berthd
echo "everything was seen"

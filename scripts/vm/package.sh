#!/usr/bin/env bash
# What scripts/test-vm.sh does with the Debian package inside the machine; the last line says that everything was seen.
set -euo pipefail

trap 'echo "line $LINENO failed: $BASH_COMMAND" >&2' ERR
step() { echo "== $*"; }
process() { su member -c 'berth exec -T hello cat /proc/1/stat' | cut -d' ' -f22; }

step "installed by apt"
apt-get install -y --no-install-recommends /mnt/berth/berth.deb
getent group berth
systemctl is-active berthd.socket berthd.service
systemctl is-enabled berthd.socket berthd.service
[ "$(stat -c '%a %G' /run/berth/berthd.sock)" = '660 berth' ]
[ "$(stat -c '%a %G' /run/berth/docker.sock)" = '660 berth' ]
# A machine may leave manual pages out when it installs: the package has them.
dpkg -L berth | grep -q /usr/share/man/man1/berth-up.1.gz
for file in bash-completion/completions/berth zsh/vendor-completions/_berth fish/vendor_completions.d/berth.fish; do [ -s "/usr/share/$file" ]; done

step "used by a member of the group"
useradd --create-home --groups berth member
cp -r /mnt/berth/hello /home/member/ && chown -R member: /home/member/hello && cd /home/member/hello
berth image import --change 'CMD ["sh"]' /mnt/berth/busybox.tar busybox
su member -c 'berth up -d --wait && berth ps'
curl -fsS --unix-socket /run/berth/docker.sock http://docker/containers/json | grep -o '"/hello-hello-1"'
before=$(process)

step "the engine is started anew, and installed once more"
systemctl restart berthd
[ "$(process)" = "$before" ]
dpkg -i /mnt/berth/berth.deb
[ "$(process)" = "$before" ]

step "removed: containers go on; installed again: they are adopted"
dpkg -r berth
[ ! -e /usr/bin/berth ] && [ -d /var/lib/berth ]
! systemctl is-active berthd.service
pgrep -f 'sleep infinity'
dpkg -i /mnt/berth/berth.deb
[ "$(process)" = "$before" ]
su member -c 'berth down -v'

step "purged"
dpkg -P berth
[ ! -e /lib/systemd/system/berthd.service ] && [ ! -e /usr/lib/systemd/system/berthd.service ]

echo "the package does what it should"

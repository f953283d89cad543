#!/usr/bin/env bash
# Makes .build/berth_VERSION_ARCHITECTURE.deb out of the release build. Needs dpkg-deb; no root.
set -euo pipefail

cd "$(dirname "$0")/.."
bin=$(swift build -c release --show-bin-path)
version=$("$bin/berth" version --short)
architecture=$(dpkg --print-architecture)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
chmod 0755 "$stage"

scripts/install.sh /usr "$stage" >/dev/null
gzip -n -9 "$stage"/usr/share/man/man1/*.1
gzip -n -9 -c CHANGELOG.md >"$stage/usr/share/doc/berth/changelog.gz"
cat >"$stage/usr/share/doc/berth/copyright" <<END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: berth

Files: *
Copyright: the berth authors
License: Apache-2.0
 On Debian systems, the full text of the license is in /usr/share/common-licenses/Apache-2.0.
END

# Where Debian's zsh looks.
install -d "$stage/usr/share/zsh/vendor-completions"
mv "$stage/usr/share/zsh/site-functions/_berth" "$stage/usr/share/zsh/vendor-completions/_berth"
rmdir "$stage/usr/share/zsh/site-functions"

# The libraries that the engine itself names, by the packages that bring them here; those have their own dependencies.
libraries=$(objdump -p "$bin/berthd" | awk '/NEEDED/ { print $2 }' | while read -r name; do
    ldd "$bin/berthd" | awk -v name="$name" '$1 == name && $2 == "=>" { print $3 }'
done | xargs -n1 readlink -f | sort -u)
depends=$(for library in $libraries; do
    dpkg -S "$library" "${library#/usr}" 2>/dev/null | cut -d: -f1 || true
done | sort -u | grep -v '^libc6$\|^libgcc-s1$' | paste -sd, | sed 's/,/, /g')
install -d "$stage/DEBIAN"
cat >"$stage/DEBIAN/control" <<END
Package: berth
Version: $version
Architecture: $architecture
Maintainer: the berth maintainers <maintainers@berth.invalid>
Section: admin
Priority: optional
Depends: libc6 (>= 2.36), libgcc-s1, $depends
Recommends: nftables, iproute2, ca-certificates
Suggests: bash-completion, openssl
Installed-Size: $(du -sk "$stage/usr" | cut -f1)
Description: runs Compose projects without a daemon to look after
 berth makes a machine match a compose.yaml and keeps it so. It brings its
 own container runtime, image store, Dockerfile builder, networks, name
 service and a Docker-compatible API.
END
for script in postinst prerm postrm; do
    install -m 0755 "packaging/debian/$script" "$stage/DEBIAN/$script"
done
(cd "$stage" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$stage/DEBIAN/md5sums"
package=".build/berth_${version}_$architecture.deb"
dpkg-deb --root-owner-group --build "$stage" "$package" >/dev/null
echo "$package"

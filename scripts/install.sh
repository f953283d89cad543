#!/usr/bin/env bash
# Installs the release binaries, the systemd units, documents, manual pages and shell completions: install.sh PREFIX [DESTDIR]. No
# Swift is needed where they run.
set -euo pipefail

prefix=$1 destination=${2:-}
cd "$(dirname "$0")/.."
bin=$(swift build -c release --show-bin-path)

install -d "$destination$prefix/bin"
for program in berth berthd berth-net berth-monitor berth-runtime berth-init; do
    install -m 0755 -s "$bin/$program" "$destination$prefix/bin/$program"
done
install -d "$destination$prefix/lib/systemd/system"
for unit in berthd.service berthd.socket; do
    sed "s|%PREFIX%|$prefix|g" "packaging/$unit" >"$destination$prefix/lib/systemd/system/$unit"
    chmod 0644 "$destination$prefix/lib/systemd/system/$unit"
done
# What `berth help PAGE` prints.
install -d "$destination$prefix/share/doc/berth"
install -m 0644 docs/*.md "$destination$prefix/share/doc/berth/"

# What a shell offers while one types, and `man berth`.
share=$destination$prefix/share
install -d "$share/bash-completion/completions" "$share/zsh/site-functions" "$share/fish/vendor_completions.d"
"$bin/berth" --generate-completion-script bash >"$share/bash-completion/completions/berth"
"$bin/berth" --generate-completion-script zsh >"$share/zsh/site-functions/_berth"
"$bin/berth" --generate-completion-script fish >"$share/fish/vendor_completions.d/berth.fish"
if command -v python3 >/dev/null; then
    scripts/manpages.py "$bin/berth" "$share/man/man1"
else
    echo "no manual pages: they need python3"
fi

# Only on the machine itself, not into a package's folder.
if [ -z "$destination" ] && [ "$(id -u)" = 0 ] && ! getent group berth >/dev/null; then groupadd --system berth; fi
echo "installed to $destination$prefix/bin; the engine needs libnftables1, libsqlite3-0, libarchive13, libnettle8, libseccomp2, libcap2 and libyaml-0-2; the others need nothing"

#!/usr/bin/env bash
# Brings the example web application up, shows its page, and says how to go on. Run twice it works twice.
set -euo pipefail

cd "$(dirname "$0")/.."
bin=$(swift build -c release --show-bin-path)
if [ "$(id -u)" != 0 ]; then exec sudo "PATH=$PATH" "$0"; fi
export PATH=$bin:$PATH BERTH=$bin/berth
port=${WEB_PORT:-8080}

echo "== images, made from Debian packages (a few minutes the first time, kept afterwards)"
scripts/example-images.sh nginx redis postgres python

cd examples/webapp
echo "== berth up -d --wait"
berth up -d --wait
echo "== berth ps"
berth ps
echo "== http://127.0.0.1:$port/"
curl -fsS --retry 3 "http://127.0.0.1:$port/"
cat <<END

The application is up. To look around:
    export PATH=$bin:\$PATH; cd $PWD
    berth logs -f               what it writes
    berth exec db psql -U postgres -c 'select * from visit'
    berth up -d --scale app=3   another replica
    berth down                  take it down (-v: with its data)
END

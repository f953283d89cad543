#!/usr/bin/env bash
# Makes the images of examples/ from Debian packages and imports them, for machines that reach no registry.
# Archives are kept by package list in BERTH_IMAGE_CACHE: a second run only imports what is missing.
#   example-images.sh [busybox] [nginx] [redis] [postgres] [python] [gcc]      (default: all)
set -euo pipefail

berth=${BERTH:-berth}
cache=${BERTH_IMAGE_CACHE:-${XDG_CACHE_HOME:-/var/cache}/berth-examples}
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
mkdir -p "$cache"

here=$(cd "$(dirname "$0")" && pwd)

# A root file system of the given packages, without documentation, and of programs from scripts/images (`+NAME`); prints the
# archive's path.
debian() {
    local key archive packages=() hooks=() item
    for item in "$@"; do
        case $item in
        +*) hooks+=("--customize-hook=copy-in $here/images/${item#+} /usr/local/bin") ;;
        *) packages+=("$item") ;;
        esac
    done
    key=$(printf '%s\n' "$suite" "$@" | cat - "$here"/images/* | sha256sum | cut -c1-16)
    archive=$cache/debian-$key.tar
    if [ ! -s "$archive" ]; then
        echo "making an image of: ${packages[*]} (half a minute or so, once)" >&2
        mmdebstrap --quiet --variant=minbase --mode=root \
            --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
            --dpkgopt='path-exclude=/usr/share/locale/*' \
            --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' \
            --include="$(IFS=,; echo "${packages[*]}")" "${hooks[@]}" --format=tar "$suite" "$archive.part" >&2
        mv "$archive.part" "$archive"
    fi
    echo "$archive"
}

# A root file system of one static program.
busybox_root() {
    local archive=$cache/busybox.tar root
    if [ ! -s "$archive" ]; then
        root=$(mktemp -d)
        mkdir -p "$root"/{bin,dev,etc,home,proc,root,sys,tmp,usr/bin,usr/sbin,sbin,var}
        chmod 1777 "$root/tmp"
        cp "$(type -P busybox)" "$root/bin/busybox"
        for name in $("$root/bin/busybox" --list); do [ "$name" = busybox ] || ln -s busybox "$root/bin/$name"; done
        echo 'root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/home:/bin/false' >"$root/etc/passwd"
        echo 'root:x:0:
nogroup:x:65534:' >"$root/etc/group"
        tar -C "$root" --owner=0 --group=0 -cf "$archive.part" .
        mv "$archive.part" "$archive"
        rm -rf "$root"
    fi
    echo "$archive"
}

have() { [ "$berth" != true ] && "$berth" image inspect "$1" >/dev/null 2>&1; }

# NAME and `--change` flags of an import, then a maker of the archive and its arguments after `from`.
import() {
    local name=$1 archive changes=()
    shift
    while [ "$1" != from ]; do changes+=("$1"); shift; done
    shift
    archive=$("$@")
    "$berth" image import "${changes[@]}" "$archive" "$name" >/dev/null
    echo "imported $name"
}

make_busybox() { import busybox:latest --change 'CMD ["sh"]' from busybox_root; }

make_nginx() {
    import nginx:stable --change 'CMD ["nginx", "-g", "daemon off;"]' --change 'EXPOSE 80' --change 'STOPSIGNAL SIGQUIT' \
        from debian nginx-light curl
}

make_redis() {
    import redis:7 --change 'ENTRYPOINT ["/usr/local/bin/redis-entrypoint"]' --change 'CMD ["redis-server"]' \
        --change 'WORKDIR /data' --change 'VOLUME /data' --change 'EXPOSE 6379' from debian redis-server +redis-entrypoint
}

make_postgres() {
    import postgres:15 --change 'ENTRYPOINT ["/usr/local/bin/postgres-entrypoint"]' --change 'CMD ["postgres"]' \
        --change 'ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        --change 'ENV PGDATA=/var/lib/postgresql/data' --change 'VOLUME /var/lib/postgresql/data' --change 'EXPOSE 5432' \
        --change 'STOPSIGNAL SIGINT' from debian postgresql-15 +postgres-entrypoint
}

make_python() {
    import berth-example/python:latest --change 'CMD ["python3"]' --change 'ENV PYTHONUNBUFFERED=1' \
        from debian python3-minimal python3-psycopg2 python3-redis
}

make_gcc() { import berth-example/gcc:latest --change 'CMD ["sh"]' from debian gcc libc6-dev make; }

declare -A names=([busybox]=busybox:latest [nginx]=nginx:stable [redis]=redis:7 [postgres]=postgres:15 [python]=berth-example/python:latest [gcc]=berth-example/gcc:latest)
for image in "${@:-busybox nginx redis postgres python gcc}"; do
    for one in $image; do have "${names[$one]}" || "make_$one"; done
done

#!/bin/sh
# Run a command against a PostgreSQL server of its own: made in a temporary folder, reachable only
# through a socket there, gone afterwards. The command finds it in DATABASE_URL.
set -eu

find_bin() {
    for folder in /usr/lib/postgresql/*/bin; do
        [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && echo "$folder" && return
    done
    command -v initdb >/dev/null 2>&1 && dirname "$(command -v initdb)"
}

bin=$(find_bin || true)
if [ -z "$bin" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing PostgreSQL for the tests ..."
        export DEBIAN_FRONTEND=noninteractive
        apt-get install -y -q postgresql >/dev/null 2>&1 || { apt-get update -q && apt-get install -y -q postgresql; }
        bin=$(find_bin)
    else
        echo "The tests need PostgreSQL. Install it once: sudo apt-get install postgresql" >&2
        exit 2
    fi
fi

folder=$(mktemp -d /tmp/openitb-pg.XXXXXX)
# PostgreSQL refuses to run as root: use the account its package made.
if [ "$(id -u)" = 0 ]; then
    chown postgres "$folder"
    as() { runuser -u postgres -- "$@"; }
else
    as() { "$@"; }
fi
cleanup() {
    as "$bin/pg_ctl" -D "$folder/data" -m immediate -s stop >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap cleanup EXIT INT TERM

cd "$folder"
as "$bin/initdb" -D "$folder/data" -U openitb --auth=trust --no-sync >/dev/null
as "$bin/pg_ctl" -D "$folder/data" -s -w -l "$folder/log" \
    -o "-c listen_addresses='' -c unix_socket_directories='$folder' -c fsync=off" start
cd - >/dev/null
as "$bin/createdb" -h "$folder" -U openitb openitb

DATABASE_URL="postgres://openitb@$(echo "$folder" | sed 's,/,%2F,g')/openitb"
export DATABASE_URL
"$@"

#!/bin/sh
# Makes ./secrets (and ./secrets/demo for the demo) once, with passwords of its own. It never overwrites a file.
set -eu
cd "$(dirname "$0")/.."
umask 077
random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
keep() { [ -e "$1" ] || printf '%s' "$2" > "$1"; }
# make FOLDER KEY
make() {
    mkdir -p "$1"
    keep "$1/postgres_password.txt" "$(random)"
    keep "$1/redis_password.txt" "$(random)"
    keep "$1/database_url.txt" "postgresql://postgres:$(cat "$1/postgres_password.txt")@postgres:5432/crm"
    keep "$1/redis_url.txt" "redis://:$(cat "$1/redis_password.txt")@redis:6379/0"
    keep "$1/flower_basic_auth.txt" "ringostat:$(random)"
    keep "$1/console_basic_auth.txt" "ringostat:$(random)"
    keep "$1/grafana_password.txt" "$(random)"
    keep "$1/crm_database_url.txt" ""
    keep "$1/auth_key.txt" "$2"
    # Each container's own user must be able to read its files; the folder keeps everybody else on this machine out.
    chmod 644 "$1"/*.txt
    chmod 700 "$1"
}
make secrets ""
make secrets/demo sandbox
echo "Secrets are in ./secrets. Put your project's key into secrets/auth_key.txt."

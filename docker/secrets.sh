#!/bin/sh
# Makes ./secrets once, with passwords of its own. It never overwrites a file.
set -eu
cd "$(dirname "$0")/.."
umask 077
mkdir -p secrets
random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
keep() { [ -e "secrets/$1" ] || printf '%s' "$2" > "secrets/$1"; }
keep postgres_password.txt "$(random)"
keep redis_password.txt "$(random)"
keep database_url.txt "postgresql://postgres:$(cat secrets/postgres_password.txt)@postgres:5432/crm"
keep redis_url.txt "redis://:$(cat secrets/redis_password.txt)@redis:6379/0"
keep flower_basic_auth.txt "ringostat:$(random)"
keep auth_key.txt "sandbox"
# The containers run as a user of their own, who must be able to read them.
chmod 755 secrets
chmod 644 secrets/*.txt
echo "Secrets are in ./secrets. Put your project's key into secrets/auth_key.txt."

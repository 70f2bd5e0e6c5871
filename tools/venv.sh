#!/bin/sh
# The virtual environment of `make`, in .venv beside the Makefile.
#   venv.sh check          prints "good" if it can be used as it is
#   venv.sh make           makes it anew
#   venv.sh install FILE   installs what FILE locks, and this project
# PYTHON names the Python to make it with. Without, any that is there is good.
set -eu
VENV=.venv
NEEDED="3, 11"

version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }
# Its scripts hold its place, and its libraries are one Python's: moved, or under another Python, it is of no use.
identity() { echo "$PWD, Python $(version $VENV/bin/python)"; }
give_up() {
    echo "$*" >&2
    exit 1
}

is_good() {
    [ -e $VENV/made ] && [ ! -e $VENV/installing ] && [ "$(cat $VENV/made)" = "$(identity)" ] || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version "$PYTHON")" = "$(version $VENV/bin/python)" ]
}

is_busy() {
    [ -e $VENV/installing ] || return 1
    case "$(ps -o stat= -p "$(cat $VENV/installing)" 2>/dev/null)" in '' | Z*) return 1 ;; esac
}

make_anew() {
    if is_busy; then give_up "Another make installs into $VENV just now: try again when it has finished."; fi
    python=${PYTHON:-python3}
    has=$(version "$python") || give_up "ringostat-sync needs Python 3.11 or later, and there is no $python: install it, or name yours, as in: make up PYTHON=python3.13"
    "$python" -c "import sys; sys.exit(sys.version_info < ($NEEDED))" ||
        give_up "ringostat-sync needs Python 3.11 or later, and $python is $has: install a newer one and name it, as in: make up PYTHON=python3.13"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        give_up "$python has no venv: install it (on Debian and Ubuntu: apt install python$has-venv), and try again."
    if [ -e $VENV ]; then echo "Making $VENV anew: it was not finished, was moved, or is of another Python."; fi
    rm -rf $VENV
    trap 'rm -rf $VENV' EXIT
    trap 'exit 130' INT TERM HUP
    said=$("$python" -m venv $VENV 2>&1) || give_up "$python could not make $VENV: $said"
    identity > $VENV/made
    trap - EXIT
}

install() {
    pip="$VENV/bin/python -m pip install --quiet --disable-pip-version-check"
    echo $$ > $VENV/installing
    $pip --require-hashes -r "$1"
    $pip --no-deps --editable .
    rm $VENV/installing
}

case "$1" in
check) if is_good; then echo good; fi ;;
make) make_anew ;;
install) install "$2" ;;
esac

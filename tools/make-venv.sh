#!/bin/sh
# Make the virtual environment, with a clear word when the machine lacks what it needs.
set -eu
python=$1
venv=$2

[ -x "$venv/bin/pip" ] && exit 0

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "OpenITB needs Python 3.11 or newer; '$python' is not. Try: make run PYTHON=python3.11" >&2
    exit 2
fi
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -q && apt-get install -y -q python3-venv
    else
        echo "Python's venv module is missing. Install it once: sudo apt-get install python3-venv" >&2
        exit 2
    fi
fi
echo "Building the environment in $venv/ (once, a minute or two) ..."
exec "$python" -m venv "$venv"

#!/bin/sh
# The browser tests drive the system's Chromium; install it where we may.
set -eu
command -v chromium >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium for the browser tests ..."
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    apt-get install -y -q chromium >/dev/null 2>&1 || { apt-get update -q && apt-get install -y -q chromium; }
    exit 0
fi
echo "The browser tests need Chromium. Install it once: sudo apt-get install chromium" >&2
exit 2

# Sourced by the other scripts: a virtual environment of the checkout's own, made once.
#
#   make_environment FOLDER EXTRA...   e.g. make_environment .venv-check test
#
# Debian's python3 comes without ensurepip, so the environment is made without pip and filled by
# the system's pip.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null &&
            "$candidate" -m pip --version >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
    echo "groundwire needs Python 3.11 or newer with pip (Debian: apt install python3-pip)" >&2
    exit 1
}

make_environment() {
    local folder=$1 extras=${2:-}
    local stamp="$folder/.installed"
    if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$(sha256sum pyproject.toml)" ]; then
        return
    fi
    local python
    python=$(find_python)
    rm -rf "$folder"
    "$python" -m venv --without-pip "$folder"
    echo "installing groundwire into $folder" >&2
    "$python" -m pip --python "$folder/bin/python" install --quiet --no-warn-script-location \
        --editable ".${extras:+[$extras]}"
    sha256sum pyproject.toml >"$stamp"
}

# An environment that holds one other tool, for tests that use it as a witness.
make_witness() {
    local folder=$1 package=$2
    if [ "$(cat "$folder/.installed" 2>/dev/null)" = "$package" ]; then
        return
    fi
    local python
    python=$(find_python)
    rm -rf "$folder"
    "$python" -m venv --without-pip "$folder"
    echo "installing $package into $folder" >&2
    "$python" -m pip --python "$folder/bin/python" install --quiet --no-warn-script-location \
        "$package"
    echo "$package" >"$folder/.installed"
}

# A program of the system that a check uses; installed where that is allowed and it is missing.
need_program() {
    local command=$1
    shift
    if PATH="$PATH:/usr/sbin" command -v "$command" >/dev/null; then
        return
    fi
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get install -y -q "$@" >/dev/null 2>&1 ||
            { apt-get update -q && apt-get install -y -q "$@"; } >/dev/null 2>&1 || true
    fi
    PATH="$PATH:/usr/sbin" command -v "$command" >/dev/null ||
        echo "no $command: tests that need it will be skipped" >&2
}

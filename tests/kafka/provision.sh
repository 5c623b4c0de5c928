#!/bin/sh
# Fetches Apache Kafka 4.3.1 from Maven Central into a cache outside the checkout and prints the folder with its jars.
# Does nothing when it is there already. Installs nothing else.
set -eu

version=4.3.1
here=$(cd "$(dirname "$0")" && pwd)
cache=${TRADEWIND_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tradewind}
kafka=$cache/kafka-$version

say() { echo "kafka $version: $*" >&2; }

command -v java >/dev/null || {
    say "needs Java 17 or newer, and there is no java on the PATH (Debian: apt-get install openjdk-17-jre-headless)"
    exit 1
}

if [ ! -d "$kafka/libs" ]; then
    command -v mvn >/dev/null || {
        say "needs Maven to fetch it, and there is no mvn on the PATH (Debian: apt-get install maven)"
        exit 1
    }
    mkdir -p "$cache"
    # Several test processes may start at once: one fetches, the others wait for it.
    exec 9>"$cache/kafka-$version.lock"
    flock 9
    if [ ! -d "$kafka/libs" ]; then
        say "fetching it from Maven Central into $kafka (about 44 MB, once)"
        fetched=$(mktemp -d "$cache/kafka-$version.XXXXXX")
        trap 'rm -rf "$fetched"' EXIT
        mvn --batch-mode --quiet --file "$here/pom.xml" dependency:copy-dependencies \
            -DoutputDirectory="$fetched/libs" >&2 || {
            say "Maven could not fetch it; see its message above"
            exit 1
        }
        rm -rf "$kafka"
        mv "$fetched" "$kafka"
        say "ready"
    fi
fi

echo "$kafka/libs"

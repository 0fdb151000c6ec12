# SPDX-License-Identifier: GPL-2.0-only
# Shared by the scripts of mk/: where things are, errors, and steps with a log and progress.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$ROOT/build
LOGS=$BUILD/log
# The machine's python, not one that a version manager put first in PATH.
PATH=/usr/bin:/bin:/usr/sbin:/sbin:$PATH
# make's own variables must not reach the makes that run inside.
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES DEBUG
. "$ROOT/mk/versions.mk"

say() { printf '%s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

jobs_allowed() { nproc; }

# The user's cache folder when there is one for this project (CI makes it), else build/cache.
cache_dir() {
	local base=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}
	if [ -n "${HUGEMEM_CACHE:-}" ]; then
		echo "$HUGEMEM_CACHE"
	elif [ -d "$base/hugemem" ] || { [ "${CI:-}" = true ] && [ -d "$base" ] && [ -w "$base" ]; }; then
		echo "$base/hugemem"
	else
		echo "$BUILD/cache"
	fi
}

# need_space GIB: stop early rather than in the middle of a compile.
need_space() {
	local free
	mkdir -p "$BUILD"
	free=$(df -Pk "$BUILD" | awk 'NR == 2 { print int($4 / 1048576) }')
	[ "$free" -ge "$1" ] || die "no disk space: $1 GiB wanted under $BUILD, $free GiB free; make room or move the checkout"
}

# A miss is one run of the compiler: what the compiler says that it read takes the place of a preprocessor's run.
use_ccache() {
	export CCACHE_DIR CCACHE_DEPEND=1 CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=3G CCACHE_BASEDIR=$BUILD
	CCACHE_DIR=$(cache_dir)/ccache
	mkdir -p "$CCACHE_DIR"
}

# How far a step is: STEP_COUNT is a pattern to count in the log, STEP_TOTAL about how many there will be.
step_progress() {
	if [ -n "${STEP_COUNT:-}" ]; then
		printf '%s of about %s' "$(grep -cE "$STEP_COUNT" "$1" || true)" "$STEP_TOTAL"
	else
		tail -c 400 "$1" | tr '\r' '\n' | grep . | tail -n 1 | cut -c -60
	fi
}

step_watch() {
	local label=$1 log=$2 pid=$3 start=$SECONDS next=30
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.5
		if [ -t 2 ]; then
			printf '\r\033[K%s: %ds %s' "$label" $((SECONDS - start)) "$(step_progress "$log")" >&2
		elif [ $((SECONDS - start)) -ge "$next" ]; then
			say "$label: $((SECONDS - start)) s, $(step_progress "$log")"
			next=$((next + 30))
		fi
	done
	[ ! -t 2 ] || printf '\r\033[K' >&2
}

# step LABEL LOGNAME COMMAND...: run it with its output in a log; a failure shows the log's end, and STEP_HINT as the way out.
step() {
	local label=$1 log=$LOGS/$2.log pid rc=0 start=$SECONDS
	shift 2
	mkdir -p "$LOGS"
	[ -t 2 ] || say "$label ..."
	# A process group of its own, so that an interrupt ends all of it.
	set -m
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	set +m
	trap 'kill -TERM -- -'"$pid"' 2>/dev/null; say; exit 130' INT TERM HUP
	step_watch "$label" "$log" "$pid"
	wait "$pid" || rc=$?
	trap - INT TERM HUP
	[ "$rc" -eq 0 ] || step_failed "$label" "$log" "$rc" "$@"
	say "$label: done in $((SECONDS - start)) s"
}

step_failed() {
	local label=$1 log=$2 rc=$3
	shift 3
	say "--- errors in and end of ${log#"$ROOT"/}"
	{ head -n -15 "$log" | grep -nE 'error:|fatal|undefined reference|No space left' | head -n 5; } >&2 || true
	tail -n 15 "$log" >&2
	say "---"
	say "command: $*"
	die "$label failed (exit $rc)${STEP_HINT:+; $STEP_HINT}; the whole log is ${log#"$ROOT"/}"
}

# publish FILE [COMMAND...]: what the command prints, or else standard input, becomes FILE in one step. An interrupt or a
# command that fails leaves what was there.
publish() {
	local file=$1
	shift
	mkdir -p "$(dirname "$file")"
	"${@:-cat}" >"$file.tmp.$$" || {
		rm -f "$file.tmp.$$"
		return 1
	}
	mv "$file.tmp.$$" "$file"
}

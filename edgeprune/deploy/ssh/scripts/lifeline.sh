# Runs a program that ends when the connection does: standard input stays open as long as that.
# $1: what comes before everything that the program writes; the others: the program.
printf '%s\n' "$1"
shift
if ! command -v "$1" >/dev/null 2>&1; then
  printf 'edgeprune: no program %s\n' "$1" >&2
  exit 127
fi

# Whether all of the program ends within some tenths of a second ($1).
ends_within() {
  tries=0
  while kill -s 0 -- "-$program"; do
    [ "$tries" -lt "$1" ] || return 1
    tries=$((tries + 1))
    sleep 0.1
  done
}

# Ends the program with all that it started: asks, waits for tenths of a second ($1), and kills.
end_all() {
  until kill -s TERM -- "-$program"; do
    # It has ended; or it is only about to become the first of its group.
    kill -s 0 "$program" || return
    sleep 0.1
  done
  ends_within "$1" && return
  kill -s KILL -- "-$program"
  ends_within 10
}

exec 3<&0
setsid "$@" 3<&- </dev/null &
program=$!
{
  cat <&3
  end_all 50
} >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait "$program"
code=$?
{
  kill -s KILL "$watch"
  wait "$watch"
  end_all 5 # what it left behind
} >/dev/null 2>&1
# 255 is what ssh says of a lost connection.
[ "$code" -ne 255 ] || code=254
exit "$code"

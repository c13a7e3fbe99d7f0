# Runs a program that ends when the connection does: standard input stays open as long as that.
# $1: what comes before everything that the program writes; the others: the program.
printf '%s\n' "$1"
shift
if ! command -v "$1" >/dev/null 2>&1; then
  printf 'edgeprune: no program %s\n' "$1" >&2
  exit 127
fi
exec 3<&0
setsid "$@" 3<&- </dev/null &
program=$!
{
  cat <&3
  kill -s TERM -- "-$program"
  tries=0
  while [ "$tries" -lt 50 ] && kill -s 0 -- "-$program"; do
    sleep 0.1
    tries=$((tries + 1))
  done
  kill -s KILL -- "-$program"
} >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait "$program"
code=$?
kill -s TERM "$watch" 2>/dev/null
kill -s TERM -- "-$program" 2>/dev/null # what it started and left behind
# 255 is what ssh says of a lost connection.
[ "$code" -ne 255 ] || code=254
exit "$code"

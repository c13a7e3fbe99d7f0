# Runs a program that ends when the connection does: standard input stays open as long as that.
# $1: what comes before everything that the program writes; the others: the program.
printf '%s\n' "$1"
shift
if ! command -v "$1" >/dev/null 2>&1; then
  printf 'edgeprune: no program %s\n' "$1" >&2
  exit 127
fi

# Ends the program with all that it started: asks, waits for tenths of a second ($1), and kills.
end_all() {
  kill -s TERM -- "-$program" || return
  tries=0
  while [ "$tries" -lt "$1" ] && kill -s 0 -- "-$program"; do
    tries=$((tries + 1))
    sleep 0.1
  done
  kill -s KILL -- "-$program"
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
kill -s TERM "$watch" 2>/dev/null
end_all 5 >/dev/null 2>&1 # what it left behind
# 255 is what ssh says of a lost connection.
[ "$code" -ne 255 ] || code=254
exit "$code"

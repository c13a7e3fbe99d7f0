# Holds the folder's lock as long as the connection stands: bytes have to come.
# $1: folder; $2: who wants it; $3: seconds to wait for another holder; $4: seconds without a byte
# after which the other side counts as gone; $5: seconds that programs may take to end then.
LC_ALL=C; export LC_ALL
mkdir -p "$1" && cd "$1" || exit 73
command -v flock >/dev/null 2>&1 || { echo "edgeprune: no program flock" >&2; exit 127; }
exec 9>>lock || exit 73
if ! flock -n 9; then
  echo "busy $(head -n 1 lock)"
  [ "$3" -gt 0 ] && flock -w "$3" 9 || exit 75
fi
printf '%s\n' "$2" >lock
echo held
while :; do
  byte=$(exec 9>&-; timeout "$4" head -c 1)
  code=$?
  [ "$code" -eq 0 ] && [ -n "$byte" ] || break
done
if [ "$code" -eq 124 ]; then
  echo lost
  # The other side went without a word, and sshd may wait for it for hours: end the connection, so
  # that its programs end, and keep the lock until they have.
  above=$PPID
  while [ "${above:-0}" -gt 1 ] && read -r name <"/proc/$above/comm"; do
    case $name in sshd*) kill -s TERM "$above"; break ;; esac
    above=$(cut -d ' ' -f 4 <"/proc/$above/stat")
  done
  sleep "$5"
else
  echo released
fi
: >lock

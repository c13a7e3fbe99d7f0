# Holds the folder's lock as long as the connection stands: bytes have to come.
# $1: folder; $2: who wants it; $3: seconds to wait for another holder; $4: seconds without a byte
# after which the other side counts as gone.
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
: >lock
[ "$code" -eq 124 ] && echo lost || echo released

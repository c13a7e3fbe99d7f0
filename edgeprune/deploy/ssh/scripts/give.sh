# Sends a file, its SHA-256 and its size before it.
# $1: what comes before everything that is ours; $2: the file.
LC_ALL=C; export LC_ALL
[ -f "$2" ] || { echo "edgeprune: no file $2" >&2; exit 66; }
printf '%s\n' "$1"
sha256sum <"$2" && stat -c %s "$2" && cat "$2"

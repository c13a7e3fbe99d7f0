# Takes the rest of a file, and makes it a blob when it is whole and right.
# $1: folder; $2: SHA-256; $3: size; $4: bytes that are here already; standard input: the others.
LC_ALL=C; export LC_ALL
cd "$1/blobs" || exit 73
part=$2.part
if [ "$4" -eq 0 ]; then
  : >"$part" || exit 73
fi
if [ "$(stat -c %s "$part")" -ne "$4" ]; then
  echo moved
  exit 0
fi
if ! cat >>"$part"; then
  rm -f "$part"
  exit 74
fi
if [ "$(stat -c %s "$part")" -lt "$3" ]; then
  echo short
elif [ "$(sha256sum <"$part")" = "$2  -" ]; then
  sync "$part" 2>/dev/null || sync
  chmod 444 "$part" 2>/dev/null # which some memory cards' file systems cannot
  mv -f "$part" "$2" && echo whole
else
  rm -f "$part"
  echo differs
fi

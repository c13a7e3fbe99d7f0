# Tells the free disk, and of each file what is there already.
# $1: folder; $2: another one, or nothing, whose blobs are copied; standard input: lines of a
# SHA-256.
LC_ALL=C; export LC_ALL
mkdir -p "$1/blobs" && cd "$1/blobs" || exit 73
echo "disk $(df -Pk . | tail -n 1)"
while read -r sha; do
  if [ -n "$2" ] && [ ! -f "$sha" ] && [ -f "$2/blobs/$sha" ]; then
    cp "$2/blobs/$sha" "$sha.part" && mv -f "$sha.part" "$sha"
  fi
  if [ -f "$sha" ]; then
    if [ "$(sha256sum <"$sha")" = "$sha  -" ]; then
      echo "kept $sha"
      continue
    fi
    rm -f "$sha"
  fi
  if [ -f "$sha.part" ]; then
    echo "part $sha $(stat -c %s "$sha.part")"
  else
    echo "none $sha"
  fi
done
echo end

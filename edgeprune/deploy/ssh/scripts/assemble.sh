# Makes a folder of the blobs under their names, and lets `current` point to it in one step.
# $1: folder; $2: name of the bundle; $3: how many to keep; standard input: lines of a SHA-256 and
# a name.
LC_ALL=C; export LC_ALL
cd "$1" && mkdir -p bundles || exit 73
list=$(cat)

each() {
  while IFS=' ' read -r sha name; do
    "$1" || return 1
  done <<END
$list
END
}

same() { [ "bundles/$bundle/$name" -ef "blobs/$sha" ]; }

# Some file systems of memory cards have no links.
put() {
  case $name in */*) mkdir -p "$new/${name%/*}" || return 1 ;; esac
  ln "blobs/$sha" "$new/$name" 2>/dev/null || cp "blobs/$sha" "$new/$name"
}

# A bundle that is there is never changed: where a blob had to be sent anew, it gets a new name.
bundle=$2
again=1
while [ -e "bundles/$bundle" ] && ! each same; do
  again=$((again + 1))
  bundle=$2.$again
done
rm -rf bundles/.*.new
if [ ! -e "bundles/$bundle" ]; then
  new=bundles/.$bundle.new
  mkdir "$new" && each put && mv -T "$new" "bundles/$bundle" || { rm -rf "$new"; exit 74; }
fi
touch "bundles/$bundle"
ln -sfn "bundles/$bundle" .current.new && mv -T .current.new current || exit 74
echo "current bundles/$bundle"

# What no kept bundle needs goes. Without links nothing tells what is needed.
ls -1t bundles | tail -n "+$(($3 + 1))" | while read -r old; do
  rm -rf "bundles/$old"
done
rm -f blobs/*.part
if each same; then
  for blob in blobs/*; do
    [ "$(stat -c %h "$blob")" -gt 1 ] || rm -f "$blob"
  done
fi
exit 0

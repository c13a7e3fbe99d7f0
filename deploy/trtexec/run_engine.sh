#!/bin/sh
# Times a bundle's student with trtexec alone: sh run_engine.sh BUNDLE [MODEL] [BATCH]
# The engine is the one that the agent built; it is built now where there is none.
set -eu
bundle=${1:?which bundle?}
model=${2:-student}
batch=${3:-1}
trtexec=$(command -v trtexec || echo /usr/src/tensorrt/bin/trtexec)

python3 "$bundle/edgeprune-agent.pyz" --format text build "$bundle" --batch "$batch" >&2
engines=$(python3 "$bundle/edgeprune-agent.pyz" --format json build "$bundle" --batch "$batch")
facts=$(printf '%s\n' "$engines" | tail -n 1 | python3 -c '
import json, sys
built = json.loads(sys.stdin.read())["values"]["engines"][sys.argv[1]]
given = json.load(open(sys.argv[2] + "/manifest.json"))["input"]
print(built["path"])
print(given["name"] + ":" + "x".join(map(str, [sys.argv[3], *given["shape"]])))
print(*built["plugins"], sep="\n")
' "$model" "$bundle" "$batch")

# What runs, its input, and the plugin of a sparse network; TensorRT 8.5 has another option for it.
option=--staticPlugins
"$trtexec" --help 2>&1 | grep -q -e "$option" || option=--plugins
engine= shapes=
set --
while IFS= read -r line; do
  if [ -z "$engine" ]; then engine=$line
  elif [ -z "$shapes" ]; then shapes=$line
  elif [ -n "$line" ]; then set -- "$@" "$option=$line"
  fi
done <<END
$facts
END
exec "$trtexec" --loadEngine="$engine" --shapes="$shapes" "$@" --useCudaGraph --iterations=200

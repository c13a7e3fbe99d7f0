# Stands in for jetson_clocks: raises the lowest clocks to the highest, stores and restores them.
root=$(cd "$(dirname "$0")/.." && pwd)
cpus=$root/sys/devices/system/cpu
gpus=$root/sys/class/devfreq

put() { printf '%s\n' "$2" > "$1.new" && mv "$1.new" "$1"; }

lock() {
  for f in "$cpus"/cpu*/cpufreq; do
    put "$f/scaling_min_freq" "$(cat "$f/scaling_max_freq")"
    put "$f/scaling_cur_freq" "$(cat "$f/scaling_max_freq")"
  done
  for f in "$gpus"/*; do
    put "$f/min_freq" "$(cat "$f/max_freq")"
    put "$f/cur_freq" "$(cat "$f/max_freq")"
  done
}

clocks() { ls "$cpus"/cpu*/cpufreq/scaling_*_freq "$gpus"/*/*_freq; }

store() { clocks | while read -r f; do echo "$f:$(cat "$f")"; done > "$1"; }

restore() { while IFS=: read -r f value; do put "$f" "$value"; done < "$1"; }

case "$1" in
  "") lock ;;
  --show) clocks | while read -r f; do echo "$f: $(cat "$f")"; done ;;
  --store) store "${2:-$root/standin/clocks.store}" ;;
  --restore) restore "${2:-$root/standin/clocks.store}" ;;
  *) echo "jetson_clocks: unknown option $1" >&2; exit 1 ;;
esac

#!/bin/bash
# Trains both networks and exports them into models/. Takes hours on a CPU.
#
#   train.sh [--finetune WEIGHTS] [--data PLATES] [--minutes N] [--seed N] [--out WORK]
#
# --finetune  folder with reader.pt and detector.pt to start from
# --data      folder of real photos (a folder a set, each with labels.csv); only rows with train_ok=yes are trained on.
#             Default: ../shared/data/plates beside the repository where it is there, else none.
# --minutes   for each stage (reader, reader's last stage without label smoothing, detector); default 60
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
finetune="" data="" minutes=60 seed=1 out="$here/work"
[ -d "$root/../shared/data/plates" ] && data="$root/../shared/data/plates"
while [ $# -gt 0 ]; do
  case "$1" in
    --finetune) finetune=$2 ;;
    --data) data=$2 ;;
    --minutes) minutes=$2 ;;
    --seed) seed=$2 ;;
    --out) out=$2 ;;
    *) echo "train.sh: $1 is not known; see the head of this file" >&2; exit 2 ;;
  esac
  shift 2
done

mkdir -p "$out"
if [ ! -x "$out/venv/bin/python" ]; then
  python3 -m venv "$out/venv"
  "$out/venv/bin/pip" install --quiet -r "$here/requirements.txt"
fi
python="$out/venv/bin/python"
cd "$here"
export OMP_NUM_THREADS=1
common=(--seed "$seed" --out "$out" --data "$data" --threads "$(nproc)")
from() { if [ -n "$finetune" ]; then echo --resume "$finetune/$1"; fi; }

# shellcheck disable=SC2046
"$python" train_reader.py "${common[@]}" --minutes "$minutes" $(from reader.pt)
"$python" train_reader.py "${common[@]}" --minutes "$(( (minutes + 2) / 3 ))" --resume "$out/reader.pt" --rate 7e-4 --smoothing 0
# shellcheck disable=SC2046
"$python" train_detector.py "${common[@]}" --minutes "$minutes" $(from detector.pt)
"$python" export.py --weights "$out" --out "$root/models" --version "$(date +%Y%m%d)" --check

#!/bin/bash
# Trains the three networks and exports them into models/. Takes hours on a CPU.
#
#   train.sh [--finetune WEIGHTS] [--data PLATES] [--minutes N] [--seed N] [--out WORK]
#
# --finetune  folder with reader.pt, refiner.pt and detector.pt to start from
# --data      folder of real photos (a folder a set, each with labels.csv); only rows with train_ok=yes are trained on.
#             Default: ../shared/data/plates beside the repository where it is there, else none.
# --minutes   for each stage (reader with refiner, detector); default 90
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
finetune="" data="" minutes=90 seed=1 out="$here/work"
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
start=() start_detector=()
if [ -n "$finetune" ]; then start=(--resume "$finetune") start_detector=(--resume "$finetune/detector.pt"); fi

"$python" train_close.py "${common[@]}" --minutes "$minutes" "${start[@]}"
"$python" train_detector.py "${common[@]}" --minutes "$minutes" "${start_detector[@]}"
temperature=1.0
[ -n "$data" ] && temperature=$("$python" pipeline.py "$out" "$data" --sets vn,vn_crops --calibrate | sed -n 's/^temperature \([0-9.]*\):.*/\1/p')
"$python" export.py --weights "$out" --out "$root/models" --version "$(date +%Y%m%d)" --temperature "${temperature:-1.0}" --check

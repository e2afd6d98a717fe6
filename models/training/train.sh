#!/bin/bash
# Trains the three networks from nothing, or adapts the shipped ones to a site's own photos. The same command goes on where it was stopped.
#
#   train.sh [--seed N] [--data PLATES] [--out WORK] [--into MODELS] [--device auto|cpu|cuda] [--share X]
#   train.sh --finetune SITE [the same]        SITE: photos and labels.csv (see labels.py); starts from the models in models/
#   train.sh --smoke                           two minutes' worth: is the way from nothing to checked models whole? Its models read nothing
#
# --data    folder of real photos (a folder a set, each with labels.csv); only rows with train_ok=yes are trained on.
#           Default: ../shared/data/plates beside the repository where it is there, else none ("" says none).
# --out     checkpoints, weights and, if PYTHON is not set, the Python packages. Default: models/training/work/SEED (or .../site)
# --into    folder for the finished models. Default: models within --out; models/ itself is only written when it is named here.
# --any-fonts  train although some of the fonts (Debian packages) that plates are drawn with are missing
# --share   of the samples of a whole training (1)
# PYTHON    a Python that has the packages of requirements.txt; without it they are installed into models/training/work/venv (5 GB)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

refuse() { echo "train.sh: $*" >&2; exit 2; }
number() { [[ $2 =~ $3 ]] || refuse "$1 is '$2', not $4"; }

site="" data="-" seed=1 out="" into="" device=auto share=1 smoke="" fonts=()
while [ $# -gt 0 ]; do
  case "$1" in
    --smoke) smoke=yes; shift; continue ;;
    --any-fonts) fonts=(--any-fonts); shift; continue ;;
    --help|-h) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --finetune|--data|--seed|--out|--into|--device|--share) ;;
    *) refuse "$1 is not known; --help lists what is" ;;
  esac
  [ $# -ge 2 ] || refuse "$1 needs a value"
  case "$1" in
    --finetune) site=$2; [ -d "$site" ] || refuse "--finetune: there is no folder $site"; site=$(cd "$site" && pwd) ;;
    --data) data=$2; [ -z "$data" ] || [ -d "$data" ] || refuse "--data: there is no folder $data" ;;
    --seed) seed=$2; number --seed "$2" '^[0-9]{1,9}$' "a whole number" ;;
    --out) out=$2 ;;
    --into) into=$2 ;;
    --device) device=$2; number --device "$2" '^(auto|cpu|cuda)$' "auto, cpu or cuda" ;;
    --share) share=$2; number --share "$2" '^([0-9]+(\.[0-9]+)?|\.[0-9]+)$' "a number" ;;
  esac
  shift 2
done
[ -z "$smoke" ] || share=0.004
if [ "$data" = - ]; then
  data=""
  [ ! -d "$root/../shared/data/plates" ] || data=$(cd "$root/../shared/data/plates" && pwd)
elif [ -n "$data" ]; then
  data=$(cd "$data" && pwd)
fi
if [ -z "$out" ]; then
  out="$here/work/$seed"
  [ -z "$smoke" ] || out="$here/work/smoke"
  [ -z "$site" ] || out="$here/work/site"
fi
mkdir -p "$out" 2>/dev/null && [ -w "$out" ] || refuse "--out: $out cannot be written"
out=$(cd "$out" && pwd)
into=${into:-$out/models}
mkdir -p "$into" 2>/dev/null && [ -w "$into" ] || refuse "--into: $into cannot be written"
into=$(cd "$into" && pwd)

room() { # room FOLDER MIB WHAT
  local free
  free=$(df -Pm "$1" | awk 'NR == 2 {print $4}')
  [ "$free" -ge "$2" ] || refuse "$1 has $free MiB free, $3 need $2"
}
room "$out" 500 "checkpoints and models"
python=${PYTHON:-}
if [ -z "$python" ]; then
  python="$here/work/venv/bin/python"
  if ! "$python" -c 'import torch, onnx, cv2, PIL' 2>/dev/null; then
    mkdir -p "$here/work"
    room "$here/work" 6000 "the Python packages"
    echo "train.sh: installing $(tr '\n' ' ' <"$here/requirements.txt")into $here/work/venv"
    python3 -m venv "$here/work/venv" || refuse "python3 -m venv failed: Debian's package is python3-venv"
    "$python" -m pip install --quiet -r "$here/requirements.txt" || refuse "the Python packages could not be installed"
  fi
fi
"$python" -c 'import torch, onnx, cv2, PIL, numpy' || refuse "$python lacks packages of requirements.txt"

cd "$here"
export OMP_NUM_THREADS=1
began=$SECONDS
[ -z "$smoke" ] || fonts=(--any-fonts)
common=(--seed "$seed" --out "$out" --data "$data" --device "$device" --share "$share" "${fonts[@]}")
also_with_debians_opencv() {
  if /usr/bin/python3 -c 'import cv2' 2>/dev/null; then
    /usr/bin/python3 check.py "$into"
  else
    echo "train.sh: Debian's OpenCV was not asked: python3-opencv is not installed"
  fi
}
if [ -n "$site" ]; then
  if [ -n "$smoke" ]; then common+=(--each 2); fi
  "$python" -u finetune.py "$site" --models "$root/models" --into "$into" --version "site-$(date +%Y%m%d)" "${common[@]}"
  also_with_debians_opencv
  exit
fi
"$python" -u train.py "${common[@]}"
"$python" -u export.py --weights "$out" --out "$into" --version "$(date +%Y%m%d)"
also_with_debians_opencv
[ -z "$data" ] || [ -n "$smoke" ] || "$python" -u pipeline.py "$out" "$data" --sets vn,cn
echo "train.sh: the models are in $into after $(((SECONDS - began) / 60)) minutes (this start)"

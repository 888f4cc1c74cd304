#!/usr/bin/env bash
# Records the driver's texts of one setting in every mode, for test/view-texts.test.ts:
#   test/golden/views/linux-SERIES.txt   /proc/net/bonding/bond0, every file of sysfs of the bond and of a member, links
#
#   test/record/views.sh [SERIES...]     boots Debian's kernels (6.12 and 6.1) by scripts/guest; a minute each
set -u
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [ -z "${BONDWIRE_GUEST-}" ]; then
  [ $# -gt 0 ] || set -- 6.12 6.1
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
  for series in "$@"; do
    "$here/../../scripts/guest" --kernel "$series" --out "$out" bash "${BASH_SOURCE[0]}" || exit
    install -D -m 644 "$out/views.txt" "$here/../golden/views/linux-$series.txt"
  done
  exit
fi

# ------------------------------------------------------------------------------------------------- inside the guest
modprobe bonding max_bonds=0
for n in 0 1; do
  ip link add "eth$n" address "02:00:00:00:00:1$n" type veth peer name "p$n"
  ip link set "p$n" up
done
{
  echo "# Recorded by test/record/views.sh from the bonding driver of Linux $(uname -r) (Debian), $(date -u +%F)."
  for mode in balance-rr active-backup balance-xor broadcast 802.3ad balance-tlb balance-alb; do
    ip link add bond0 address 02:00:00:00:00:99 type bond
    cd /sys/class/net/bond0/bonding || exit 1
    echo "$mode" >mode
    echo 100 >miimon
    case $mode in
      balance-tlb) echo 0 >tlb_dynamic_lb ;;
      balance-xor) echo layer3+4 >xmit_hash_policy ;;
    esac
    ip link set bond0 up
    ip link set eth0 master bond0
    ip link set eth1 master bond0
    case $mode in
      active-backup | balance-tlb | balance-alb) echo eth0 >primary ;;
    esac
    sleep 0.5
    echo "=== $mode proc"
    cat /proc/net/bonding/bond0
    echo "=== $mode sysfs"
    for file in *; do
      [ -r "$file" ] && printf '%s:%s\n' "$file" "$(cat "$file")"
    done
    echo "=== $mode member"
    cd /sys/class/net/eth1/bonding_slave || exit 1
    for file in *; do printf '%s:%s\n' "$file" "$(cat "$file")"; done
    echo "=== $mode links"
    cd /sys/class/net || exit 1
    for link in bond0/lower_* bond0/upper_* eth?/master eth?/upper_* eth?/lower_*; do
      [ -L "$link" ] && printf '%s -> %s\n' "$link" "$(basename "$(readlink "$link")")"
    done
    cat bonding_masters
    ip link del bond0
  done
} >"$OUT/views.txt"

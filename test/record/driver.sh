#!/usr/bin/env bash
# Records what the kernel's bonding driver does, for the tests that compare Bondwire with it:
#   test/golden/proc/linux-SERIES.txt      the text of /proc/net/bonding for every setting of golden/proc/settings.txt
#   test/golden/options/linux-SERIES.tsv   what each write of golden/options/writes.txt answers, in four states
#
#   test/record/driver.sh [SERIES...]      boots Debian's kernels (6.12 and 6.1) by scripts/guest; some minutes each
set -u
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
golden=$here/../golden

if [ -z "${BONDWIRE_GUEST-}" ]; then
  [ $# -gt 0 ] || set -- 6.12 6.1
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
  for series in "$@"; do
    "$here/../../scripts/guest" --kernel "$series" --out "$out" --timeout 1800 bash "${BASH_SOURCE[0]}" || exit
    install -m 644 "$out/proc.txt" "$golden/proc/linux-$series.txt"
    install -m 644 "$out/options.tsv" "$golden/options/linux-$series.tsv"
  done
  exit
fi

# ------------------------------------------------------------------------------------------------- inside the guest
bond=/sys/class/net/bond0/bonding
text=/proc/net/bonding/bond0
modprobe bonding max_bonds=0
made_by="# Recorded by test/record/driver.sh from the bonding driver of Linux $(uname -r) (Debian), $(date -u +%F)."

fresh_members() {
  local n
  for n in 0 1 2; do
    [ ! -e "/sys/class/net/eth$n" ] || ip link del "eth$n"
    ip link add "eth$n" address "02:00:00:00:00:1$n" type veth peer name "p$n"
    ip link set "p$n" up
  done
}

# An option, written to its file in one go, with a newline where the value is empty. (printf writes line by line.)
write_option() {
  case $2 in
    *$'\n'*) printf '%s' "$2" >/run/value && cat /run/value >"$bond/$1" ;;
    *) printf '%s' "${2:-$'\n'}" >"$bond/$1" ;;
  esac
}

new_bond() {
  [ ! -e "$bond" ] || ip link del bond0
  ip link add bond0 type bond
  local word
  for word in "$@"; do write_option "${word%%=*}" "${word#*=}" || exit 1; done
}

status_of() { awk -v want="Slave Interface: $1" '$0 == want {mine = 1; next} mine && /^MII Status: / {print substr($0, 13); exit}' "$text"; }
active_is() { grep -qx "Currently Active Slave: $1" "$text"; }

# Waits up to 30 s.
wait_for() {
  local tries
  for tries in $(seq 300); do
    "$@" && return
    sleep 0.1
  done
  echo "timed out: $* (line: $line)" >&2
  cat "$text" >&2
  exit 1
}
status_is() { [ "$(status_of "$1")" = "$2" ]; }

record_proc() {
  echo "$made_by"
  local line verb rest name
  while read -r line; do
    read -r verb rest <<<"$line"
    case $verb in
      ''|'#') ;;
      new) fresh_members; new_bond $rest ;;
      set) write_option "${rest%%=*}" "${rest#*=}" || exit 1 ;;
      up|down) ip link set bond0 "$verb" ;;
      join) for name in $rest; do echo "+$name" >"$bond/slaves" || exit 1; done ;;
      leave) for name in $rest; do echo "-$name" >"$bond/slaves" || exit 1; done ;;
      cut) ip link set "p${rest#eth}" down ;;
      mend) ip link set "p${rest#eth}" up ;;
      ifdown) ip link set "$rest" down ;;
      ifup) ip link set "$rest" up ;;
      rename) ip link set "${rest% *}" name "${rest#* }" || exit 1 ;;
      until) wait_for status_is "${rest%% *}" "${rest#* }" ;;
      active) wait_for active_is "$rest" ;;
      read) echo "=== $rest"; sed "s/^\(Ethernet Channel Bonding Driver: v\).*/\1RELEASE/" "$text" ;;
      *) echo "what is: $line" >&2; exit 1 ;;
    esac
  done <"$golden/proc/settings.txt"
}

# The states in which every write is tried.
state_down() { new_bond mode=active-backup miimon=100; }
state_unwatched() { new_bond mode=active-backup; }
state_up() { state_down; ip link set bond0 up; }
state_members() {
  state_up
  ip link set eth0 down; ip link set eth1 down
  echo +eth0 >"$bond/slaves"; echo +eth1 >"$bond/slaves"
  wait_for active_is eth0
  wait_for status_is eth1 up
}

# Nothing below starts a process for a write: under emulation that takes a tenth of a second.
answer_of() {
  case $1 in
    *'Invalid argument') answer=EINVAL ;;
    *'Operation not permitted') answer=EPERM ;;
    *'Permission denied') answer=EACCES ;;
    *'Device or resource busy') answer=EBUSY ;;
    *'Directory not empty') answer=ENOTEMPTY ;;
    *'No such device') answer=ENODEV ;;
    *'Operation not supported') answer=EOPNOTSUPP ;;
    *) answer="? $1" ;;
  esac
}

record_options() {
  echo "$made_by"
  printf '# state\toption\tvalue\tanswer\treads back\n'
  local state option value line error answer now was
  for state in down unwatched up members; do
    fresh_members
    "state_$state"
    while IFS= read -r line; do
      case $line in ''|'#'*) continue ;; esac
      option=${line%% *}
      printf -v value '%b' "${line#* }"
      was='' now='' error=''
      read -r was <"$bond/$option"
      if write_option "$option" "$value" 2>/run/error; then answer=ok; else read -r error </run/error; answer_of "$error"; fi
      read -r now <"$bond/$option"
      printf '%s\t%s\t%s\t%s\t%s\n' "$state" "$option" "${line#* }" "$answer" "$now"
      [ "$answer" = ok ] || continue
      # As before: numbers and words are written back, other options need another bond.
      case $option in
        primary|active_slave|queue_id|slaves|arp_ip_target|mode) "state_$state" ;;
        *) write_option "$option" "${was%% *}" || "state_$state" ;;
      esac
    done <"$golden/options/writes.txt"
  done
}

record_proc >"$OUT/proc.txt" || exit 1
fresh_members
record_options >"$OUT/options.tsv"

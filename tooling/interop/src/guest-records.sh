# What guests write, sourced by their init: numbered records. guest-records.ts reads them; both derive a record from its
# number and its place alone.

# Sixty-three equal lines of 64 bytes, then one with their checksum: 4096 bytes.
record() {
  line=$(printf '%-63s.' "blkmig record $1 in slot $2")
  line=${line%.}'
'
  eight=$line$line$line$line$line$line$line$line
  body=$eight$eight$eight$eight$eight$eight$eight$line$line$line$line$line$line$line
  sum=$(printf %s "$body" | md5sum)
  printf '%s%-63s\n' "$body" "md5 ${sum%% *}"
}

# An older record, read from the disk itself, not from this guest's memory of it.
look_back() {
  [ $((number % 8)) = 0 ] && [ $number -le $slots ] || return 0
  old=$((number / 2))
  slot=$((old * 7919 % slots))
  dd if=/dev/vda bs=4096 skip=$slot count=1 iflag=direct of=/seen 2>/dev/null
  record $old $slot | cmp -s - /seen || echo "lost record $old"
}

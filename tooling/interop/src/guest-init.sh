#!/bin/busybox sh
# The guest's first and only program: writes numbered records to /dev/vda as long as it runs, and says on the serial
# console which ones are durable. guest-records.ts reads what is written here; both derive a record from its number alone.
/bin/busybox mkdir -p /bin /dev /proc
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
for module in $(cat /modules/order); do insmod "/modules/$module"; done
while [ ! -b /dev/vda ]; do usleep 10000; done

slots=$(($(blockdev --getsize64 /dev/vda) / 4096))

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

echo "guest is up"
number=0
while :; do
  number=$((number + 1))
  slot=$((number * 7919 % slots))
  if record $number $slot | dd of=/dev/vda bs=4096 seek=$slot iflag=fullblock conv=notrunc,fsync 2>/dev/null; then
    echo "record $number"
  else
    echo "failed record $number"
  fi
  look_back
done

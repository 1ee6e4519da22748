#!/bin/busybox sh
# The guest whose disks are copied at one moment: each record goes to /dev/vda, and when it is durable there to /dev/vdb. At no
# moment one disk is more than one record ahead, nor the second one ahead of the first.
/bin/busybox mkdir -p /bin /dev /proc
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
for module in $(cat /modules/order); do insmod "/modules/$module"; done
while [ ! -b /dev/vda ] || [ ! -b /dev/vdb ]; do usleep 10000; done
. /records.sh

slots_a=$(($(blockdev --getsize64 /dev/vda) / 4096))
slots_b=$(($(blockdev --getsize64 /dev/vdb) / 4096))

# On this disk, which has room for so many.
write_record() {
  slots=$2
  slot=$((number * 7919 % slots))
  record $number $slot >/record
  dd if=/record of=$1 bs=4096 seek=$slot conv=notrunc,fsync 2>/dev/null || echo "failed record $number"
}

echo "guest is up"
number=0
while :; do
  number=$((number + 1))
  write_record /dev/vda $slots_a
  write_record /dev/vdb $slots_b
  echo "record $number"
  slots=$slots_a
  look_back
done

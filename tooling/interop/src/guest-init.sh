#!/bin/busybox sh
# The guest's first and only program: writes numbered records to /dev/vda as long as it runs, and says on the serial
# console which ones are durable.
/bin/busybox mkdir -p /bin /dev /proc
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
for module in $(cat /modules/order); do insmod "/modules/$module"; done
while [ ! -b /dev/vda ]; do usleep 10000; done
. /records.sh

slots=$(($(blockdev --getsize64 /dev/vda) / 4096))

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

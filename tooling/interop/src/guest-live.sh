#!/bin/busybox sh
# The guest whose disks are moved while it runs: numbered records on /dev/vda, and a file system on /dev/vdb that files come
# and go in. It says on the serial console what is durable, how long that took, and at once what its kernel says of errors;
# on the second serial line it is told to stop. live-guest.ts reads and tells.
/bin/busybox mkdir -p /bin /dev /proc /fs
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
# Microseconds between two writes; without it as many are written as the processor allows.
rest=$(sed -n 's/.*blkmig\.rest=\([0-9]*\).*/\1/p' /proc/cmdline)
# A kernel that prints by itself does so in the middle of others' lines: its log is read instead, from this mark on.
dmesg -n 1
echo "disks from here" >/dev/kmsg
for module in $(cat /modules/order); do insmod "/modules/$module"; done
while [ ! -b /dev/vda ] || [ ! -b /dev/vdb ]; do usleep 10000; done
. /records.sh

# Lines are "level,number,time,flags;text", levels 0 to 3 the errors; ext4 tells of some as warnings.
tell_errors() {
  cat /dev/kmsg | {
    while read -r line && [ "${line#*;}" != "disks from here" ]; do :; done
    while read -r line; do
      case $line in
        [0-3],* | *"I/O error"* | *"EXT4-fs error"* | *"emounting filesystem read-only"*) echo "kernel: ${line#*;}" ;;
      esac
    done
  }
}

micros() {
  now=$EPOCHREALTIME
  now=${now%.*}${now#*.}
}

write_records() {
  slots=$(($(blockdev --getsize64 /dev/vda) / 4096))
  number=0
  while [ ! -e /stop ]; do
    number=$((number + 1))
    slot=$((number * 7919 % slots))
    record $number $slot >/record
    micros
    begun=$now
    if dd if=/record of=/dev/vda bs=4096 seek=$slot conv=notrunc,fsync 2>/dev/null; then
      micros
      printf 'record %s\ntook %s\n' $number $((now - begun))
    else
      echo "failed record $number"
    fi
    look_back
    [ -z "$rest" ] || usleep "$rest"
  done
}

# File N is record N, one to eight times; the newest sixteen stay. It is durable under its last name when that is said.
write_file() {
  record $1 0 >/body
  times=$(($1 % 8 + 1))
  while [ $times -gt 0 ]; do
    cat /body
    times=$((times - 1))
  done >/whole
  dd if=/whole of=/fs/new/$1 bs=4096 conv=fsync 2>/dev/null &&
    mv /fs/new/$1 /fs/old/$1 &&
    { [ $1 -le 16 ] || rm /fs/old/$(($1 - 16)); } &&
    sync -f /fs
}

# An older file, read from the disk itself, not from this guest's memory of it.
look_at_file() {
  echo 3 >/proc/sys/vm/drop_caches
  record $1 0 >/body
  dd if=/fs/old/$1 of=/seen-file bs=4096 count=1 2>/dev/null
  cmp -s /body /seen-file || echo "lost file $1"
}

write_files() {
  file=0
  while [ ! -e /stop ]; do
    file=$((file + 1))
    if write_file $file; then echo "file $file"; else echo "failed file $file"; fi
    [ $((file % 4)) = 0 ] && look_at_file $((file - 3))
    [ -z "$rest" ] || usleep "$rest"
  done
}

tell_errors &
mount -t ext4 -o errors=remount-ro,discard /dev/vdb /fs && mkdir -p /fs/new /fs/old || echo "failed to mount"
echo "guest is up"
# What is measured are the disk's stalls: the files wait for the processor, the records do not.
write_files &
files=$!
write_records &
records=$!
renice -n 10 -p $files >/dev/null
while read -r told && [ "$told" != stop ]; do :; done </dev/ttyS1
touch /stop
wait $files $records
sync
umount /fs || echo "failed to unmount"
echo "guest has stopped"
while :; do sleep 1000; done

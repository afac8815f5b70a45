#!/usr/bin/env bash
# Makes a guest of what fetch-guest.sh fetched: a UKI that boots, writes its event log and registers to the serial port, and powers off; and a
# disk image that holds it where firmware looks. Made again of the same packages, both are the same.
#
#   test/boot/make-guest.sh DIR OUTPUT
set -euo pipefail

root=$(cd "${1:?usage: make-guest.sh DIR OUTPUT}/root" && pwd -P)
output=${2:?usage: make-guest.sh DIR OUTPUT}
mkdir -p "$output/initrd"/{bin,proc,sys,dev}
cd "$output"
PATH=$PATH:/usr/sbin:/sbin

cp "$(find "$root" -path '*bin/busybox' | head -n 1)" initrd/bin/busybox
cat >initrd/init <<'INIT'
#!/bin/busybox sh
PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
busybox mount -t securityfs security /sys/kernel/security
echo "COMMAND LINE $(busybox cat /proc/cmdline)"
echo "BEGIN LOG"
busybox base64 /sys/kernel/security/tpm0/binary_bios_measurements
echo "END LOG"
for pcr in 1 2 3 4 5 6 7 9 11; do echo "PCR $pcr $(busybox cat /sys/class/tpm/tpm0/pcr-sha384/$pcr)"; done
busybox poweroff -f
INIT
chmod 755 initrd/init
find initrd -exec touch --no-dereference --date=@0 {} +
(cd initrd && find . | LC_ALL=C sort | cpio --create --format=newc --reproducible --owner=0:0 --quiet) >initrd.cpio

printf 'console=ttyS0 panic=1 quiet roothash=deadbeef' >cmdline
printf 'ID=touchstone-test\n' >osrel
kernel=$(find "$root/boot" -name 'vmlinuz-*' | sort -V | tail -n 1)
PYTHONPATH=$root/usr/lib/python3/dist-packages /usr/bin/python3 "$root/usr/lib/systemd/ukify" build --linux "$kernel" \
  --initrd initrd.cpio --cmdline @cmdline --os-release @osrel --uname "${kernel##*/vmlinuz-}" \
  --stub "$root/usr/lib/systemd/boot/efi/linuxx64.efi.stub" --output guest.efi >/dev/null

rm -f disk.img
truncate --size=48M disk.img
sfdisk --quiet disk.img <<'TABLE'
label: gpt
label-id: 11111111-2222-3333-4444-555555555555
first-lba: 34
start=2048, size=92160, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee, name="ESP"
TABLE
mkfs.vfat -i 12345678 -F 32 --offset 2048 disk.img 46080 >/dev/null 2>&1
export MTOOLS_SKIP_CHECK=1
mmd -i disk.img@@1M ::/EFI ::/EFI/BOOT
mcopy -i disk.img@@1M guest.efi ::/EFI/BOOT/BOOTX64.EFI
cp "$root/usr/share/OVMF/OVMF_CODE_4M.fd" "$root/usr/share/OVMF/OVMF_VARS_4M.fd" "$root/usr/share/ovmf/OVMF.fd" .

#!/usr/bin/env bash
# Makes a guest image out of what was fetched and built: an erofs root with the driver's modules and firmware, its dm-verity tree, and a
# UKI of Debian's kernel and systemd's stub whose command line holds the root hash. Small, and it boots nothing: there is no userland.
#
#   examples/real-release/make-image.sh DIR
#
# Everything is fixed by its inputs: made again, every file is the same.
set -euo pipefail

directory=$(cd "${1:?usage: make-image.sh DIR}" && pwd)
debian=$directory/debian
image=$directory/image
PATH=$PATH:/usr/sbin:/sbin
for tool in mkfs.erofs veritysetup objcopy; do
  command -v "$tool" >/dev/null || { echo "make-image: $tool is missing" >&2; exit 2; }
done
epoch=1767225600
uuid=11111111-2222-4333-8444-555555555555
kernel=$(find "$debian/kernel/boot" -name 'vmlinuz-*')
release=${kernel##*/vmlinuz-}

rm -rf "$image"
mkdir -p "$image/root/usr/lib/modules/$release/nvidia" "$image/root/usr/lib/firmware" "$image/root/etc"
cp "$directory"/modules/*.ko "$image/root/usr/lib/modules/$release/nvidia/"
cp -r "$(dirname "$(find "$debian/gsp-firmware" -name gsp_ga10x.bin)")" "$image/root/usr/lib/firmware/"
printf 'ID=touchstone-example\nPRETTY_NAME="Touchstone example image"\n' >"$image/root/etc/os-release"
find "$image/root" -exec touch --no-dereference --date=@$epoch {} +

mkfs.erofs -zlz4hc -T$epoch -U$uuid --all-root "$image/root.erofs" "$image/root" >/dev/null
veritysetup format --salt=- --uuid=$uuid "$image/root.erofs" "$image/root.verity" >"$image/verity.txt"
root_hash=$(sed -n 's/^Root hash:[[:space:]]*//p' "$image/verity.txt")

printf 'console=ttyS0 ro lockdown=confidentiality module.sig_enforce=1 systemd.verity_root_hash=%s' "$root_hash" >"$image/cmdline"
printf '%s' "$release" >"$image/uname"
# Without --preserve-dates objcopy would write the time of now into the image.
objcopy --preserve-dates \
  --add-section .osrel="$image/root/etc/os-release" --change-section-vma .osrel=0x20000 \
  --add-section .cmdline="$image/cmdline" --change-section-vma .cmdline=0x30000 \
  --add-section .uname="$image/uname" --change-section-vma .uname=0x40000 \
  --add-section .linux="$kernel" --change-section-vma .linux=0x2000000 \
  "$(find "$debian/stub" -name linuxx64.efi.stub)" "$image/guest.efi"
# Signing tools pad an image to 8 bytes, and would change the digest of one that is not.
truncate --size=%8 "$image/guest.efi"
rm -r "$image/root"

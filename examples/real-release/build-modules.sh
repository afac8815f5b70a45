#!/usr/bin/env bash
# Builds NVIDIA's open kernel modules for the fetched kernel, from Debian's source and headers. Nothing is installed.
#
#   examples/real-release/build-modules.sh DIR        DIR as fetch-debian.sh left it, in DIR/debian
#
# Leaves DIR/modules/*.ko and DIR/nvidia-patches, the patches that the build needed. Built once: run again, it does nothing.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
directory=$(cd "${1:?usage: build-modules.sh DIR}" && pwd)
debian=$directory/debian
[ -e "$directory/modules/.complete" ] && exit 0
for tool in gcc make patch strip; do
  command -v "$tool" >/dev/null || { echo "build-modules: $tool is missing" >&2; exit 2; }
done

headers=$directory/kernel-headers
work=$directory/module-build
rm -rf "$headers" "$work" "$directory/modules" "$directory/nvidia-patches"
mkdir -p "$headers" "$directory/nvidia-patches"
for package in "$debian"/packages/linux-headers-*.deb "$debian"/packages/linux-kbuild-*.deb; do
  dpkg-deb --extract "$package" "$headers"
done
output=$(find "$headers/usr/src" -maxdepth 1 -name 'linux-headers-*-amd64')
source=$(find "$headers/usr/src" -maxdepth 1 -name 'linux-headers-*-common')
# Debian's own names the folder that it would be installed in.
printf 'include %s/Makefile\n' "$source" >"$output/Makefile"

cp -r "$(dirname "$(find "$debian/nvidia-tree" -name conftest.sh | head -n 1)")" "$work"
# Linux 6.1.187 gave pci_resize_resource a parameter that this version of the driver does not know.
: >"$directory/nvidia-patches/series"
if grep -q 'pci_resize_resource(struct pci_dev \*dev, int i, int size,' "$source/include/linux/pci.h"; then
  cp "$here/nvidia-patches/pci-resize.patch" "$directory/nvidia-patches/"
  printf 'pci-resize.patch\n' >"$directory/nvidia-patches/series"
  patch -d "$work" -p1 <"$directory/nvidia-patches/pci-resize.patch"
fi

# A build that is the same wherever and whenever it runs, as far as NVIDIA's makefiles allow.
make -C "$work" modules -j"$(nproc)" SYSSRC="$source" SYSOUT="$output" NV_SPECTRE_V2=0 \
  KBUILD_BUILD_TIMESTAMP=@1767225600 KBUILD_BUILD_USER=builder KBUILD_BUILD_HOST=builder \
  KCFLAGS="-ffile-prefix-map=$work/= -ffile-prefix-map=$headers/=" >"$directory/module-build.log" 2>&1 ||
  { tail -n 40 "$directory/module-build.log" >&2; exit 1; }
mkdir "$directory/modules"
find "$work" -maxdepth 1 -name '*.ko' -exec cp {} "$directory/modules/" \;
strip --strip-debug "$directory"/modules/*.ko
ls "$directory"/modules/*.ko >/dev/null
touch "$directory/modules/.complete"
rm -rf "$work" "$headers"

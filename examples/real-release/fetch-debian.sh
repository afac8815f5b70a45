#!/usr/bin/env bash
# Fetches the real artefacts that the examples describe, from Debian's archive, through apt and its signatures:
# the kernel image package, the kernel's source package and its headers, NVIDIA's open kernel module source, the GSP firmware,
# the virtual firmware (OVMF) and the UEFI stub of systemd.
#
#   examples/real-release/fetch-debian.sh DIR [SUITE]        SUITE is trixie unless given
#
# Run again, it fetches only what is missing or does not match apt's digests. Nothing outside DIR is written, the
# host's own package lists are neither read nor changed, and nothing is installed. Needs apt-get, dpkg-deb, dpkg-source, xz.
set -euo pipefail

directory=${1:?usage: fetch-debian.sh DIR [SUITE]}
suite=${2:-trixie}
# The archives that this machine's apt is set up with: each serves every suite. Elsewhere, name them.
configured() { apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m 1 "/$1/\$" || true; }
mirror=${DEBIAN_MIRROR:-$(configured debian)}
security_mirror=${DEBIAN_SECURITY_MIRROR:-$(configured debian-security)}
keyring=${DEBIAN_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}

for tool in apt-get apt-cache dpkg-deb dpkg-source xz; do
  command -v "$tool" >/dev/null || { echo "fetch-debian: $tool is missing" >&2; exit 2; }
done
[ -n "$mirror" ] && [ -n "$security_mirror" ] ||
  { echo "fetch-debian: name Debian's archives in DEBIAN_MIRROR and DEBIAN_SECURITY_MIRROR" >&2; exit 2; }
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
state=$directory/.apt
mkdir -p "$state"/{sources,lists/partial,archives/partial,preferences}
touch "$state/status"
stanza() { # URI SUITE
  printf 'Types: deb deb-src\nURIs: %s\nSuites: %s\nComponents: main contrib non-free non-free-firmware\n' "$1" "$2"
  printf 'Architectures: amd64\nSigned-By: %s\n\n' "$keyring"
}
{ stanza "$mirror" "$suite"; stanza "$security_mirror" "$suite-security"; } >"$state/sources/debian.sources"

# A whole apt of its own: private sources, lists and cache; an empty dpkg status, so the host's packages play no part.
apt_options=(
  -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$state/sources"
  -o Dir::Etc::PreferencesParts="$state/preferences" -o Dir::Etc::Preferences=/dev/null
  -o "Dir::State=$state" -o "Dir::State::Lists=$state/lists" -o "Dir::State::status=$state/status"
  -o "Dir::Cache=$state" -o "Dir::Cache::Archives=$state/archives"
  -o APT::Architecture=amd64 -o APT::Architectures::=amd64 -o APT::Get::List-Cleanup=false
  -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3 -q
)

apt-get "${apt_options[@]}" update

# apt-get download and source check every file against the signed index, and leave a file alone that already matches.
field() { apt-cache "${apt_options[@]}" show --no-all-versions "$1" | sed -n "s/^$2: //p" | head -n 1; }
kernels() {
  apt-cache "${apt_options[@]}" pkgnames linux-image- | grep -E '^linux-image-[0-9][0-9.]*(-[0-9]+|\+deb[0-9.]*)-amd64$' | sort -rV
}
headers() { # PACKAGE: what modules for that kernel are built with
  local name=${1/image/headers}
  field "$name" Depends | tr ',' '\n' | sed -n 's/^ *\(linux-headers-[^ ]*-common\|linux-kbuild-[^ ]*\).*/\1/p'
  printf '%s\n' "$name"
}
fetch_kernel() { # PACKAGE: the image and the very source it was built from
  local version
  version=$(field "$1" Version)
  (cd "$directory/kernel-source" && apt-get "${apt_options[@]}" source --download-only --only-source "linux=$version") &&
    (cd "$directory/packages" && apt-get "${apt_options[@]}" download "$1" $(headers "$1"))
}

# A mirror can list a kernel whose source it does not hold (yet): the newest that comes whole is taken.
mkdir -p "$directory/packages" "$directory/kernel-source"
# The one that was taken stays the one, so that a folder never holds two.
kernel=
for candidate in $(cat "$state/kernel" 2>/dev/null) $(kernels); do
  if fetch_kernel "$candidate"; then kernel=$candidate; break; fi
  echo "fetch-debian: $candidate is not complete on this mirror, trying the one before" >&2
  rm -f "$directory"/kernel-source/linux_*
done
[ -n "$kernel" ] || { echo "fetch-debian: no kernel of $suite could be fetched with its source" >&2; exit 1; }
printf '%s\n' "$kernel" >"$state/kernel"
# The firmware must be of the driver's version: an archive can hold newer ones for other drivers.
driver=$(field nvidia-open-kernel-source Version)
firmware=$(apt-cache "${apt_options[@]}" madison firmware-nvidia-gsp | tr -d ' ' | cut -d '|' -f 2 | grep "^${driver%-*}-" | head -n 1)
[ -n "$firmware" ] || { echo "fetch-debian: no GSP firmware for driver $driver" >&2; exit 1; }
(cd "$directory/packages" && apt-get "${apt_options[@]}" download \
  nvidia-open-kernel-source "firmware-nvidia-gsp=$firmware" ovmf systemd-boot-efi)
find "$directory/packages" -name 'firmware-nvidia-gsp_*' ! -name "*_${firmware//:/%3a}_*" -delete

# Unpacked afresh when missing: what the describes read.
unpack() { # PACKAGE-PATTERN FOLDER
  local package
  package=$(find "$directory/packages" -name "$1_*.deb" | sort -V | tail -n 1)
  [ -n "$package" ] || { echo "fetch-debian: $1 was not fetched" >&2; exit 1; }
  dpkg-deb --info "$package" >/dev/null
  [ -e "$directory/$2/.complete" ] && [ "$(cat "$directory/$2/.complete")" = "${package##*/}" ] && return
  rm -rf "${directory:?}/$2"
  dpkg-deb --extract "$package" "$directory/$2"
  printf '%s\n' "${package##*/}" >"$directory/$2/.complete"
}
unpack "$kernel" kernel
unpack nvidia-open-kernel-source nvidia-open
unpack firmware-nvidia-gsp gsp-firmware
unpack ovmf ovmf
unpack systemd-boot-efi stub

# The series of Debian's own patches (debian/patches), and NVIDIA's tree out of the tarball in its package.
if [ ! -e "$directory/kernel-debian/debian/patches/series" ]; then
  mkdir -p "$directory/kernel-debian"
  tar -C "$directory/kernel-debian" -xf "$(find "$directory/kernel-source" -name 'linux_*.debian.tar.xz' | sort -V | tail -n 1)"
fi
if [ ! -d "$directory/nvidia-tree" ]; then
  mkdir -p "$directory/nvidia-tree.partial"
  tar -C "$directory/nvidia-tree.partial" -xf "$(find "$directory/nvidia-open/usr/src" -name '*.tar.*' | sort | head -n 1)"
  mv "$directory/nvidia-tree.partial" "$directory/nvidia-tree"
fi

missing=0
need() { # DESCRIPTION FOLDER NAME-PATTERN
  [ -n "$(find "$directory/$2" -name "$3" -print -quit)" ] || { echo "fetch-debian: no $1 under $2" >&2; missing=1; }
}
need "kernel image" kernel 'vmlinuz-*'
need "kernel configuration" kernel 'config-*'
need "kernel modules" kernel '*.ko*'
need "kernel source description" kernel-source 'linux_*.dsc'
need "kernel upstream archive" kernel-source 'linux_*.orig.tar.xz'
need "kernel patch series" kernel-debian series
need "NVIDIA module source" nvidia-tree nv.c
need "GSP firmware" gsp-firmware 'gsp_*.bin'
need "virtual firmware" ovmf OVMF.fd
need "UEFI stub" stub linuxx64.efi.stub
[ "$missing" -eq 0 ] || exit 1

(cd "$directory" && find packages kernel-source -type f | sort | xargs sha256sum) | tee "$directory/SHA256SUMS"

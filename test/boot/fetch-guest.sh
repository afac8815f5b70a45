#!/usr/bin/env bash
# Fetches what the boot tests start, from the next Debian and through apt's signatures: OVMF, systemd's stub and ukify, a kernel, busybox. Nothing is
# installed, and the machine's own package lists are neither read nor changed.
#
#   test/boot/fetch-guest.sh DIR
#
# What is computed from these files does not depend on their versions, so a version that is gone is said and replaced by what is there.
set -euo pipefail

directory=${1:?usage: fetch-guest.sh DIR}
suite=trixie
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
security_mirror=${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
[ -e "$directory/.complete" ] && exit 0
state=$directory/apt
mkdir -p "$state"/{sources,lists/partial,archives/partial,preferences} "$directory/packages" "$directory/root"
touch "$state/status"
stanza() { # URI SUITE
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nArchitectures: amd64\n' "$1" "$2"
  printf 'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n'
}
{ stanza "$mirror" "$suite"; stanza "$security_mirror" "$suite-security"; } >"$state/sources/debian.sources"
apt_options=(
  -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$state/sources"
  -o "Dir::Etc::PreferencesParts=$state/preferences" -o Dir::Etc::Preferences=/dev/null
  -o "Dir::State=$state" -o "Dir::State::Lists=$state/lists" -o "Dir::State::status=$state/status"
  -o "Dir::Cache=$state" -o "Dir::Cache::Archives=$state/archives"
  -o APT::Architecture=amd64 -o APT::Architectures::=amd64 -o APT::Sandbox::User=root
  -o Acquire::Languages=none -o Acquire::Retries=3 -q
)
apt-get "${apt_options[@]}" update

cd "$directory/packages"
fetch() { # PACKAGE VERSION
  apt-get "${apt_options[@]}" download "$1=$2" 2>/dev/null && return
  echo "fetch-guest: $1 $2 is gone, taking what there is"
  apt-get "${apt_options[@]}" download "$1"
}
fetch ovmf 2025.02-8+deb13u1
fetch systemd-boot-efi 257.13-1~deb13u1
fetch systemd-ukify 257.13-1~deb13u1
fetch python3-pefile 2024.8.26-2.1
fetch busybox-static 1:1.37.0-6+b9
kernel=linux-image-6.12.117+deb13-cloud-amd64
if ! apt-get "${apt_options[@]}" download "$kernel=6.12.117-1" 2>/dev/null; then
  kernel=$(apt-cache "${apt_options[@]}" pkgnames linux-image- |
    grep -E '^linux-image-[0-9.]+(-[0-9]+|\+deb[0-9.]*)-cloud-amd64$' | sort -V | tail -n 1)
  echo "fetch-guest: the pinned kernel is gone, taking $kernel"
  apt-get "${apt_options[@]}" download "$kernel"
fi
for package in *.deb; do dpkg-deb --extract "$package" "$directory/root"; done
sha256sum ./*.deb
touch "$directory/.complete"

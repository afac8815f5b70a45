#!/usr/bin/env bash
# The whole way with real artefacts: fetches them from Debian with apt, builds what Debian ships as source, makes an image of them, founds
# a log, releases everything into it with a policy, and checks as a verifier, as an auditor, and with sha256sum.
#
#   npm ci && npm run build
#   examples/real-release/run.sh DIR        DIR takes about 3 GB and keeps what was fetched; run again, nothing is added
#
# Needs Debian's apt, dpkg-dev, gcc, make, patch, erofs-utils, cryptsetup-bin, binutils, qemu-system-x86, curl and jq. docs/real-release.md explains it.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?usage: run.sh DIR}"
directory=$(cd "$1" && pwd)
debian=$directory/debian
# Modules are built with this machine's compiler, so the kernel is that of this machine's suite.
suite=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME" || echo trixie)
say() { printf '\n== %s\n' "$*"; }
main=$here/../../dist/cli/main.js
touchstone() { node "$main" "$@"; }
for tool in curl jq qemu-system-x86_64; do
  command -v "$tool" >/dev/null || { echo "run: $tool is missing" >&2; exit 2; }
done
[ -e "$main" ] || { echo "run: first 'npm ci && npm run build'" >&2; exit 2; }

say "1. fetch Debian's artefacts ($suite), checked by apt against its signed index"
"$here/fetch-debian.sh" "$debian" "$suite" >"$directory/fetch.log" 2>&1 || { tail -n 20 "$directory/fetch.log" >&2; exit 1; }
cat "$debian/SHA256SUMS"

say "2. build NVIDIA's open kernel modules for that kernel"
"$here/build-modules.sh" "$directory"
(cd "$directory" && sha256sum modules/*.ko)

say "3. make an image of them, and the ACPI tables that QEMU makes for the VM"
"$here/make-image.sh" "$directory"
cat "$directory/image/verity.txt"
QEMU=$(command -v qemu-system-x86_64)
touchstone measure acpi --qemu "$QEMU" --output "$directory/acpi" -- -machine q35,smm=off -smp 8 -m 4G

say "4. found a log and serve it"
log=$directory/log
[ -e "$log/touchstone.toml" ] || touchstone init "$log" --origin localhost/real-release
node "$main" serve --config "$log/touchstone.toml" --port 0 >"$directory/serve.out" 2>&1 &
service=$!
trap 'kill "$service" 2>/dev/null || true; wait "$service" || true' EXIT
for _ in $(seq 100); do
  LOG_URL=$(grep -m 1 -o '^http://[0-9.:]*' "$directory/serve.out" || true)
  [ -n "$LOG_URL" ] && break
  kill -0 "$service" 2>/dev/null || { cat "$directory/serve.out" >&2; exit 1; }
  sleep 0.1
done
echo "serving $LOG_URL"

# What release.toml takes from the environment: versions from the packages' own fields, and paths.
only() { find "$1" -name "$2" | sort -V | tail -n 1; }
package() { only "$debian/packages" "$1_*.deb"; }
version() { dpkg-deb --field "$(package "$1")" Version | sed 's/^[0-9]*://'; }
export LOG_URL LOG_TRUST=$log/trust-root.json
export PUBLISHER_KEY POLICY_KEY
PUBLISHER_KEY=$(cat "$log/keys/publisher.pem")
POLICY_KEY=$(cat "$log/keys/policy.pem")
KERNEL_VERSION=$(version 'linux-image-*')
DRIVER_VERSION=$(version nvidia-open-kernel-source)
GSP_VERSION=$(version firmware-nvidia-gsp)
OVMF_VERSION=$(version ovmf)
export KERNEL_VERSION DRIVER_VERSION GSP_VERSION OVMF_VERSION
export KERNEL_BASE_VERSION=${KERNEL_VERSION%-*}
KERNEL_BASE_ARCHIVE=$(only "$debian/kernel-source" 'linux_*.orig.tar.xz')
KERNEL_DEBIAN_ARCHIVE=$(only "$debian/kernel-source" 'linux_*.debian.tar.xz')
KERNEL_CONFIG=$(only "$debian/kernel/boot" 'config-*')
KERNEL_IMAGE=$(only "$debian/kernel/boot" 'vmlinuz-*')
export KERNEL_BASE_ARCHIVE KERNEL_DEBIAN_ARCHIVE KERNEL_CONFIG KERNEL_IMAGE
export KERNEL_PATCHES=$debian/kernel-debian/debian/patches
DRIVER_ARCHIVE=$(only "$debian/nvidia-open/usr/src" '*.tar.*')
export DRIVER_ARCHIVE DRIVER_MODULES=$directory/modules DRIVER_PATCHES=$directory/nvidia-patches
GSP_PACKAGE=$(package firmware-nvidia-gsp)
GSP_GA10X=$(only "$debian/gsp-firmware" gsp_ga10x.bin)
GSP_TU10X=$(only "$debian/gsp-firmware" gsp_tu10x.bin)
OVMF=$(only "$debian/ovmf" OVMF.fd)
OVMF_PACKAGE=$(package ovmf)
export GSP_PACKAGE GSP_GA10X GSP_TU10X OVMF OVMF_PACKAGE
export ROOTFS=$directory/image/root.erofs VERITY=$directory/image/root.verity UKI=$directory/image/guest.efi
# Debian's OVMF of 2025.02 is the first whose events are in the newer order.
LAYOUT=edk2-before-202411
dpkg --compare-versions "$OVMF_VERSION" ge 2024.11 && LAYOUT=edk2-202411
export ACPI=$directory/acpi LAYOUT BOOT=uki-kernel:$LAYOUT
QEMU_VERSION=$("$QEMU" --version | head -n 1)
export QEMU QEMU_VERSION

say "5. release: describe, sign, publish in one batch, and the policy over it"
out=$directory/release
touchstone release "$here/release.toml" --output "$out"
say "   run again: nothing is added"
touchstone release "$here/release.toml" --output "$out" | tail -n 2 | head -n 1

say "6. as a verifier: fetch the policy's bundle, and verify it offline"
touchstone bundle fetch real-release --to "$LOG_URL" -o "$directory/bundle.json"
touchstone bundle verify "$directory/bundle.json" --policy real-release --trust "$log/trust-root.json" --state "$directory/state.json"
for proof in "$out"/*.tlog-proof; do
  touchstone proof verify "${proof%.tlog-proof}.dsse.json" "$proof" --trust "$log/trust-root.json" >/dev/null
done
echo "$(ls "$out"/*.tlog-proof | wc -l) inclusion proofs verified"

say "7. as an auditor: replay the whole log"
touchstone audit "$LOG_URL" --trust "$log/trust-root.json"

say "8. with sha256sum: what the verified bundle states, against the files"
# The statements as the verifier got them, out of the bundle's envelopes.
jq -r '.. | .payload? // empty' "$directory/bundle.json" | while read -r payload; do printf '%s' "$payload" | base64 -d; echo; done >"$directory/statements.jsonl"
check() { # FILE…: its digest must be in a statement
  local digest
  for file in "$@"; do
    digest=$(sha256sum <"$file" | cut -d ' ' -f 1)
    grep -q "$digest" "$directory/statements.jsonl" || { echo "NOT STATED: $digest $file" >&2; exit 1; }
    printf '%s  %s\n' "$digest" "${file#"$directory/"}"
  done
}
check "$KERNEL_BASE_ARCHIVE" "$KERNEL_DEBIAN_ARCHIVE" "$KERNEL_IMAGE" "$KERNEL_CONFIG" "$DRIVER_ARCHIVE" "$directory"/modules/*.ko \
  "$GSP_GA10X" "$GSP_TU10X" "$GSP_PACKAGE" "$OVMF" "$OVMF_PACKAGE" "$ROOTFS" "$UKI"
grep -q "$(sed -n 's/^Root hash:[[:space:]]*//p' "$directory/image/verity.txt")" "$directory/statements.jsonl"
echo "the root hash that veritysetup printed is stated"

# The kernel's patches do not fit into its entry: they are an attachment, which the log serves.
attachment=$(jq -r 'select(.predicateType == "urn:touchstone:kernel-patch-set:v1") | .predicate.patches.attachment.digest' "$directory/statements.jsonl")
curl --silent --show-error --fail "$LOG_URL/v1/attachments/sha256/$attachment" -o "$directory/patches.json"
echo "$attachment  $directory/patches.json" | sha256sum --check --quiet
jq -r '.[].sha256' "$directory/patches.json" >"$directory/patches.stated"
sed -e 's/[[:space:]]*#.*//' -e '/^[[:space:]]*$/d' "$KERNEL_PATCHES/series" | (cd "$KERNEL_PATCHES" && xargs sha256sum) | cut -d ' ' -f 1 >"$directory/patches.computed"
diff "$directory/patches.stated" "$directory/patches.computed"
echo "$(wc -l <"$directory/patches.computed") patches of Debian's series, in order, are those of attachment $attachment"
say "9. as a third party: build the image again, elsewhere, and hold it against the entry"
second=$directory/second
rm -rf "$second"
mkdir -p "$second"
ln -s "$debian" "$directory/modules" "$second/"
"$here/make-image.sh" "$second"
# The log gives its publisher the role for every kind; a log of yours gives rebuilders a rule of their own.
reproduce() { # UKI OPTION…
  local uki=$1
  shift
  touchstone reproduce os-image/real-release/debian@1 --to "$LOG_URL" --trust "$log/trust-root.json" \
    --uki "$uki" --rootfs "$second/image/root.erofs" --verity "$second/image/root.verity" "$@"
}
reproduce "$second/image/guest.efi" --sign "$log/keys/publisher.pem" --name rebuilder/debian --rebuild-version 1 \
  --rebuilder examples/real-release/run.sh --source https://www.debian.org/distrib/packages \
  --tool "mkfs.erofs=$(mkfs.erofs -V 2>&1 | grep -o '[0-9][0-9.]*' | head -n 1)" --output "$second/rebuild.dsse.json"
touchstone publish "$second/rebuild.dsse.json" --to "$LOG_URL" --trust "$log/trust-root.json"

say "   with one byte changed it differs"
cp "$second/image/guest.efi" "$second/changed.efi"
printf 'X' | dd of="$second/changed.efi" bs=1 seek=$(($(stat -c %s "$second/changed.efi") - 4096)) conv=notrunc status=none
if reproduce "$second/changed.efi" >"$second/changed.txt"; then echo "a changed image passed" >&2; exit 1; fi
grep DIFFERS "$second/changed.txt"

say "   a policy that demands the rebuild"
publisher=$(jq -r '.signatures[0].keyid' "$second/rebuild.dsse.json")
{ cat "$here/hand-written/requirements.toml"
  printf '\n[rebuilds]\nthreshold = 1\nkeys = ["%s"]\nkinds = ["os-image"]\ndiffers = "refuse"\n' "$publisher"; } >"$second/requirements.toml"
touchstone policy draft real-release/rebuilt --to "$LOG_URL" --requirements "$second/requirements.toml" --profile rebuilt \
  --os-image real-release/debian@1 --gsp-firmware "real-release/debian@$GSP_VERSION" --platform "real-release/debian@$OVMF_VERSION" \
  --gpu-rim real-release/made-up-driver-rim@made-up.1 --gpu-rim real-release/made-up-vbios-rim@made-up.1 --output "$second/policy.json"
touchstone sign "$second/policy.json" --key "$log/keys/policy.pem" --output "$second/policy.dsse.json"
touchstone publish "$second/policy.dsse.json" --to "$LOG_URL" --trust "$log/trust-root.json"
touchstone bundle fetch real-release/rebuilt --to "$LOG_URL" --output "$second/bundle.json"
touchstone bundle verify "$second/bundle.json" --policy real-release/rebuilt --trust "$log/trust-root.json"
say "done: $out/summary.md"

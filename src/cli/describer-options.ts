// Lists what each `touchstone describe KIND` takes. Generated from the describers by `npm run generate`; do not edit.
import type { DescribeOption } from "../publisher/describe/describer.ts";

export interface DescriberOptions {
  readonly kind: string;
  readonly summary: string;
  readonly options: readonly DescribeOption[];
  /** Shown below the options. */
  readonly example: string;
}

export const DESCRIBER_OPTIONS: readonly DescriberOptions[] = [
  {
    kind: "platform",
    summary: "virtual firmware and the shape of the VM",
    options: [
      {
        flags: "--firmware <file>",
        description: "TDX firmware (TDVF), whole; without it MRTD is what the quote says",
      },
      {
        flags: "--page-add-order <order>",
        description: "how the VMM adds pages; read from the quote where there is one",
        choices: ["single-pass", "two-pass"],
      },
      {
        flags: "--quote <file>",
        description: "known-good TDX quote",
      },
      {
        flags: "--event-log <file>",
        description: "event log of a known-good boot: CCEL or dstack JSON",
      },
      {
        flags: "--layout <layout>",
        description: "order of the firmware's events; read from the firmware where that is certain",
        choices: ["edk2-before-202411", "edk2-202411", "edk2-202505"],
      },
      {
        flags: "--vmm <name>",
        description: "the VMM, by how it tells the firmware of memory",
        required: true,
        choices: ["qemu", "gce", "other"],
      },
      {
        flags: "--vmm-package <text>",
        description: "its package and version",
      },
      {
        flags: "--vmm-program <file>",
        description: "its program, to state the digest",
      },
      {
        flags: "--vmm-argument <argument>",
        description: "argument that shapes the VM, as --vmm-argument=-smp --vmm-argument=8; may be repeated",
        repeated: true,
      },
      {
        flags: "--acpi <dir>",
        description: "ACPI blobs that the VMM makes, as touchstone measure acpi writes them",
      },
      {
        flags: "--boot <way>",
        description: "how images are started: kernel, by -kernel, or disk (default: kernel)",
        choices: ["kernel", "disk"],
      },
      {
        flags: "--boot-option <number=file>",
        description: "a boot option as the firmware holds it, in the order of BootOrder; may be repeated",
        repeated: true,
      },
      {
        flags: "--disk-device <device.function>",
        description: "place of the virtio disk on the PCI root bus",
      },
      {
        flags: "--secure-boot <state>",
        description: "none: the firmware was built without it; else it is read from the firmware",
        choices: ["none", "off", "on"],
      },
      {
        flags: "--uki <file>",
        description: "UKI whose signature db must verify, under Secure Boot from a disk",
      },
      {
        flags: "--machine-type <type>",
        description: "machine type of the VMM, such as q35",
        required: true,
      },
      {
        flags: "--vcpus <number>",
        description: "virtual CPUs",
        required: true,
        value: "count",
      },
      {
        flags: "--memory <bytes>",
        description: "memory in bytes",
        required: true,
        value: "count",
      },
      {
        flags: "--gpus <number>",
        description: "GPUs passed through",
        required: true,
        value: "count",
      },
      {
        flags: "--td-attributes <hex>",
        description: "TD_ATTRIBUTES, 8 bytes as a quote holds them; read from the quote where there is one",
      },
      {
        flags: "--xfam <hex>",
        description: "XFAM, likewise",
      },
      {
        flags: "--allow-attribute <name>",
        description: "state the platform although it has this attribute: sept-ve-disable-off or migratable",
        repeated: true,
      },
    ],
    example:
      "\nExample:\n  touchstone describe platform --name acme/h100-8 --version 2026.11 --channel stable --svn 1 \\\n    --builder https://ci.acme.example --source https://git.acme.example/edk2 \\\n    --firmware OVMF.fd --quote known-good-quote.bin --event-log ccel.bin \\\n    --vmm qemu --vmm-package 'qemu-system-x86 1:10.0.2' --acpi acpi \\\n    --machine-type q35 --vcpus 32 --memory 274877906944 --gpus 8 -o platform.json",
  },
  {
    kind: "os-image",
    summary: "a guest image: erofs, dm-verity, UKI, Secure Boot",
    options: [
      {
        flags: "--rootfs <file>",
        description: "erofs image of the root file system",
        required: true,
      },
      {
        flags: "--verity <file>",
        description: "dm-verity superblock and tree, where they do not follow the file system in the image",
      },
      {
        flags: "--verity-offset <bytes>",
        description: "where the verity superblock begins",
        value: "count",
      },
      {
        flags: "--mkfs-argument <argument>",
        description: "argument that mkfs.erofs was given, as --mkfs-argument=-zlz4hc; may be repeated",
        repeated: true,
      },
      {
        flags: "--source-date-epoch <seconds>",
        description: "SOURCE_DATE_EPOCH of the build; the image must agree",
        value: "count",
      },
      {
        flags: "--uki <file>",
        description: "unified kernel image; its command line must carry the root hash",
        required: true,
      },
      {
        flags: "--pk <file>",
        description: "Secure Boot PK, .esl or .auth; without it Secure Boot is off",
      },
      {
        flags: "--kek <file>",
        description: "Secure Boot KEK",
      },
      {
        flags: "--db <file>",
        description: "Secure Boot db",
      },
      {
        flags: "--dbx <file>",
        description: "Secure Boot dbx",
      },
      {
        flags: "--kernel-config <file>",
        description: "the kernel's resolved .config, for lockdown and module signing",
      },
      {
        flags: "--module-certificate <file>",
        description: "certificate that may sign modules; may be repeated",
        repeated: true,
      },
      {
        flags: "--kernel-patch-set <file>",
        description: "statement of the kernel",
        required: true,
      },
      {
        flags: "--driver-build <file>",
        description: "statement of the driver build",
        required: true,
      },
      {
        flags: "--gsp-firmware <file>",
        description:
          "GSP firmware that the image must hold byte for byte, as it does the driver; may be repeated",
        repeated: true,
      },
      {
        flags: "--boot <path:layout>",
        description:
          "how it is started, and the layout of the firmware's events, as uki-kernel:edk2-202411; paths are uki-kernel, uki-disk, layouts edk2-before-202411, edk2-202411, edk2-202505; may be repeated",
        required: true,
        repeated: true,
      },
      {
        flags: "--event-log <file>",
        description:
          "event log of a known-good boot, CCEL or dstack JSON: it must agree, and stands for what nothing computes",
      },
      {
        flags: "--disk <file>",
        description: "disk image that it is started from, for uki-disk",
      },
      {
        flags: "--removed <file>",
        description: 'what was cut from the TCB: {"packages": […], "daemons": […], "kernelModules": […]}',
      },
    ],
    example:
      "\nExample:\n  touchstone describe os-image --name acme/guest --version 1.4.0 --channel stable --svn 3 \\\n    --builder https://ci.acme.example --source https://git.acme.example/guest --source-commit 0123…cdef \\\n    --rootfs root.erofs --verity root.verity --mkfs-argument=-zlz4hc --source-date-epoch 1767225600 \\\n    --uki guest.efi --pk PK.auth --kek KEK.auth --db db.auth --dbx dbx.auth \\\n    --kernel-patch-set kernel.json --driver-build driver.json --boot uki-kernel:edk2-202411 -o os-image.json",
  },
  {
    kind: "kernel-patch-set",
    summary: "a patched kernel",
    options: [
      {
        flags: "--series <dir>",
        description: "quilt directory with the patches and their series file",
      },
      {
        flags: "--series-file <name>",
        description: "another list in that directory than 'series'",
      },
      {
        flags: "--git <repository>",
        description: "git repository with the patches as commits, in place of --series",
      },
      {
        flags: "--range <base..tip>",
        description: "the commits after base up to tip",
      },
      {
        flags: "--patch-notes <file>",
        description: "TOML or JSON: a patch's file name = its purpose",
      },
      {
        flags: "--base <name>",
        description: "name of the base source",
        default: "linux",
      },
      {
        flags: "--base-version <version>",
        description: "version of the base source (default: the title of --config)",
      },
      {
        flags: "--base-archive <file>",
        description: "the base source archive",
      },
      {
        flags: "--config <file>",
        description: "the resolved .config",
      },
      {
        flags: "--tool <name=version>",
        description: "a tool of the build; compiler and linker come from --config",
        repeated: true,
      },
      {
        flags: "--file <file>",
        description: "a built file, such as bzImage; may be repeated",
        repeated: true,
      },
    ],
    example:
      "\nExample:\n  touchstone describe kernel-patch-set --name acme/linux --version 6.12.107-1 --channel stable --svn 1 \\\n    --builder https://ci.acme.example --source https://git.acme.example/linux \\\n    --base-archive linux-6.12.107.tar.xz --series debian/patches --patch-notes purposes.toml \\\n    --config .config --file arch/x86/boot/bzImage -o kernel.json\n\nPatch ids are what 'git patch-id --stable' answers; without git they are null. A long list of patches is\nwritten beside the statement, as sha256-<digest>.json, and published with it.",
  },
  {
    kind: "driver-build",
    summary: "a build of NVIDIA's open kernel modules",
    options: [
      {
        flags: "--series <dir>",
        description: "quilt directory with the patches and their series file",
      },
      {
        flags: "--series-file <name>",
        description: "another list in that directory than 'series'",
      },
      {
        flags: "--git <repository>",
        description: "git repository with the patches as commits, in place of --series",
      },
      {
        flags: "--range <base..tip>",
        description: "the commits after base up to tip",
      },
      {
        flags: "--patch-notes <file>",
        description: "TOML or JSON: a patch's file name = its purpose",
      },
      {
        flags: "--modules <dir>",
        description: "folder of the built .ko files (.gz, .xz and .zst too)",
        required: true,
      },
      {
        flags: "--kernel <file>",
        description: "statement or envelope of the kernel-patch-set they are built for",
        required: true,
      },
      {
        flags: "--tag <name>",
        description: "git tag of NVIDIA's source",
      },
      {
        flags: "--commit <hex>",
        description: "git commit of NVIDIA's source",
      },
      {
        flags: "--libraries <dir>",
        description: "folder with libnvidia-pkcs11*.so",
      },
      {
        flags: "--source-tree <dir>",
        description: "NVIDIA's source, to find the CC firmware that is compiled in",
      },
      {
        flags: "--tool <name=version>",
        description: "a tool of the build; may be repeated",
        repeated: true,
      },
      {
        flags: "--rim-id <id>",
        description: "id of the driver's RIM",
      },
      {
        flags: "--rim <file>",
        description: "the driver's RIM file, digested",
      },
      {
        flags: "--running",
        description: "add what this host reports of its driver",
      },
    ],
    example:
      "\nExample:\n  touchstone describe driver-build --name acme/nvidia --version 550.163.01-1 --channel stable --svn 1 \\\n    --builder https://ci.acme.example --source https://github.com/NVIDIA/open-gpu-kernel-modules \\\n    --modules out/modules --kernel kernel.json --series nvidia-patches --libraries out/lib \\\n    --rim-id NV_GPU_DRIVER_GH100_550.163.01 -o driver.json\n\n--running adds what this host reports of its own driver. It is refused when the host runs another build, and the\nstatement marks it as observed: nothing proves it.",
  },
  {
    kind: "gsp-firmware",
    summary: "GSP firmware files",
    options: [
      {
        flags: "--file <file>",
        description: "a firmware file, such as gsp_ga10x.bin; may be repeated",
        required: true,
        repeated: true,
      },
      {
        flags: "--package <deb>",
        description: "the Debian package that holds these very files",
      },
      {
        flags: "--report <file>",
        description: "GPU report of a device that ran it; states its FWID as observed",
        repeated: true,
      },
    ],
    example:
      "\nExample:\n  touchstone describe gsp-firmware --name nvidia/gsp --version 550.163.01 --channel stable --svn 1 \\\n    --builder https://ci.acme.example --source https://mirror.acme.example/debian \\\n    --file gsp_ga10x.bin --package firmware-nvidia-gsp_550.163.01-2_amd64.deb -o gsp.json",
  },
  {
    kind: "gpu-rim",
    summary: "golden measurements of a GPU driver or VBIOS",
    options: [
      {
        flags: "--rim <file>",
        description: "the RIM, XML",
        required: true,
      },
      {
        flags: "--as-of <time>",
        description: "when its signer's chain must be valid, RFC 3339",
        required: true,
        value: "time",
      },
      {
        flags: "--rim-id <id>",
        description: "id it was fetched under; a VBIOS RIM does not hold it",
      },
      {
        flags: "--chip <name>",
        description: "chip it must be for, such as GH100",
      },
    ],
    example:
      "\nExample:\n  touchstone describe gpu-rim --name nvidia/gh100-driver --version 550.144.03 --channel stable --svn 1 \\\n    --builder NVIDIA --source https://rim.attestation.nvidia.com/v1/rim/NV_GPU_DRIVER_GH100_550.144.03 \\\n    --rim NV_GPU_DRIVER_GH100_550.144.03.swidtag --chip GH100 --as-of 2026-11-23T14:00:00Z -o rim.json\n\nThe time is an option, not the clock, so that describing the same file again gives the same statement.",
  },
  {
    kind: "switch-rim",
    summary: "golden measurements of an NVSwitch's VBIOS",
    options: [
      {
        flags: "--rim <file>",
        description: "the RIM, XML",
        required: true,
      },
      {
        flags: "--as-of <time>",
        description: "when its signer's chain must be valid, RFC 3339",
        required: true,
        value: "time",
      },
      {
        flags: "--rim-id <id>",
        description: "id it was fetched under, which it does not hold",
        required: true,
      },
      {
        flags: "--chip <name>",
        description: "chip it must be for, as the RIM names it",
      },
    ],
    example:
      "\nExample:\n  touchstone describe switch-rim --name nvidia/ls10-vbios --version 96.10.55.00.01 --channel stable --svn 1 \\\n    --builder NVIDIA --source https://rim.attestation.nvidia.com/v1/rim/NV_SWITCH_BIOS_5612_0002_890_9610550001 \\\n    --rim ls10.xml --rim-id NV_SWITCH_BIOS_5612_0002_890_9610550001 --as-of 2026-11-23T14:00:00Z -o rim.json\n\nThe time is an option, not the clock, so that describing the same file again gives the same statement.",
  },
];

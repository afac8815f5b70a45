// Lists the kernel options that matter to a confidential guest, and why. The host is the adversary here: what lets it, or someone
// it lets in, read or change guest memory, load code or feed tables must be off; what stops it must be on.
// Sources: Linux Documentation/arch/x86/tdx.rst and security/self-protection.rst; kernel_lockdown(7); BadAML (ACPI tables).

export interface RequiredOption {
  readonly option: string;
  readonly required: "set" | "not-set";
  readonly why: string;
}

const set = (option: string, why: string): RequiredOption => ({ option, required: "set", why });
const notSet = (option: string, why: string): RequiredOption => ({ option, required: "not-set", why });

export const HARDENING_OPTIONS: readonly RequiredOption[] = [
  set("CONFIG_INTEL_TDX_GUEST", "runs as a TDX guest at all"),
  set("CONFIG_TDX_GUEST_DRIVER", "asks the TDX module for reports and quotes"),
  set("CONFIG_TSM_REPORTS", "the kernel's interface to attestation reports"),
  set("CONFIG_SWIOTLB", "the only shared memory that devices may use"),
  set("CONFIG_EFI_STUB", "started by firmware as a measured PE file"),
  set("CONFIG_DM_VERITY", "checks the root file system block by block"),
  set("CONFIG_EROFS_FS", "read-only root file system"),
  set("CONFIG_MODULE_SIG", "modules carry signatures"),
  set("CONFIG_MODULE_SIG_FORCE", "and without one none loads"),
  set("CONFIG_SECURITY_LOCKDOWN_LSM", "root is kept out of the kernel"),
  set("CONFIG_SECURITY_LOCKDOWN_LSM_EARLY", "from before the first parameter is read"),
  set("CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY", "in the mode that also keeps secrets in"),
  set("CONFIG_STRICT_KERNEL_RWX", "kernel code cannot be written"),
  set("CONFIG_STRICT_MODULE_RWX", "module code cannot be written"),
  set("CONFIG_RANDOMIZE_BASE", "kernel addresses are not known beforehand"),
  set("CONFIG_RANDOMIZE_MEMORY", "nor those of its memory regions"),
  set("CONFIG_STACKPROTECTOR_STRONG", "stack overflows are found"),
  set("CONFIG_VMAP_STACK", "stack exhaustion faults"),
  set("CONFIG_FORTIFY_SOURCE", "copies are checked against their buffers"),
  set("CONFIG_HARDENED_USERCOPY", "as are copies from and to user space"),
  set("CONFIG_SLAB_FREELIST_HARDENED", "heap metadata resists corruption"),
  set("CONFIG_INIT_ON_ALLOC_DEFAULT_ON", "no old secrets in new memory"),
  set("CONFIG_BPF_UNPRIV_DEFAULT_OFF", "BPF programs are root's alone"),
  set("CONFIG_SECURITY_DMESG_RESTRICT", "the kernel log tells users nothing"),
  notSet("CONFIG_ACPI_TABLE_UPGRADE", "ACPI tables from the initrd replace the measured ones"),
  notSet("CONFIG_ACPI_CONFIGFS", "ACPI tables can be loaded at run time"),
  notSet("CONFIG_ACPI_CUSTOM_DSDT", "another DSDT than the measured one"),
  notSet("CONFIG_ACPI_DEBUGGER", "AML can be run by hand"),
  notSet("CONFIG_ACPI_DEBUGGER_USER", "even from user space"),
  notSet("CONFIG_KEXEC", "another kernel without measurement"),
  notSet("CONFIG_KEXEC_FILE", "the same by file"),
  notSet("CONFIG_CRASH_DUMP", "memory is written out on a crash"),
  notSet("CONFIG_HIBERNATION", "memory is written out to a disk of the host"),
  notSet("CONFIG_DEVMEM", "/dev/mem"),
  notSet("CONFIG_DEVPORT", "/dev/port"),
  notSet("CONFIG_PROC_KCORE", "kernel memory as a file"),
  notSet("CONFIG_X86_MSR", "model-specific registers from user space"),
  notSet("CONFIG_MODULE_FORCE_LOAD", "modules of other kernels"),
  notSet("CONFIG_KGDB", "a debugger on a console that the host owns"),
  notSet("CONFIG_MAGIC_SYSRQ_SERIAL", "commands from a console that the host owns"),
  notSet("CONFIG_FW_LOADER_USER_HELPER_FALLBACK", "firmware from whoever answers first"),
  notSet("CONFIG_LIVEPATCH", "kernel code changes while it runs"),
  notSet("CONFIG_IA32_EMULATION", "int 0x80, which a host can inject"),
  notSet("CONFIG_LEGACY_VSYSCALL_EMULATE", "code at a known address"),
];

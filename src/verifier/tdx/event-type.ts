// Names the types of measured events (TCG PC Client Platform Firmware Profile §10.4.1) that firmware, shim, GRUB, systemd-stub and Linux log.
export const EV_POST_CODE = 0x01;
export const EV_NO_ACTION = 0x03;
/**
 * @example
 * ```ts
 * import { EV_SEPARATOR, measured } from "touchstone/testing";
 * const event = measured(0, EV_SEPARATOR, new Uint8Array(4));
 * ```
 */
export const EV_SEPARATOR = 0x04;
export const EV_ACTION = 0x05;
/**
 * @example
 * ```ts
 * import { EV_EVENT_TAG, measured } from "touchstone/testing";
 * const event = measured(2, EV_EVENT_TAG, new Uint8Array(8));
 * ```
 */
export const EV_EVENT_TAG = 0x06;
export const EV_S_CRTM_VERSION = 0x08;
/**
 * @example
 * ```ts
 * import { EV_PLATFORM_CONFIG_FLAGS, measured } from "touchstone/testing";
 * const event = measured(0, EV_PLATFORM_CONFIG_FLAGS, new Uint8Array(8));
 * ```
 */
export const EV_PLATFORM_CONFIG_FLAGS = 0x0a;
export const EV_IPL = 0x0d;
/**
 * @example
 * ```ts
 * import { EV_EFI_VARIABLE_DRIVER_CONFIG, measured } from "touchstone/testing";
 * const event = measured(0, EV_EFI_VARIABLE_DRIVER_CONFIG, new Uint8Array(32));
 * ```
 */
export const EV_EFI_VARIABLE_DRIVER_CONFIG = 0x8000_0001;
export const EV_EFI_VARIABLE_BOOT = 0x8000_0002;
/**
 * @example
 * ```ts
 * import { EV_EFI_BOOT_SERVICES_APPLICATION, measured } from "touchstone/testing";
 * const event = measured(1, EV_EFI_BOOT_SERVICES_APPLICATION, new Uint8Array(32));
 * ```
 */
export const EV_EFI_BOOT_SERVICES_APPLICATION = 0x8000_0003;
export const EV_EFI_BOOT_SERVICES_DRIVER = 0x8000_0004;
export const EV_EFI_GPT_EVENT = 0x8000_0006;
/**
 * @example
 * ```ts
 * import { EV_EFI_ACTION, measured } from "touchstone/testing";
 * const event = measured(1, EV_EFI_ACTION, new TextEncoder().encode("Calling EFI Application from Boot Option"));
 * ```
 */
export const EV_EFI_ACTION = 0x8000_0007;
export const EV_EFI_PLATFORM_FIRMWARE_BLOB2 = 0x8000_000a;
export const EV_EFI_HANDOFF_TABLES2 = 0x8000_000b;
export const EV_EFI_VARIABLE_BOOT2 = 0x8000_000c;
export const EV_EFI_VARIABLE_AUTHORITY = 0x8000_00e0;

// Writes the event log that a boot of a UKI would leave: node predict-boot.mjs UKI OUTPUT
// A release takes the log of a real boot on a TDX machine. There is none here, so this one is PREDICTED from the UKI, event by event, and
// what the firmware measures of itself and its tables (RTMR0) is left out. No machine can match the registers that follow from it.
import { writeFileSync } from "node:fs";
import { withFile } from "../../dist/publisher/describe/files/random-access.js";
import { MEASURED_SECTIONS, readUki } from "../../dist/publisher/describe/formats/uki.js";
import * as testing from "../../dist/testing/index.js";

const [path, output] = process.argv.slice(2);
if (path === undefined || output === undefined) throw new Error("usage: predict-boot.mjs UKI OUTPUT");
const EV_IPL = 0x0d;
const { EV_EFI_ACTION, EV_EFI_BOOT_SERVICES_APPLICATION, EV_SEPARATOR, makeCcel, measured } = testing;

const uki = await withFile(path, "UKI", readUki);
const digestOnly = (register, type, data, sha384) => ({
  register,
  type,
  data,
  digest: Buffer.from(sha384, "hex"),
});
const loaded = ({ sha384 }) => digestOnly(1, EV_EFI_BOOT_SERVICES_APPLICATION, new Uint8Array(32), sha384);
const action = (text) => measured(1, EV_EFI_ACTION, Buffer.from(text));
const section = ({ name, sha384 }) => [
  measured(2, EV_IPL, Buffer.from(`${name}\0`)),
  digestOnly(2, EV_IPL, Buffer.from(`${name}\0`, "utf16le"), sha384),
];

const events = [
  measured(0, EV_SEPARATOR, new Uint8Array(4)),
  action("Calling EFI Application from Boot Option"),
  measured(1, EV_SEPARATOR, new Uint8Array(4)),
  loaded(uki.authenticode),
  ...MEASURED_SECTIONS.flatMap((name) => uki.sections.filter((one) => one.name === name)).flatMap(section),
  loaded(uki.kernelAuthenticode),
  action("Exit Boot Services Invocation"),
  action("Exit Boot Services Returned with Success"),
];
writeFileSync(output, makeCcel(events));

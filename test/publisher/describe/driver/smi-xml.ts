// What `nvidia-smi -q -x` prints on a host with GPUs, cut down to the parts around those that are read.
export interface SmiGpu {
  readonly product: string;
  readonly vbios: string;
  readonly gsp: string;
}

export const H100: SmiGpu = { product: "NVIDIA H100 80GB HBM3", vbios: "96.00.9F.00.01", gsp: "550.163.01" };

export function smiXml(driverVersion: string, gpus: readonly SmiGpu[]): string {
  return `<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
	<timestamp>Mon Nov 23 14:00:00 2026</timestamp>
	<driver_version>${driverVersion}</driver_version>
	<cuda_version>12.4</cuda_version>
	<attached_gpus>${gpus.length}</attached_gpus>
${gpus.map(gpuXml).join("\n")}
</nvidia_smi_log>
`;
}

function gpuXml({ product, vbios, gsp }: SmiGpu, index: number): string {
  return `	<gpu id="00000000:0${index}:00.0">
		<product_name>${product}</product_name>
		<product_architecture>Hopper</product_architecture>
		<serial>1650523018762</serial>
		<uuid>GPU-7d0b2f2c-1111-2222-3333-444455556666</uuid>
		<vbios_version>${vbios}</vbios_version>
		<gsp_firmware_version>${gsp}</gsp_firmware_version>
		<cc_protected_memory_usage>
			<total>0 MiB</total>
		</cc_protected_memory_usage>
	</gpu>`;
}

// Reads what device-evidence.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, openObject } from "../../protocol/shape/containers.ts";
import { atMost, safeInteger, string } from "../../protocol/shape/scalars.ts";
import type { Shape } from "../../protocol/shape/shape.ts";

export type NvattestDevices = {
  certificate: string;
  evidence: string;
  arch: string;
}[];

export const nvattestDevices: Shape<NvattestDevices> = list(
  openObject({
    certificate: string(atMost(65536)),
    evidence: string(atMost(32768)),
    arch: string(atMost(32)),
  }),
  atMost(64),
);

export type NvattestOutput = {
  evidences: NvattestDevices;
  result_code: number;
  result_message: string;
};

export const nvattestOutput = openObject<NvattestOutput>({
  evidences: nvattestDevices,
  result_code: safeInteger(),
  result_message: string(atMost(1024)),
});

export type NrasRequest = {
  arch: string;
  evidence_list: {
    certificate: string;
    evidence: string;
  }[];
};

export const nrasRequest = openObject<NrasRequest>({
  arch: string(atMost(32)),
  evidence_list: list(
    openObject({
      certificate: string(atMost(65536)),
      evidence: string(atMost(32768)),
    }),
    atMost(64),
  ),
});

// Says of which boots an entry states measurements: an image of each boot path and layout, a platform of the layout of its firmware. A profile's
// image and platforms must meet in them.
import { osImage } from "../entry/kinds/os-image.ts";
import { platform } from "../entry/kinds/platform.ts";
import type { Statement } from "../envelope/statement.ts";

/** "uki-kernel edk2-202411" and so on for an image, the layout alone for a platform, nothing for other kinds. */
export function bootsOf(statement: Statement): string[] {
  if (statement.kind === osImage.kind)
    return statement.predicate.measurements.map(({ bootPath, layout }) => bootOf(bootPath, layout));
  return statement.kind === platform.kind ? [statement.predicate.layout] : [];
}

export function bootOf(bootPath: string, layout: string): string {
  return `${bootPath} ${layout}`;
}

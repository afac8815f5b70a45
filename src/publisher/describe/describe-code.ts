// Lists why artefacts that can be read are not described: they contradict each other, or one of them is not what it claims to be.
export type DescribeCode =
  /** Two sources say different things, or none says it: platform.ts. */
  | "sources-disagree"
  | "source-missing"
  /** An attribute that no platform should have was not allowed: dangerous-attributes.ts. */
  | "dangerous-attribute"
  /** Parts of an image do not belong together: os-image.ts, rootfs.ts, secure-boot.ts. */
  | "root-hash"
  | "event-log"
  | "source-date-epoch"
  | "verity-coverage"
  /** The image holds other files than the entries say that it names: image-contents.ts. */
  | "image-content"
  /** What is measured cannot be foreseen: boot/stub.ts, boot/boot-file.ts. */
  | "not-computable"
  /** A disk starts another file than the image that was given: boot/boot-file.ts. */
  | "boot-file"
  /** A provenance statement is about something else, or not by the builder: provenance.ts. */
  | "provenance-other-artefact"
  | "provenance-signature"
  /** NVIDIA's file fails a check: gpu-rim.ts. */
  | "rim-rejected";

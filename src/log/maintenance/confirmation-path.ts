// Names where the checkpoint lies that confirms an entry with an identity, below the prefix of a log or in a folder of a mirror.

export function confirmationPath(index: number): string {
  return `v1/confirmations/${index}`;
}

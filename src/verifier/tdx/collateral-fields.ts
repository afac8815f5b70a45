// Says what the fields of Intel's signed documents become when they are read (Intel PCS API v4).

export const MAX_DOCUMENT_BYTES = 256 * 1024;

export function dateOf(text: string): Date {
  return new Date(text);
}

export function svnOf(component: { readonly svn: number }): number {
  return component.svn;
}

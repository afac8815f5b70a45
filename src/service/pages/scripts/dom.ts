// Makes elements and finds them. Text is only ever set as text: everything that a log says is somebody else's.

/** An element of this page's own markup, which is always there. */
export function find<K extends keyof HTMLElementTagNameMap>(id: string, tag: K): HTMLElementTagNameMap[K] {
  const found = document.getElementById(id);
  if (found?.localName !== tag) throw new Error(`the page has no ${tag} ${id}`);
  return found as HTMLElementTagNameMap[K];
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: Array<Node | string>
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className !== "") made.className = className;
  made.append(...children);
  return made;
}

/** The root of the service, absolute. */
export function serviceRoot(): string {
  return new URL(document.body.dataset.root ?? "./", document.baseURI).href;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

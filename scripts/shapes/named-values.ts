// Finds the name under which a value is exported, so that generated code refers to it.

export interface Named {
  readonly name: string;
  /** File that exports it, from the project's root. */
  readonly path: string;
}

/** By identity. zod's clones, such as that of `.describe()`, share the definition of what they were cloned from: it stands for a schema. */
export class NamedValues {
  readonly #names = new Map<unknown, Named>();

  /** The first name that a value gets stays. */
  add(value: unknown, { name, path }: Named): void {
    if (!this.#names.has(value)) this.#names.set(value, { name, path });
  }

  find(value: unknown): Named | undefined {
    return this.#names.get(value);
  }
}

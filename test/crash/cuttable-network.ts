// A network of its own for a log, with a wire to its witnesses that a test cuts. It needs the privilege to make namespaces.
import { spawnSync } from "node:child_process";

/** A network namespace with two wires: one for clients, and one to the witnesses, which can be cut. */
export class CuttableNetwork {
  readonly #name: string;
  readonly #number: number;

  private constructor(number: number) {
    this.#number = number;
    this.#name = `touchstone-${number}`;
  }

  static make(): CuttableNetwork {
    const space = new CuttableNetwork(process.pid % 200);
    space.#ip("netns", "add", space.#name);
    space.#wire("c", 1);
    space.#wire("w", 2);
    space.#inside("link", "set", "lo", "up");
    return space;
  }

  get wrapper(): readonly string[] {
    return ["ip", "netns", "exec", this.#name];
  }

  get logHost(): string {
    return `10.${this.#number}.1.2`;
  }

  get witnessHost(): string {
    return `10.${this.#number}.2.1`;
  }

  cut(): void {
    this.#ip("link", "set", this.#end("w"), "down");
  }

  mend(): void {
    this.#ip("link", "set", this.#end("w"), "up");
  }

  remove(): void {
    spawnSync("ip", ["netns", "del", this.#name]);
  }

  #end(wire: string): string {
    return `ts${wire}${this.#number}`;
  }

  #wire(wire: string, net: number): void {
    const [outer, inner] = [this.#end(wire), `${this.#end(wire)}i`];
    this.#ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", this.#name);
    this.#ip("addr", "add", `10.${this.#number}.${net}.1/24`, "dev", outer);
    this.#ip("link", "set", outer, "up");
    this.#inside("addr", "add", `10.${this.#number}.${net}.2/24`, "dev", inner);
    this.#inside("link", "set", inner, "up");
  }

  #ip(...args: string[]): void {
    const { status, stderr } = spawnSync("ip", args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
  }

  #inside(...args: string[]): void {
    this.#ip("-n", this.#name, ...args);
  }
}

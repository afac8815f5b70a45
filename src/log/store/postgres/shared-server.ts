// Keeps what the logs of one process share of a PostgreSQL server: a few sessions that read, and one that hears of commits. Each of them is
// opened when it is first needed.
import { Listener } from "./listener.ts";
import { ReadingPool } from "./pool.ts";

export class SharedServer {
  readonly pool: ReadingPool;
  readonly listener: Listener;

  constructor(url: string) {
    this.pool = new ReadingPool(url);
    this.listener = new Listener(url);
  }

  async close(): Promise<void> {
    this.listener.close();
    await this.pool.close();
  }
}

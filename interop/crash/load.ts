/** Several clients writing at once, each with its own ledger. */

import { Ledger } from './ledger.ts';
import { ConnectionLost } from './raw-session.ts';

export class Load {
  readonly ledgers: readonly Ledger[];
  #prepared = false;

  constructor(clients: number) {
    this.ledgers = Array.from({ length: clients }, (_, i) => new Ledger(`client-${i}`));
  }

  get acknowledged(): number {
    return this.ledgers.reduce((sum, ledger) => sum + ledger.acknowledged, 0);
  }

  /** Takes what has been found wrong so far. */
  takeFaults(): string[] {
    return this.ledgers.flatMap((ledger) => ledger.faults.splice(0));
  }

  /** Connects every client to the server, and verifies its tree. */
  async attach(port: number, exact = false): Promise<void> {
    await Promise.all(
      this.ledgers.map(async (ledger) => {
        try {
          await ledger.attach(port);
        } catch (error) {
          if (!(error instanceof ConnectionLost)) throw error;
          throw new Error(`a client that has seen 0x${ledger.seenZxid.toString(16)} is sent away`, { cause: error });
        }
        if (this.#prepared) await ledger.verify(exact);
        else await ledger.prepare();
      }),
    );
    this.#prepared = true;
  }

  /** Writes until the connections end. */
  async write(): Promise<void> {
    await Promise.all(this.ledgers.map((ledger) => ledger.write()));
  }

  disconnect(): void {
    for (const ledger of this.ledgers) ledger.disconnect();
  }
}

/**
 * A client that writes a sequence, each of its writes exactly once: when the connection is lost with a write under way, it
 * looks on the next connection whether that write was carried out, and repeats it if not. It may rely on it: after `sync`
 * on a later connection, nothing of an earlier connection of the session is still to come.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { CreateMode, ErrorCode } from '@headkeeper/protocol';
import { ConnectionLost } from '../crash/raw-session.ts';
import { creation, type EnsembleSession } from './ensemble-session.ts';

/** Writes into one folder: the names in it have to be read when a write is in doubt. */
const FOLDER_SIZE = 200;

export interface WriteTimes {
  readonly zxid: number;
  /** Milliseconds of performance.now(). */
  readonly sent: number;
  readonly answered: number;
}

export class SequenceWriter {
  /** Writes that were acknowledged. */
  acknowledged = 0;
  /** Writes whose answer was lost, and what a later look showed. */
  foundDone = 0;
  repeated = 0;
  readonly faults: string[] = [];
  readonly session: EnsembleSession;
  readonly #root: string;
  readonly #heard: (times: WriteTimes) => void;
  /** Writes that are done, acknowledged or found. */
  #done = 0;
  #stopping = false;

  constructor(session: EnsembleSession, root: string, heard: (times: WriteTimes) => void) {
    this.session = session;
    this.#root = `${root}/${session.name}`;
    this.#heard = heard;
  }

  /** Makes the folder and an ephemeral of the session; once, before anything else. */
  async prepare(): Promise<void> {
    await this.session.ensure(this.#root);
    const { error } = await this.session.ask('create', creation(`${this.#root}/alive`, '', CreateMode.ephemeral));
    if (error !== ErrorCode.ok) throw new Error(`${this.#root}/alive cannot be made: ${error}`);
  }

  /** Writes until `stop` is called, with `paceMs()` milliseconds between two writes. */
  async run(paceMs: () => number): Promise<void> {
    this.#stopping = false;
    while (!this.#stopping) {
      if (this.#done % FOLDER_SIZE === 0) await this.session.ensure(this.folderOf(this.#done));
      await this.#writeOnce(this.#done);
      this.#done++;
      if (paceMs() > 0) await pause(paceMs());
    }
  }

  /** No further write is begun; `run` returns after the one under way. */
  stop(): void {
    this.#stopping = true;
  }

  /** Where the write number `n` goes. */
  folderOf(n: number): string {
    return `${this.#root}/${Math.floor(n / FOLDER_SIZE)}`;
  }

  /** Compares the tree with what was written. The load must have stopped. */
  async verify(): Promise<void> {
    await this.session.askUntilAnswered('sync', { path: '/' });
    for (let first = 0; first < this.#done; first += FOLDER_SIZE) await this.#verifyFolder(first);
    const { body } = await this.session.askUntilAnswered('exists', { path: `${this.#root}/alive`, watch: false });
    if (body?.stat.ephemeralOwner !== this.session.id) this.faults.push(`${this.#root}/alive is lost`);
  }

  async #writeOnce(n: number): Promise<void> {
    const body = creation(`${this.folderOf(n)}/${n}-`, `${this.session.name} ${n}`, CreateMode.persistentSequential);
    for (;;) {
      try {
        const sent = performance.now();
        const { error, zxid } = await this.session.ask('create', body);
        if (error !== ErrorCode.ok) throw new Error(`${this.session.name}: create is answered ${error}`);
        this.acknowledged++;
        this.#heard({ zxid, sent, answered: performance.now() });
        return;
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
      }
      if (await this.#isThere(n)) {
        this.foundDone++;
        return;
      }
      this.repeated++;
    }
  }

  async #isThere(n: number): Promise<boolean> {
    for (;;) {
      try {
        const link = await this.session.link();
        // One after the other on one connection: the read must not go to a server that has not seen the sync.
        await this.session.askOn(link, 'sync', { path: '/' });
        const { body, error } = await this.session.askOn(link, 'getChildren', { path: this.folderOf(n), watch: false });
        if (error !== ErrorCode.ok) throw new Error(`${this.folderOf(n)}: ${error}`);
        return (body?.children ?? []).some((name) => name.startsWith(`${n}-`));
      } catch (error) {
        if (!(error instanceof ConnectionLost) || this.session.ended) throw error;
      }
    }
  }

  /** Every write is there once, and the counter in its name says that all were carried out in order. */
  async #verifyFolder(first: number): Promise<void> {
    const folder = this.folderOf(first);
    const { body } = await this.session.askUntilAnswered('getChildren', { path: folder, watch: false });
    const names = new Set(body?.children ?? []);
    const last = Math.min(first + FOLDER_SIZE, this.#done);
    for (let n = first; n < last; n++) {
      const wanted = `${n}-${String(n - first).padStart(10, '0')}`;
      const found = [...names].filter((name) => name.startsWith(`${n}-`));
      for (const name of found) names.delete(name);
      if (found.length === 0) this.faults.push(`lost: ${folder}/${n}-`);
      else if (found.length > 1) this.faults.push(`duplicate: ${folder}/${found.join(' and ')}`);
      else if (found[0] !== wanted) this.faults.push(`out of order: ${folder}/${found[0]}, not ${wanted}`);
    }
    for (const name of names) this.faults.push(`nobody asked for ${folder}/${name}`);
  }
}

/**
 * A client that writes a numbered history, remembers what was acknowledged and when, and compares it later with what a
 * restore has brought back.
 */

import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ErrorCode, OpCode } from '@headkeeper/protocol';
import { ConnectionLost } from '../crash/raw-session.ts';
import { creation, EnsembleSession } from '../ensemble/ensemble-session.ts';

/** Writes into one folder. */
const FOLDER_SIZE = 500;

/** An acknowledged write. */
export interface Acknowledged {
  /** Null when the answer was lost and a later attempt found the write done. */
  readonly zxid: number | null;
  /** Epoch milliseconds. */
  readonly answeredMs: number;
}

/** What a restored tree has of one writer. */
export interface Restored {
  /** How many of its writes are there: a number `n` says that exactly those from 0 to n - 1 are. */
  readonly present: number;
  /** One sentence for everything that is not as it was written. */
  readonly faults: readonly string[];
}

export class RecordingWriter {
  readonly root: string;
  /** By number; all below its length were acknowledged. */
  readonly writes: Acknowledged[] = [];
  readonly session: EnsembleSession;
  readonly #name: string;
  #begun = 0;
  #stopping = false;

  constructor(name: string, ports: readonly number[]) {
    this.#name = name;
    this.root = `/recorded/${name}`;
    this.session = new EnsembleSession(name, { ports, sessionMs: 10_000 });
  }

  /** Makes the folders; once, before anything else. */
  async prepare(): Promise<void> {
    for (const path of ['/recorded', this.root]) await this.session.ensure(path);
    await this.session.askUntilAnswered('create', creation(`${this.root}/last`, 'none', 0));
  }

  /**
   * Writes until `stop` is called or the session is ended. Each write is one multi: a new znode, and the number of it in
   * `last`. So a restore shows whole transactions or none.
   */
  async run(paceMs: number): Promise<void> {
    this.#stopping = false;
    try {
      while (!this.#stopping) {
        const n = this.writes.length;
        if (n % FOLDER_SIZE === 0) await this.session.ensure(this.#folderOf(n));
        this.#begun = n + 1;
        this.writes.push(await this.#write(n));
        if (paceMs > 0) await pause(paceMs);
      }
    } catch (error) {
      if (!(this.#stopping && error instanceof ConnectionLost)) throw error;
    }
  }

  /** No further write is begun, and the connection is dropped: the one under way may be done or not. */
  stop(): void {
    this.#stopping = true;
    this.session.end();
  }

  async #write(n: number): Promise<Acknowledged> {
    const path = this.pathOf(n);
    const create = { type: OpCode.create, body: creation(path, textOf(this.#name, n), 0) } as const;
    const note = { path: `${this.root}/last`, data: Buffer.from(String(n)), version: -1 };
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await this.session.ask('multi', { ops: [create, { type: OpCode.setData, body: note }] });
        const refusal = answer.body?.results.find((result) => result.type === OpCode.error && result.body.err !== 0);
        if (answer.error === ErrorCode.ok && refusal === undefined)
          return { zxid: answer.zxid, answeredMs: Date.now() };
        const first = answer.body?.results[0];
        const isThere = first?.type === OpCode.error && first.body.err === ErrorCode.nodeExists;
        if (attempt > 1 && isThere) return { zxid: null, answeredMs: Date.now() };
        throw new Error(`${path} is answered ${answer.error}: ${JSON.stringify(answer.body)}`);
      } catch (error) {
        if (!(error instanceof ConnectionLost) || this.#stopping) throw error;
      }
    }
  }

  /** Compares what a server has with what was written; `session` is one of the restored ensemble. */
  async compare(session: EnsembleSession): Promise<Restored> {
    const faults: string[] = [];
    const numbers = new Set<number>();
    for (let first = 0; first < this.#begun; first += FOLDER_SIZE) {
      const folder = this.#folderOf(first);
      const { body } = await session.askUntilAnswered('getChildren', { path: folder, watch: false });
      for (const name of body?.children ?? []) {
        const n = Number(name);
        if (!/^\d{8}$/.test(name) || n < first || n >= Math.min(first + FOLDER_SIZE, this.#begun))
          faults.push(`nobody asked for ${folder}/${name}`);
        else numbers.add(n);
      }
    }
    const present = numbers.size;
    for (let n = 0; n < present; n += 1) if (!numbers.has(n)) faults.push(`gap: ${this.pathOf(n)} is missing`);
    await this.#compareEach(session, [...numbers], faults);
    const last = await session.askUntilAnswered('getData', { path: `${this.root}/last`, watch: false });
    const told = last.body === null ? 'nothing' : Buffer.from(last.body.data ?? []).toString();
    const expected = present === 0 ? 'none' : String(present - 1);
    if (told !== expected) faults.push(`torn: ${this.root}/last says ${told} where ${present} writes are there`);
    if (last.body !== null && last.body.stat.version !== present)
      faults.push(`repeated: ${this.root}/last has version ${last.body.stat.version} after ${present} writes`);
    return { present, faults };
  }

  async #compareEach(session: EnsembleSession, numbers: readonly number[], faults: string[]): Promise<void> {
    const link = await session.link();
    for (let at = 0; at < numbers.length; at += 200) {
      await Promise.all(
        numbers.slice(at, at + 200).map(async (n) => {
          const path = this.pathOf(n);
          const { body } = await session.askOn(link, 'getData', { path, watch: false });
          if (body === null) faults.push(`gap: ${path} cannot be read`);
          else if (Buffer.from(body.data ?? []).toString() !== textOf(this.#name, n))
            faults.push(`wrong bytes: ${path}`);
          const zxid = this.writes[n]?.zxid ?? null;
          if (body !== null && zxid !== null && Number(body.stat.czxid) !== zxid)
            faults.push(`wrong zxid: ${path} was created by ${zxid} and says ${body.stat.czxid}`);
        }),
      );
    }
  }

  #folderOf(n: number): string {
    return `${this.root}/${Math.floor(n / FOLDER_SIZE)}`;
  }

  /** Where the write number `n` is. */
  pathOf(n: number): string {
    return `${this.#folderOf(n)}/${String(n).padStart(8, '0')}`;
  }
}

/** What a writer writes as its number `n`: from a few bytes to some thousands, and nothing that compresses away. */
function textOf(name: string, n: number): string {
  const block = createHash('sha256').update(`${name} ${n}`).digest('base64');
  return `${name} ${n} ${block.repeat(n % 97 === 0 ? 60 : n % 4)}`;
}

/**
 * Judges a restore by the whole acknowledged history.
 * @param destroyedMs When the first server was killed, epoch milliseconds
 * @param exposureMs What may be lost
 */
export function judge(
  writers: readonly RecordingWriter[],
  restored: readonly Restored[],
  destroyedMs: number,
  exposureMs: number,
): { readonly faults: string[]; readonly lost: number; readonly oldestLostMs: number; readonly kept: number } {
  const faults = restored.flatMap((each) => each.faults);
  const lostWrites: { readonly what: string; readonly write: Acknowledged }[] = [];
  let newestKept = 0;
  let kept = 0;
  for (const [index, writer] of writers.entries()) {
    const { present } = restored[index]!;
    kept += present;
    for (const [n, write] of writer.writes.entries()) {
      if (n >= present) lostWrites.push({ what: `${writer.root} number ${n}`, write });
      else newestKept = Math.max(newestKept, write.zxid ?? 0);
    }
  }
  for (const { what, write } of lostWrites) {
    const age = destroyedMs - write.answeredMs;
    if (age > exposureMs) faults.push(`lost: ${what}, acknowledged ${age} ms before the end`);
    // One history: what comes after a lost write must be lost, too.
    if (write.zxid !== null && write.zxid < newestKept)
      faults.push(`gap: ${what} (zxid ${write.zxid}) is lost and zxid ${newestKept} is not`);
  }
  const oldestLostMs = lostWrites.reduce((most, { write }) => Math.max(most, destroyedMs - write.answeredMs), 0);
  return { faults, lost: lostWrites.length, oldestLostMs, kept };
}

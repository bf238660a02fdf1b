/** One client's writes: what was sent, what was acknowledged, and whether a server's tree agrees. */

import { decodeUtf8, ErrorCode, encodeUtf8, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import { ConnectionLost, RawSession, type SessionKey } from './raw-session.ts';

/** Requests of one kind under way at a time. */
const WINDOW = 8;

const CreateFlag = { persistent: 0, ephemeral: 1, persistentSequential: 2 } as const;

/** Of a znode that comes and goes. What was not acknowledged may have been carried out or not. */
type Fate = 'creating' | 'there' | 'deleting' | 'gone';

export class Ledger {
  /** Acknowledged writes so far. */
  acknowledged = 0;
  /** What is wrong with the tree: one sentence each. */
  readonly faults: string[] = [];
  /** The largest zxid that this client was shown. */
  seenZxid = 0;
  readonly #name: string;
  #session: RawSession | null = null;
  #key: SessionKey | null = null;
  #counterSent = 0;
  #counterAcknowledged = 0;
  /** The counter, its version, and what had been sent, when it was last verified. */
  #counterAtStart = 0;
  #counterVersion = 0;
  #counterSentBefore = 0;
  /** Sequential znodes by name: what was written into them. */
  readonly #sequence: Map<string, string> = new Map();
  /** What was written into sequential znodes whose names were never heard. */
  readonly #sequenceUnheard: Set<string> = new Set();
  #sequenceNext = 0;
  /** Znodes that are created and then deleted. */
  readonly #passing: Map<string, Fate> = new Map();
  #passingNext = 0;
  readonly #ephemerals: Map<string, Fate> = new Map();
  #ephemeralNext = 0;

  constructor(name: string) {
    this.#name = name;
  }

  get #base(): string {
    return `/${this.#name}`;
  }

  /** Attaches to the running server: with the session of before, which must still be there, or with a first one. */
  async attach(port: number): Promise<void> {
    this.#session = await RawSession.attach(port, this.#key, this.seenZxid);
    this.#key = this.#session.key;
  }

  /** Makes the folders; once, before anything else. */
  async prepare(): Promise<void> {
    for (const path of [this.#base, ...['counter', 'sequence', 'passing', 'alive'].map((n) => `${this.#base}/${n}`)]) {
      const { error } = await this.#live().request('create', this.#create(path, '0', CreateFlag.persistent));
      if (error !== ErrorCode.ok) throw new Error(`${path} cannot be made: ${error}`);
    }
  }

  /** Writes without end, until the connection does. */
  async write(): Promise<void> {
    const lanes: Promise<void>[] = [this.#liveOn()];
    for (let i = 0; i < WINDOW; i++) lanes.push(this.#count(), this.#append(), this.#pass());
    const ended = await Promise.allSettled(lanes);
    for (const lane of ended) {
      if (lane.status === 'rejected' && !(lane.reason instanceof ConnectionLost)) throw lane.reason;
    }
    this.seenZxid = Math.max(this.seenZxid, this.#live().seenZxid);
  }

  /** Ends the session: its ephemerals must go, now or at the latest with the next life of the server. */
  async close(): Promise<void> {
    for (const path of this.#ephemerals.keys()) this.#ephemerals.set(path, 'gone');
    const { error } = await this.#live().request('closeSession', null);
    if (error !== ErrorCode.ok) this.faults.push(`${this.#name}: the session cannot be closed: ${error}`);
    this.seenZxid = Math.max(this.seenZxid, this.#live().seenZxid);
    this.#live().destroy();
    this.#key = null;
    this.acknowledged++;
  }

  disconnect(): void {
    this.#session?.destroy();
  }

  /**
   * Compares the server's tree with what is known, and knows more afterwards. `exact`: nothing may be there that was not
   * acknowledged.
   */
  async verify(exact = false): Promise<void> {
    await this.#verifyCounter(exact);
    await this.#verifySequence(exact);
    await this.#verifyFates(`${this.#base}/passing`, this.#passing, exact);
    await this.#verifyFates(`${this.#base}/alive`, this.#ephemerals, exact);
    await this.#verifyOwners();
    const seen = this.#live().seenZxid;
    if (seen < this.seenZxid) this.#fault(`zxids went back from ${this.seenZxid} to ${seen}`);
    this.seenZxid = Math.max(this.seenZxid, seen);
  }

  async #count(): Promise<void> {
    for (;;) {
      const value = ++this.#counterSent;
      const body = { path: `${this.#base}/counter`, data: encodeUtf8(String(value)), version: -1 };
      const { error } = await this.#live().request('setData', body);
      if (error !== ErrorCode.ok) throw new Error(`setData: ${error}`);
      this.#counterAcknowledged = Math.max(this.#counterAcknowledged, value);
      this.acknowledged++;
    }
  }

  async #append(): Promise<void> {
    for (;;) {
      const text = String(++this.#sequenceNext);
      this.#sequenceUnheard.add(text);
      const body = this.#create(`${this.#base}/sequence/n-`, text, CreateFlag.persistentSequential);
      const answer = await this.#live().request('create', body);
      if (answer.error !== ErrorCode.ok) throw new Error(`create: ${answer.error}`);
      this.#sequence.set(nameOf(answer.body?.path ?? ''), text);
      this.#sequenceUnheard.delete(text);
      this.acknowledged++;
    }
  }

  async #pass(): Promise<void> {
    for (;;) {
      const name = String(++this.#passingNext);
      const path = `${this.#base}/passing/${name}`;
      this.#passing.set(name, 'creating');
      const created = await this.#live().request('create', this.#create(path, name, CreateFlag.persistent));
      if (created.error !== ErrorCode.ok) throw new Error(`create: ${created.error}`);
      this.#passing.set(name, 'there');
      this.acknowledged++;
      // Some stay, so that there is something to lose.
      if (Number(name) % 3 === 0) continue;
      this.#passing.set(name, 'deleting');
      const deleted = await this.#live().request('delete', { path, version: -1 });
      if (deleted.error !== ErrorCode.ok) throw new Error(`delete: ${deleted.error}`);
      this.#passing.set(name, 'gone');
      this.acknowledged++;
    }
  }

  /** One ephemeral in each life of the server. */
  async #liveOn(): Promise<void> {
    const name = String(++this.#ephemeralNext);
    this.#ephemerals.set(name, 'creating');
    const body = this.#create(`${this.#base}/alive/${name}`, name, CreateFlag.ephemeral);
    const { error } = await this.#live().request('create', body);
    if (error !== ErrorCode.ok) throw new Error(`create ephemeral: ${error}`);
    this.#ephemerals.set(name, 'there');
    this.acknowledged++;
  }

  async #verifyCounter(exact: boolean): Promise<void> {
    const { body } = await this.#live().request('getData', { path: `${this.#base}/counter`, watch: false });
    if (body === null) return this.#fault('the counter is gone');
    const value = Number(textOf(body.data));
    if (value < this.#counterAcknowledged) this.#fault(`counter ${value}, acknowledged ${this.#counterAcknowledged}`);
    if (value > this.#counterSent) this.#fault(`counter ${value}, sent ${this.#counterSent}`);
    if (exact && value !== this.#counterAcknowledged) this.#fault(`counter ${value} was never acknowledged`);
    // Sets are carried out in the order in which they were sent, so the version counts those of this life.
    const carriedOut = value === this.#counterAtStart ? 0 : value - this.#counterSentBefore;
    const version = this.#counterVersion + carriedOut;
    if (body.stat.version !== version) this.#fault(`counter ${value} has version ${body.stat.version}, not ${version}`);
    this.#counterAtStart = value;
    this.#counterVersion = body.stat.version;
    this.#counterSentBefore = this.#counterSent;
    this.#counterAcknowledged = value;
  }

  async #verifySequence(exact: boolean): Promise<void> {
    const folder = `${this.#base}/sequence`;
    const present = new Set(await this.#children(folder));
    for (const [name, text] of this.#sequence) {
      if (!present.has(name)) this.#fault(`${folder}/${name} is gone, acknowledged with ${text}`);
    }
    for (const name of present) {
      if (this.#sequence.has(name)) continue;
      const { body } = await this.#live().request('getData', { path: `${folder}/${name}`, watch: false });
      const text = textOf(body?.data ?? null);
      if (exact) this.#fault(`${folder}/${name} was never acknowledged`);
      if (!this.#sequenceUnheard.has(text)) this.#fault(`${folder}/${name} with ${text}: nobody asked for it`);
      this.#sequence.set(name, text);
    }
    this.#sequenceUnheard.clear();
  }

  async #verifyFates(folder: string, fates: Map<string, Fate>, exact: boolean): Promise<void> {
    const present = new Set(await this.#children(folder));
    for (const [name, fate] of fates) {
      const isThere = present.delete(name);
      if (fate === 'there' && !isThere) this.#fault(`${folder}/${name} is gone`);
      if (fate === 'gone' && isThere) this.#fault(`${folder}/${name} is there again`);
      if (exact && fate === 'creating' && isThere) this.#fault(`${folder}/${name} was never acknowledged`);
      if (exact && fate === 'deleting' && !isThere) this.#fault(`${folder}/${name}: the delete was never acknowledged`);
      if (isThere) fates.set(name, 'there');
      else fates.delete(name);
    }
    for (const name of present) this.#fault(`${folder}/${name}: nobody asked for it`);
  }

  async #verifyOwners(): Promise<void> {
    for (const name of this.#ephemerals.keys()) {
      const { body } = await this.#live().request('exists', { path: `${this.#base}/alive/${name}`, watch: false });
      if (body?.stat.ephemeralOwner !== this.#key?.id) this.#fault(`alive/${name} belongs to another session`);
    }
  }

  async #children(path: string): Promise<readonly string[]> {
    const { body, error } = await this.#live().request('getChildren', { path, watch: false });
    if (error !== ErrorCode.ok) this.#fault(`the children of ${path}: ${error}`);
    return body?.children ?? [];
  }

  #create(path: string, text: string, flags: number) {
    return { path, data: encodeUtf8(text), acl: WORLD_ANYONE_ALL, flags };
  }

  #live(): RawSession {
    if (this.#session === null) throw new Error('not attached');
    return this.#session;
  }

  #fault(text: string): void {
    this.faults.push(`${this.#name}: ${text}`);
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function textOf(data: Uint8Array | null): string {
  return data === null ? '' : decodeUtf8(data, 0, data.length);
}

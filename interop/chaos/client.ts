/** A client of a run: its requests, with a line of history before each and after; watches; sessions; the order of what it sees. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Answer, ClientEvent, ClientProcess, Command } from './client-process.ts';
import { type HistoryFile, nowUs } from './history.ts';

const REFUSALS: Readonly<Record<string, number>> = { noNode: -101, badVersion: -103, nodeExists: -110 };
const MODES = ['persistent', 'ephemeral', 'persistentSequential', 'ephemeralSequential'] as const;
const EVENT_TYPES: Readonly<Record<string, string>> = {
  created: 'NodeCreated',
  deleted: 'NodeDeleted',
  dataChanged: 'NodeDataChanged',
  childrenChanged: 'NodeChildrenChanged',
};

interface Seen {
  readonly session: string;
  readonly mzxid: number;
  /** When the answer was there. */
  readonly at: number;
}

/** Sessions end by their servers at the earliest so many microseconds before their time: clocks of processes that are busy. */
const EARLY_US = 1_000_000;

export class ChaosClient {
  /** What its libraries must never show. */
  readonly faults: string[] = [];
  readonly #process: ClientProcess;
  readonly #history: HistoryFile;
  readonly #sessionUs: number;
  readonly #seen: Map<string, Seen> = new Map();
  readonly #watchers: Map<number, (type: string) => void> = new Map();
  readonly #expired: Set<string> = new Set();
  /** Sessions by when their latest answered write was sent: then they lived. */
  readonly #lived: Map<string, number> = new Map();
  #writes = 0;
  #toldToEnd = false;
  expiries = 0;
  requests = 0;
  unknown = 0;

  constructor(process: ClientProcess, history: HistoryFile, sessionMs: number) {
    this.#process = process;
    this.#history = history;
    this.#sessionUs = sessionMs * 1000;
  }

  get name(): string {
    return this.#process.name;
  }

  get language(): string {
    return this.#process.language;
  }

  get session(): string {
    return this.#process.session;
  }

  get ended(): boolean {
    return this.#process.ended;
  }

  get toldToEnd(): boolean {
    return this.#toldToEnd;
  }

  /** What the process printed as errors. */
  get errors(): string {
    return this.#process.errors;
  }

  /** Data that nobody else writes. */
  fresh(): string {
    return `${this.name}-${++this.#writes}`;
  }

  create(path: string, data: string, mode: 0 | 1 | 2 | 3, on?: string): Promise<Answer> {
    return this.#ask('create', 'create', path, { data, mode: MODES[mode] }, [data, mode], on);
  }

  set(path: string, data: string, version: number, on?: string): Promise<Answer> {
    return this.#ask('set', 'setData', path, { data, version }, [data, version], on);
  }

  delete(path: string, version: number, on?: string): Promise<Answer> {
    return this.#ask('delete', 'delete', path, { version }, [version], on);
  }

  read(path: string): Promise<Answer> {
    return this.#ask('read', 'getData', path, { watch: false }, [0]);
  }

  /** `fired` is told once, or never when the session ends first; type `dropped`: the client has forgotten the watch. */
  watch(path: string, fired: (type: string) => void): Promise<Answer> {
    return this.#ask('read', 'getData', path, { watch: true }, [1], undefined, (type) => {
      if (type in EVENT_TYPES) this.#line('event', { type: EVENT_TYPES[type], path });
      fired(type);
    });
  }

  /** A read behind a `sync` of its own. */
  current(path: string, on?: string): Promise<Answer> {
    return this.#ask('fresh', 'getData', path, { watch: false }, [], on);
  }

  children(path: string): Promise<Answer> {
    return this.#ask('children', 'getChildren', path, { watch: false }, []);
  }

  /** An operation on an object made of several requests, as one line before and one after. */
  async whole<T extends { readonly outcome: 'ok' | 'refused' | 'unknown' | 'never'; readonly out?: object }>(
    on: string,
    what: string,
    asked: object,
    work: (id: number) => Promise<T>,
  ): Promise<T> {
    const id = this.#process.takeId();
    this.#line('call', { id, do: what, in: asked, on });
    const done = await work(id);
    this.#line('return', { id, outcome: done.outcome, ...(done.out === undefined ? {} : { out: done.out }) });
    return done;
  }

  note(id: number, facts: object): void {
    this.#line('note', { id, ...facts });
  }

  /** What the process tells without being asked. */
  heard(event: ClientEvent): void {
    if (event.event === 'watch') {
      this.#watchers.get(event.id)?.(event.type);
      if (event.type !== 'dropped') this.#watchers.delete(event.id);
      return;
    }
    this.#line('session', { state: event.event, session: event.session }, event.at);
    if (event.event === 'connected' && this.#expired.has(event.session))
      this.faults.push(`${this.name}: session ${event.session} lives again after a server had ended it`);
    if (event.event !== 'expired') return;
    this.expiries++;
    this.#expired.add(event.session);
    const lived = this.#lived.get(event.session) ?? 0;
    const early = lived + this.#sessionUs - event.at;
    if (early > EARLY_US) {
      const ms = (early / 1000).toFixed(0);
      this.faults.push(`${this.name}: session ${event.session} was ended at least ${ms} ms too early`);
    }
  }

  async kill(): Promise<void> {
    this.#toldToEnd = true;
    await this.#process.kill();
  }

  /** Closes the session. */
  async end(): Promise<void> {
    this.#toldToEnd = true;
    await this.#process.end();
  }

  async #ask(
    command: Command,
    name: string,
    path: string,
    facts: object,
    words: readonly (string | number)[],
    on?: string,
    watcher?: (type: string) => void,
  ): Promise<Answer> {
    // A library that knows its session is over refuses at once: it must not make this a busy loop.
    if (this.#expired.has(this.session)) await pause(50);
    const id = this.#process.takeId();
    if (watcher !== undefined) this.#watchers.set(id, watcher);
    this.#line('call', { id, do: name, in: { path, ...facts }, ...(on === undefined ? {} : { on }) });
    this.requests++;
    const answer = await this.#process.ask(id, command, path, ...words);
    const isRead = command === 'read' || command === 'fresh' || command === 'children';
    // kazoo's creates take a thread more than its other answers, so that their zxids do not come in order.
    const isInOrder = this.language !== 'python' || command !== 'create';
    this.#line('return', { id, ...outcomeOf(answer, isRead, isInOrder) }, answer.ret);
    if (answer.out === 'unknown') this.unknown++;
    if (answer.out !== 'ok') this.#watchers.delete(id);
    else this.#verify(path, answer, isRead);
    return answer;
  }

  /** Within a session nothing goes back: not even on another server. */
  #verify(path: string, { session, mzxid, call, ret }: Answer, isRead: boolean): void {
    if (!isRead) this.#lived.set(session, Math.max(call, this.#lived.get(session) ?? 0));
    if (mzxid === undefined) return;
    const before = this.#seen.get(path);
    if (before !== undefined && before.session === session && before.at < call && mzxid < before.mzxid) {
      const [now, then] = [mzxid.toString(16), before.mzxid.toString(16)];
      this.faults.push(`${this.name}: ${path} went back from zxid 0x${then} to 0x${now} in session ${session}`);
    }
    if (before === undefined || before.session !== session || mzxid >= before.mzxid)
      this.#seen.set(path, { session, mzxid, at: ret });
  }

  #line(kind: 'call' | 'return' | 'event' | 'session' | 'note', facts: object, at: number = nowUs()): void {
    this.#history.add({ kind, client: this.name, at, session: this.session, ...facts });
  }
}

function outcomeOf(answer: Answer, isRead: boolean, isInOrder: boolean): object {
  const { out, path, data, children, version, czxid, mzxid, owner } = answer;
  const error = REFUSALS[out];
  if (error !== undefined) return { outcome: 'refused', error };
  if (out === 'notApplied' || (isRead && (out === 'unknown' || answer.stale === true))) return { outcome: 'never' };
  if (out === 'unknown') return { outcome: 'unknown' };
  const stat = version === undefined || !isInOrder ? {} : { stat: { czxid, mzxid, version, ephemeralOwner: owner } };
  const content = isRead && data !== undefined ? { data } : {};
  const names = children === undefined ? {} : { children };
  const made = path === undefined ? {} : { path };
  const zxid = isRead || mzxid === undefined || !isInOrder ? {} : { zxid: mzxid };
  return { outcome: 'ok', ...zxid, out: { ...made, ...content, ...names, ...stat } };
}

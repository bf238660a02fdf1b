/** Clients that read and write the same few registers at the same time, and write down what they saw. */

import { setTimeout as pause } from 'node:timers/promises';
import { CreateMode, decodeUtf8, ErrorCode, encodeUtf8, type RequestBodies } from '@headkeeper/protocol';
import type { RandomStream } from '@headkeeper/testkit';
import { ConnectionLost } from '../crash/raw-session.ts';
import { creation, type EnsembleSession } from './ensemble-session.ts';
import type { Operation } from './history.ts';

/**
 * How a read is made current: by `sync` before it on the same connection, which asks the leader but not a quorum, or by a
 * write of the client's own before it.
 */
export type ReadBarrier = 'sync' | 'write';

/** Registers that are in use at a time, and operations until one is replaced: long histories are hard to judge. */
const LIVE = 3;
const OPERATIONS_EACH = 150;

/** The registers in use. */
export class Registers {
  readonly root: string;
  readonly #uses: Map<string, number> = new Map();
  #made = 0;

  constructor(root: string) {
    this.root = root;
  }

  pick(random: RandomStream): string {
    while (this.#uses.size < LIVE) this.#uses.set(`${this.root}/${++this.#made}`, 0);
    const key = random.pick([...this.#uses.keys()]);
    const uses = (this.#uses.get(key) ?? 0) + 1;
    if (uses < OPERATIONS_EACH) this.#uses.set(key, uses);
    else this.#uses.delete(key);
    return key;
  }
}

type Answered = Pick<Operation, 'outcome'> & Partial<Pick<Operation, 'version' | 'found'>>;

const OUTCOMES: ReadonlyMap<number, Operation['outcome']> = new Map([
  [ErrorCode.ok, 'ok'],
  [ErrorCode.noNode, 'absent'],
  [ErrorCode.nodeExists, 'exists'],
  [ErrorCode.badVersion, 'version'],
]);

export class RegisterClient {
  readonly session: EnsembleSession;
  readonly #number: number;
  readonly #registers: Registers;
  readonly #barrier: ReadBarrier;
  readonly #history: Operation[];
  readonly #random: RandomStream;
  /** The version that this client last saw of a register. */
  readonly #versions: Map<string, number> = new Map();
  #writes = 0;
  #stopping = false;

  constructor(
    number: number,
    session: EnsembleSession,
    registers: Registers,
    barrier: ReadBarrier,
    history: Operation[],
    random: RandomStream,
  ) {
    this.#number = number;
    this.session = session;
    this.#registers = registers;
    this.#barrier = barrier;
    this.#history = history;
    this.#random = random;
  }

  get #own(): string {
    return `${this.#registers.root}/client-${this.#number}`;
  }

  async prepare(): Promise<void> {
    await this.session.ensure(this.#registers.root);
    await this.session.ensure(this.#own);
  }

  /** Operates until `stop`, with pauses of up to `pauseMs` milliseconds. */
  async run(pauseMs: number): Promise<void> {
    while (!this.#stopping) {
      await this.#operate(this.#registers.pick(this.#random));
      await pause(this.#random.below(pauseMs));
    }
  }

  stop(): void {
    this.#stopping = true;
  }

  async #operate(key: string): Promise<void> {
    const chance = this.#random.below(100);
    if (chance < 45) await this.#read(key);
    else if (chance < 70) await this.#set(key, -1);
    else if (chance < 85) await this.#set(key, this.#versions.get(key) ?? 0);
    else if (chance < 97) await this.#create(key);
    else await this.#write('delete', key, '', -1, { path: key, version: -1 });
  }

  #create(key: string): Promise<void> {
    const data = this.#nextData();
    return this.#write('create', key, data, -1, creation(key, data, CreateMode.persistent));
  }

  #set(key: string, expected: number): Promise<void> {
    const data = this.#nextData();
    return this.#write('set', key, data, expected, { path: key, data: encodeUtf8(data), version: expected });
  }

  async #write(
    op: 'create' | 'set' | 'delete',
    key: string,
    data: string,
    expected: number,
    body: RequestBodies['create' | 'setData' | 'delete'],
  ): Promise<void> {
    const link = await this.session.link();
    const call = now();
    const request = op === 'set' ? 'setData' : op;
    let answered: Answered;
    try {
      // The body belongs to the operation; three overloads would say so at length.
      const { error, body: reply } = await this.session.askOn(link, request, body as never);
      answered = { outcome: outcomeOf(error) };
      if (reply !== null && 'stat' in reply) answered = { ...answered, version: reply.stat.version };
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      answered = { outcome: 'unknown' };
    }
    this.#record(op, key, data, expected, call, answered);
  }

  async #read(key: string): Promise<void> {
    const link = await this.session.link();
    const call = now();
    try {
      const barrier =
        this.#barrier === 'sync'
          ? this.session.askOn(link, 'sync', { path: key })
          : this.session.askOn(link, 'setData', { path: this.#own, data: null, version: -1 });
      const reading = this.session.askOn(link, 'getData', { path: key, watch: false });
      const [{ error: failed }, { error, body }] = await Promise.all([barrier, reading]);
      if (failed !== ErrorCode.ok) return;
      const found = body?.data == null ? '' : decodeUtf8(body.data, 0, body.data.length);
      this.#record('read', key, '', -1, call, { outcome: outcomeOf(error), version: body?.stat.version ?? 0, found });
      if (body !== null) this.#versions.set(key, body.stat.version);
    } catch (error) {
      // A read without an answer says nothing.
      if (!(error instanceof ConnectionLost)) throw error;
    }
  }

  #record(op: Operation['op'], key: string, data: string, expected: number, call: number, answered: Answered): void {
    const { port } = this.session;
    const { outcome, version = 0, found = '' } = answered;
    this.#history.push({
      ...{ client: this.#number, key, op, data, expected, call, return: now() },
      ...{ outcome, version, found, port },
    });
  }

  #nextData(): string {
    return `${this.#number}-${++this.#writes}`;
  }
}

function outcomeOf(error: number): Operation['outcome'] {
  const outcome = OUTCOMES.get(error);
  if (outcome === undefined) throw new Error(`an operation on a register is answered ${error}`);
  return outcome;
}

function now(): number {
  return Math.round(performance.now() * 1000);
}

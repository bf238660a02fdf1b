import {
  CreateMode,
  type CreateRequest,
  ErrorCode,
  encodeUtf8,
  type GetChildrenResponse,
  type GetDataResponse,
  type SetDataRequest,
  type StatResponse,
  WORLD_ANYONE_ALL,
} from '@headkeeper/protocol';
import type { RandomStream } from '@headkeeper/testkit';
import type { ObjectRequest, Result, ReturnLine } from '../histories/lines.ts';
import { dataText } from '../model/byte-text.ts';
import type { Answer } from './connection.ts';
import type { ClientProgram, SimClient } from './sim-client.ts';

type Kind = 'register' | 'counter' | 'set' | 'queue' | 'lock';

/**
 * Which objects clients share: some of every kind, or a single register, which all read and write all the time, so that even
 * a read that is stale by one txn shows an older value than somebody has been shown.
 */
export type ObjectChoice = 'every kind' | 'one register';

const KINDS: Readonly<Record<ObjectChoice, readonly Kind[]>> = {
  'every kind': ['register', 'register', 'register', 'counter', 'set', 'queue', 'lock'],
  'one register': ['register'],
};
const LIVE_REGISTERS: Readonly<Record<ObjectChoice, number>> = { 'every kind': 2, 'one register': 1 };

/** Operations until an object is replaced by a fresh one: the search does not like long histories. */
const OPERATIONS_EACH = 60;
const ELEMENTS = ['a', 'b', 'c', 'd'];

/** The objects that the clients of a run share. */
export class ObjectPool {
  readonly #uses: Map<string, number> = new Map();
  readonly #choice: ObjectChoice;
  #writes = 0;

  constructor(choice: ObjectChoice) {
    this.#choice = choice;
  }

  pickKind(random: RandomStream): Kind {
    return random.pick(KINDS[this.#choice]);
  }

  /** The path of an object of this kind that is in use. */
  pick(kind: Kind, random: RandomStream): string {
    const slot = kind === 'register' ? `register${random.below(LIVE_REGISTERS[this.#choice])}` : kind;
    const uses = this.#uses.get(slot) ?? 0;
    this.#uses.set(slot, uses + 1);
    return `/${slot}-${Math.floor(uses / OPERATIONS_EACH)}`;
  }

  /** Differs from all others of the run. */
  nextValue(client: string): string {
    return `${client.replace('client ', 'c')}-${++this.#writes}`;
  }
}

/** Operates on registers, counters, sets, queues and locks, one operation after the other, and writes each down. */
export class ObjectProgram implements ClientProgram {
  readonly #pool: ObjectPool;
  readonly #random: RandomStream;
  readonly #client: SimClient;
  /** The call of the object's operation that is under way; null: it is a request itself. */
  #call: number | null = null;
  /** Whether what is under way has sent a write. */
  #hasWritten = false;
  isBusy = false;
  /** Versions of registers as last seen. */
  readonly #versions: Map<string, number> = new Map();
  /** Locks that may be this client's. */
  readonly #locks: Set<string> = new Set();

  constructor(pool: ObjectPool, random: RandomStream, client: SimClient) {
    this.#pool = pool;
    this.#random = random;
    this.#client = client;
  }

  lost(): void {
    if (this.#call !== null) this.#client.record?.end(this.#call, this.#hasWritten ? 'unknown' : 'never');
    this.#call = null;
    this.isBusy = false;
  }

  act(): void {
    this.isBusy = true;
    this.#hasWritten = false;
    const kind = this.#pool.pickKind(this.#random);
    const path = this.#pool.pick(kind, this.#random);
    if (kind === 'register') this.#register(path);
    else if (kind === 'counter') this.#counter(path);
    else if (kind === 'set') this.#set(path);
    else if (kind === 'queue') this.#queue(path);
    else this.#lock(path);
  }

  #register(path: string): void {
    const on = `register:${path}`;
    const chance = this.#random.below(100);
    const data = encodeUtf8(this.#pool.nextValue(this.#client.name));
    const done = (): void => {
      this.isBusy = false;
    };
    if (chance < 40) this.#readRegister(path, on);
    else if (chance < 60)
      this.#client.write({ op: 'create', body: creation(path, data, CreateMode.persistent) }, done, { on });
    else if (chance < 92) {
      const version = this.#random.below(2) === 0 ? -1 : (this.#versions.get(path) ?? 0);
      this.#client.write({ op: 'setData', body: { path, data, version } }, done, { on });
    } else this.#client.write({ op: 'delete', body: { path, version: -1 } }, done, { on });
  }

  #readRegister(path: string, on: string): void {
    const since = this.#client.record?.now ?? 0;
    this.#client.sync(() => {
      this.#client.read(
        'getData',
        path,
        false,
        ({ error, body }) => {
          if (error === ErrorCode.ok) this.#versions.set(path, (body as GetDataResponse).stat.version);
          this.isBusy = false;
        },
        { on, since },
      );
    });
  }

  #counter(path: string): void {
    if (this.#random.below(3) === 0) {
      this.#begin({ do: 'read', in: {}, on: `counter:${path}` });
      this.#current(path, ({ error, body }) => this.#end('ok', { value: error === 0 ? numberIn(body) : 0 }));
      return;
    }
    const by = this.#random.between(1, 5);
    this.#begin({ do: 'add', in: { by }, on: `counter:${path}` });
    this.#add(path, by);
  }

  #add(path: string, by: number): void {
    this.#client.read('getData', path, false, ({ error, body }) => {
      const isThere = error === ErrorCode.ok;
      const value = (isThere ? numberIn(body) : 0) + by;
      const data = encodeUtf8(String(value));
      const done = (answer: Answer): void => {
        if (answer.error === ErrorCode.ok) this.#end('ok', { value });
        else this.#add(path, by);
      };
      this.#hasWritten = true;
      if (!isThere) this.#client.write({ op: 'create', body: creation(path, data, CreateMode.persistent) }, done);
      else {
        const { version } = (body as GetDataResponse).stat;
        const change: SetDataRequest = { path, data, version };
        this.#client.write({ op: 'setData', body: change }, done);
      }
    });
  }

  #set(path: string): void {
    const on = `set:${path}`;
    const chance = this.#random.below(3);
    const value = this.#random.pick(ELEMENTS);
    const done = ({ error }: Answer): void => this.#end(error === ErrorCode.ok ? 'ok' : 'refused');
    this.#within(path, () => {
      if (chance === 0) {
        this.#begin({ do: 'list', in: {}, on });
        this.#children(path, (values) => this.#end('ok', { values }));
        return;
      }
      this.#begin({ do: chance === 1 ? 'add' : 'remove', in: { value }, on });
      this.#hasWritten = true;
      const element = `${path}/${value}`;
      if (chance === 1)
        this.#client.write({ op: 'create', body: creation(element, null, CreateMode.persistent) }, done);
      else this.#client.write({ op: 'delete', body: { path: element, version: -1 } }, done);
    });
  }

  #queue(path: string): void {
    const on = `queue:${path}`;
    const isPut = this.#random.below(2) === 0;
    this.#within(path, () => {
      if (!isPut) {
        this.#begin({ do: 'take', in: {}, on });
        this.#take(path);
        return;
      }
      const value = this.#pool.nextValue(this.#client.name);
      this.#begin({ do: 'put', in: { value }, on });
      this.#hasWritten = true;
      const body = creation(`${path}/i-`, encodeUtf8(value), CreateMode.persistentSequential);
      this.#client.write({ op: 'create', body }, () => this.#end('ok'));
    });
  }

  #take(path: string): void {
    this.#hasWritten = false;
    this.#children(path, (names) => {
      const [first] = [...names].sort();
      if (first === undefined) {
        this.#end('ok', { value: null });
        return;
      }
      const item = `${path}/${first}`;
      this.#client.read('getData', item, false, ({ error, body }) => {
        if (error !== ErrorCode.ok) {
          this.#take(path);
          return;
        }
        const value = dataText((body as GetDataResponse).data) ?? '';
        if (this.#call !== null) this.#client.record?.note(this.#call, value);
        this.#hasWritten = true;
        this.#client.write({ op: 'delete', body: { path: item, version: -1 } }, (answer) => {
          if (answer.error === ErrorCode.ok) this.#end('ok', { value });
          else this.#take(path);
        });
      });
    });
  }

  /** A lock that may be this client's is looked at first: nobody else may take its znode away. */
  #lock(path: string): void {
    const on = `lock:${path}`;
    if (this.#locks.has(path)) {
      this.#current(path, ({ error, body }) => {
        const owner = error === ErrorCode.ok ? (body as StatResponse).stat.ephemeralOwner : 0n;
        if (owner === this.#client.session?.id) {
          this.#begin({ do: 'release', in: {}, on });
          this.#hasWritten = true;
          this.#client.write({ op: 'delete', body: { path, version: -1 } }, (answer) => {
            this.#locks.delete(path);
            this.#end(answer.error === ErrorCode.ok ? 'ok' : 'refused');
          });
          return;
        }
        this.#locks.delete(path);
        this.isBusy = false;
      });
      return;
    }
    this.#begin({ do: 'acquire', in: {}, on });
    this.#hasWritten = true;
    this.#locks.add(path);
    this.#client.write({ op: 'create', body: creation(path, null, CreateMode.ephemeral) }, ({ error, zxid }) => {
      if (error === ErrorCode.ok) this.#end('ok', { token: zxid });
      else {
        this.#locks.delete(path);
        this.#end('refused');
      }
    });
  }

  /** Goes on when the znode is there whose children make up the object. */
  #within(path: string, then: () => void): void {
    this.#client.read('exists', path, false, ({ error }) => {
      if (error === ErrorCode.ok) then();
      else this.#client.write({ op: 'create', body: creation(path, null, CreateMode.persistent) }, then);
    });
  }

  /** A read behind a sync. */
  #current(path: string, done: (answer: Answer) => void): void {
    this.#client.sync(() => this.#client.read('getData', path, false, done));
  }

  #children(path: string, done: (names: readonly string[]) => void): void {
    this.#client.sync(() => {
      this.#client.read('getChildren', path, false, ({ body }) => {
        done(((body as GetChildrenResponse | null)?.children ?? []) as string[]);
      });
    });
  }

  #begin(request: ObjectRequest): void {
    this.#call = this.#client.record?.begin(request) ?? null;
  }

  #end(outcome: ReturnLine['outcome'], out?: Result): void {
    if (this.#call !== null) this.#client.record?.end(this.#call, outcome, out);
    this.#call = null;
    this.isBusy = false;
  }
}

function creation(path: string, data: Uint8Array | null, flags: number): CreateRequest {
  return { path, data, acl: WORLD_ANYONE_ALL, flags };
}

function numberIn(body: Answer['body']): number {
  return Number(dataText((body as GetDataResponse).data));
}

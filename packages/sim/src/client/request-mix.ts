import { type Acl, CreateMode, encodeUtf8, type MultiOperation, OpCode, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import type { RandomStream, TreeWrite } from '@headkeeper/testkit';
import type { ModelTree } from '../model/model-tree.ts';

/** How often each kind of request is drawn, as weights; 0: never in this run. */
export interface RequestWeights {
  readonly create: number;
  readonly ephemeral: number;
  readonly sequential: number;
  readonly container: number;
  readonly delete: number;
  readonly setData: number;
  readonly setAcl: number;
  readonly multi: number;
  readonly read: number;
  readonly sync: number;
}

export type RequestKind = keyof RequestWeights;

const NAMES = ['a', 'b', 'c', 'd'];
const CONTAINERS = ['/k', '/l'];
const ACLS: readonly (readonly Acl[])[] = [
  WORLD_ANYONE_ALL,
  [
    { perms: 31, scheme: 'world', id: 'anyone' },
    { perms: 1, scheme: 'digest', id: 'bob:abcdef' },
  ],
];
/** With more znodes than this, half of what would create deletes. */
const MANY_ZNODES = 60;

/** Draws requests over a small tree, so that they meet one another. */
export class RequestMix {
  readonly #random: RandomStream;
  readonly #tree: ModelTree;
  readonly #kinds: RequestKind[] = [];
  readonly #longest: number;
  readonly #longEvery: number;
  #serial = 0;

  /** One write in `longEvery` has up to `longest` bytes of data. */
  constructor(random: RandomStream, tree: ModelTree, weights: RequestWeights, longest: number, longEvery = 8) {
    this.#random = random;
    this.#tree = tree;
    this.#longest = longest;
    this.#longEvery = longEvery;
    for (const [kind, weight] of Object.entries(weights) as [RequestKind, number][]) {
      for (let i = 0; i < weight; i++) this.#kinds.push(kind);
    }
  }

  kind(): RequestKind {
    const kind = this.#random.pick(this.#kinds);
    const isCreate = kind === 'create' || kind === 'ephemeral' || kind === 'sequential' || kind === 'container';
    return isCreate && this.#tree.live.length > MANY_ZNODES && this.#random.below(2) === 0 ? 'delete' : kind;
  }

  write(kind: RequestKind): TreeWrite {
    if (kind !== 'multi') return this.#simple(kind);
    const ops: MultiOperation[] = [];
    for (let i = this.#random.between(1, 4); i > 0; i--) {
      const write = this.#simple(this.#random.pick(['create', 'ephemeral', 'sequential', 'delete', 'setData']));
      if (write.op === 'createTTL' || write.op === 'setACL' || write.op === 'multi') continue;
      if (this.#random.below(6) === 0) {
        ops.push({ type: OpCode.check, body: { path: this.existing(), version: this.#version() } } as MultiOperation);
      }
      ops.push({
        type: write.op === 'createContainer' ? OpCode.create : OpCode[write.op],
        body: write.body,
      } as MultiOperation);
    }
    return { op: 'multi', body: { ops } };
  }

  /** Any path of the small tree. */
  path(): string {
    const depth = this.#random.between(1, 3);
    let path = '';
    for (let i = 0; i < depth; i++) path += `/${this.#random.pick(NAMES)}`;
    return path;
  }

  /** Mostly the path of a znode that is there. */
  existing(): string {
    const { live } = this.#tree;
    if (live.length === 0 || this.#random.below(5) === 0) return this.path();
    return this.#random.pick(live);
  }

  #simple(kind: RequestKind): TreeWrite {
    const random = this.#random;
    switch (kind) {
      case 'ephemeral':
        return this.#create(random.below(3) === 0 ? CreateMode.ephemeralSequential : CreateMode.ephemeral);
      case 'sequential':
        return this.#create(CreateMode.persistentSequential);
      case 'container':
        return this.#inContainers();
      case 'delete':
        return { op: 'delete', body: { path: this.existing(), version: this.#version() } };
      case 'setData':
        return { op: 'setData', body: { path: this.existing(), data: this.#data(), version: this.#version() } };
      case 'setAcl':
        return { op: 'setACL', body: { path: this.existing(), acl: this.#acl(), version: this.#version() } };
      default:
        return this.#create(CreateMode.persistent);
    }
  }

  /** Few containers, whose only child comes and goes: they are looked for when it is gone, and used again all the time. */
  #inContainers(): TreeWrite {
    const random = this.#random;
    const container = random.pick(CONTAINERS);
    const acl = this.#acl();
    switch (random.below(5)) {
      case 0:
        return {
          op: 'createContainer',
          body: { path: random.below(2) === 0 ? container : this.path(), data: null, acl, flags: CreateMode.container },
        };
      case 1:
      case 2:
        return { op: 'delete', body: { path: `${container}/a`, version: -1 } };
      default:
        return {
          op: 'create',
          body: { path: `${container}/a`, data: this.#data(), acl, flags: CreateMode.persistent },
        };
    }
  }

  #create(flags: number): TreeWrite {
    const isSequential = flags === CreateMode.persistentSequential || flags === CreateMode.ephemeralSequential;
    const path = isSequential ? `${this.path()}-` : this.path();
    const op = this.#random.below(2) === 0 ? 'create' : 'create2';
    return { op, body: { path, data: this.#data(), acl: this.#acl(), flags } };
  }

  /** Data is different each time, so that a lost or doubled write shows; ASCII, as the model wants it. */
  #data(): Uint8Array | null {
    const random = this.#random;
    if (random.below(10) === 0) return null;
    const length = random.below(this.#longEvery) === 0 ? random.below(this.#longest) : random.below(12);
    return encodeUtf8(`${++this.#serial}${'x'.repeat(length)}`);
  }

  #acl(): readonly Acl[] {
    return this.#random.below(8) === 0 ? (ACLS[1] as readonly Acl[]) : (ACLS[0] as readonly Acl[]);
  }

  #version(): number {
    return this.#random.below(5) > 0 ? -1 : this.#random.below(3);
  }
}

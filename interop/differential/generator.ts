import { OpCode } from '@headkeeper/protocol';
import { randomAcl, SUPER_USER, USERS } from './acls.ts';
import { Body, type Bytes, bytes } from './frames.ts';
import type { Model } from './model.ts';
import { isQuotaLeaf, Paths } from './paths.ts';
import { quotaRequest } from './quotas.ts';
import type { Random } from './random.ts';
import {
  bare,
  create,
  type Draft,
  type MultiEnd,
  multi,
  pathAndInt,
  pathOnly,
  read,
  remove,
  setACL,
  setData,
} from './requests.ts';

type Maker = () => Draft;

const TTLS: readonly bigint[] = [1n, 1000n, 60000n, 1099511627775n, 1099511627776n, 0n, -1n, -9223372036854775808n];
const PREFIXES: readonly (Bytes | null)[] = [
  null,
  '',
  ' ',
  '/',
  ' / ',
  '\t',
  '/a',
  '/b',
  '/a/',
  'a',
  bytes('/é'),
  '\xff',
];
const UNKNOWN_OPS: readonly number[] = [0, 10, 13, 23, 50, 99, 108, 1000, -1, -2, -9, -12, 2147483647, -2147483648];

/**
 * Makes random requests. What it never makes, because Apache's own server does not survive it: createTTL with an ordinary
 * flag and a negative ttl; unparsable text in a quota's stats; a quota of the root. What it never makes because
 * Headkeeper refuses it on purpose is listed in `explained.ts`.
 */
export class Generator {
  readonly #random: Random;
  readonly #model: Model;
  readonly #paths: Paths;
  readonly #makers: readonly (readonly [number, Maker])[];

  constructor(random: Random, model: Model) {
    this.#random = random;
    this.#model = model;
    this.#paths = new Paths(random, model);
    this.#makers = this.#table();
  }

  /** Any request; at times with its bytes cut short, bent or followed by others. */
  request(): Draft {
    const draft = this.#random.weighted(this.#weights())();
    return this.#random.chance(4) ? this.#bend(draft) : draft;
  }

  /** A request whose answer does not depend on how far earlier ones have got. */
  pipelined(): Draft {
    for (;;) {
      const draft = this.request();
      const touchesQuota = draft.paths.some((path) => path !== null && this.#model.touchesQuota(path));
      if (draft.pipelines && !touchesQuota) return draft;
    }
  }

  /** Keeps the tree at a size where requests meet each other. */
  #weights(): readonly (readonly [number, Maker])[] {
    const crowded = this.#model.size > 90;
    return [[crowded ? 22 : 6, () => this.#delete()], [crowded ? 4 : 14, () => this.#create()], ...this.#makers];
  }

  #table(): readonly (readonly [number, Maker])[] {
    const random = this.#random;
    const paths = this.#paths;
    return [
      [6, () => this.#setData()],
      [3, () => this.#setACL()],
      [7, () => this.#watching(OpCode.exists)],
      [8, () => this.#watching(OpCode.getData)],
      [4, () => this.#watching(OpCode.getChildren)],
      [4, () => this.#watching(OpCode.getChildren2)],
      [4, () => pathOnly(OpCode.getACL, random.chance(50) ? this.#model.restrictedPath(random) : paths.any())],
      [2, () => pathOnly(OpCode.sync, paths.any())],
      [2, () => pathOnly(OpCode.getAllChildrenNumber, paths.any())],
      [2, () => pathOnly(OpCode.getEphemerals, random.chance(50) ? random.pick(PREFIXES) : paths.any())],
      [1, () => bare(OpCode.whoAmI)],
      [1, () => bare(OpCode.ping)],
      [5, () => this.#addWatch()],
      [3, () => this.#aboutWatches(OpCode.checkWatches)],
      [3, () => this.#aboutWatches(OpCode.removeWatches)],
      [2, () => this.#setWatches(OpCode.setWatches)],
      [2, () => this.#setWatches(OpCode.setWatches2)],
      [9, () => this.#multi()],
      [3, () => this.#multiRead()],
      [7, () => quotaRequest(random, this.#model)],
      [1.2, () => this.#auth()],
      [0.3, () => this.#sasl()],
      [0.3, () => this.#reconfig()],
      [0.2, () => bare(random.pick(UNKNOWN_OPS), new Body().text(paths.any()).int(-1), '', { pipelines: false })],
    ];
  }

  #watching(op: number): Draft {
    const watch = this.#random.chance(50);
    const path = this.#paths.any();
    if (watch && path !== null) this.#model.noteWatched(path);
    return read(op, path, watch);
  }

  #addWatch(): Draft {
    const path = this.#paths.any();
    if (path !== null) this.#model.noteWatched(path);
    return pathAndInt(OpCode.addWatch, path, this.#random.pick([0, 0, 0, 1, 1, 1, 2, -1]));
  }

  /** checkWatches or removeWatches, mostly of a path that some connection watches. */
  #aboutWatches(op: number): Draft {
    const random = this.#random;
    const path = random.chance(70) ? this.#model.watched(random) : this.#paths.any();
    const type = random.pick([3, 3, 3, 3, 1, 2, 4, 5, 1 + random.below(5), random.pick([0, -1, 6, 2147483647])]);
    return pathAndInt(op, path, type);
  }

  #version(path: Bytes | null, current: (node: { version: number; aversion: number }) => number): number {
    const random = this.#random;
    const node = path === null ? undefined : this.#model.get(path);
    if (node === undefined) return random.pick([-1, -1, 0, 1]);
    return random.weighted<() => number>([
      [50, () => -1],
      [40, () => current(node)],
      [5, () => current(node) + 1],
      [3, () => current(node) - 1],
      [1, () => random.pick([-2, 2147483647, -2147483648])],
    ])();
  }

  #data(): Bytes | null {
    const random = this.#random;
    return random.weighted<() => Bytes | null>([
      [60, () => 'd'.repeat(random.below(12))],
      [15, () => ''],
      [12, () => null],
      [10, () => String.fromCharCode(...Array.from({ length: random.below(20) }, () => random.below(256)))],
      [1, () => 'big'.repeat(random.below(3000))],
    ])();
  }

  #create(): Draft {
    const random = this.#random;
    const op = random.weighted<number>([
      [45, OpCode.create],
      [30, OpCode.create2],
      [12, OpCode.createContainer],
      [13, OpCode.createTTL],
    ]);
    const usual = op === OpCode.createContainer ? [4] : op === OpCode.createTTL ? [5, 6] : [0, 0, 0, 0, 1, 1, 2, 3];
    const flags = random.chance(92) ? random.pick(usual) : random.pick([0, 1, 2, 3, 4, 5, 6, 7, -1, 2147483647]);
    const ttl = op === OpCode.createTTL ? this.#ttl(flags) : null;
    return this.#createAs(op, flags, ttl);
  }

  #ttl(flags: number): bigint {
    const ttl = this.#random.chance(70) ? BigInt(1 + this.#random.below(1000000)) : this.#random.pick(TTLS);
    return flags >= 0 && flags <= 4 && ttl < 0n ? 7n : ttl;
  }

  #createAs(op: number, flags: number, ttl: bigint | null): Draft {
    const sequential = flags === 2 || flags === 3 || flags === 6;
    const path = this.#paths.toCreate(sequential);
    const acl = randomAcl(this.#random);
    const draft = create(op, path, this.#data(), acl, flags, ttl);
    return isQuotaLeaf(path) ? this.#create() : draft;
  }

  #delete(): Draft {
    const path = this.#paths.toDelete();
    return remove(
      path,
      this.#version(path, (node) => node.version),
    );
  }

  #setData(): Draft {
    const path = this.#paths.any();
    if (isQuotaLeaf(path)) return quotaRequest(this.#random, this.#model);
    return setData(
      path,
      this.#data(),
      this.#version(path, (node) => node.version),
    );
  }

  #setACL(): Draft {
    const path = this.#paths.any();
    return setACL(
      path,
      randomAcl(this.#random),
      this.#version(path, (node) => node.aversion),
    );
  }

  #pathList(): readonly (Bytes | null)[] | null | number {
    const random = this.#random;
    if (random.chance(3)) return random.pick([null, -2, 100000]);
    return Array.from({ length: random.below(4) }, () => this.#resyncPath());
  }

  /** Mostly a path that anyone may read: Headkeeper tells less about others (`catch-up-needs-read`). */
  #resyncPath(): Bytes | null {
    let path = this.#paths.any();
    while (path !== null && this.#model.restricted.has(path) && !this.#random.chance(2)) path = this.#paths.any();
    return path;
  }

  #setWatches(op: number): Draft {
    const random = this.#random;
    const relative = random.pick([0n, 0n, -1n, BigInt(random.below(5000)), 1n << 40n, (1n << 63n) - 1n]);
    const body = new Body().long(relative);
    const lists = op === OpCode.setWatches ? 3 : 5;
    let note = `since ${relative}`;
    let hasNull = false;
    for (let i = 0; i < lists; i++) {
      const list = this.#pathList();
      note += ` ${JSON.stringify(list)}`;
      body.texts(list);
      if (list === null || (Array.isArray(list) && list.includes(null))) hasNull = true;
    }
    return bare(op, body, note, { pipelines: !hasNull, stumbles: hasNull });
  }

  #part(): Draft {
    const random = this.#random;
    return random.weighted<Maker>([
      [30, () => this.#multiCreate()],
      [20, () => this.#delete()],
      [20, () => this.#multiSetData()],
      [20, () => this.#check()],
    ])();
  }

  #multiSetData(): Draft {
    const draft = this.#setData();
    return draft.op === OpCode.setData ? draft : this.#check();
  }

  #check(): Draft {
    const path = this.#paths.any();
    return pathAndInt(
      OpCode.check,
      path,
      this.#version(path, (node) => node.version),
    );
  }

  #multiCreate(): Draft {
    const random = this.#random;
    const op = random.pick([
      OpCode.create,
      OpCode.create,
      OpCode.create2,
      OpCode.create2,
      OpCode.createContainer,
      OpCode.createTTL,
    ]);
    const odd = random.chance(3);
    if (op === OpCode.createTTL) {
      const flags = odd ? random.pick([7, -1]) : random.pick([5, 5, 6, 0, 1, 2, 3, 4]);
      return this.#createAs(op, flags, random.chance(60) ? 50000n : random.pick(TTLS));
    }
    return this.#createAs(op, odd ? random.pick([5, 6, 7, -1]) : random.pick([0, 0, 0, 1, 2, 3, 4]), null);
  }

  #multi(): Draft {
    const random = this.#random;
    const parts = Array.from({ length: random.below(6) }, () => this.#part());
    if (random.chance(4)) parts.splice(random.below(parts.length + 1), 0, this.#strangePart());
    const end: MultiEnd = random.weighted([
      [95, 'proper'],
      [3, 'odd'],
      [2, 'missing'],
    ]);
    return multi(OpCode.multi, parts, end);
  }

  #strangePart(): Draft {
    const random = this.#random;
    const path = this.#paths.any();
    return random.weighted<Maker>([
      [4, () => read(random.pick([OpCode.getData, OpCode.getChildren]), path, false)],
      [2, () => read(random.pick([OpCode.exists, OpCode.getChildren2]), path, false)],
      [1, () => setACL(path, randomAcl(random), -1)],
      [1, () => pathOnly(random.pick([OpCode.getACL, OpCode.sync, OpCode.deleteContainer]), path)],
      [1, () => bare(random.pick([OpCode.multi, OpCode.ping, OpCode.closeSession, OpCode.createSession, -1, 0, 77]))],
    ])();
  }

  #multiRead(): Draft {
    const random = this.#random;
    const part = (): Draft =>
      read(random.pick([OpCode.getData, OpCode.getChildren]), this.#paths.any(), random.chance(20));
    const parts = Array.from({ length: random.below(6) }, part);
    if (random.chance(6)) parts.splice(random.below(parts.length + 1), 0, this.#strangePart());
    if (random.chance(4)) parts.splice(random.below(parts.length + 1), 0, this.#part());
    return multi(OpCode.multiRead, parts, random.chance(96) ? 'proper' : 'missing');
  }

  #auth(): Draft {
    const random = this.#random;
    const user = random.chance(8) ? SUPER_USER : random.pick(USERS);
    const [scheme, data] = random.weighted<readonly [Bytes | null, Bytes | null]>([
      [85, ['digest', bytes(user)]],
      [4, ['digest', random.pick([null, '', ':', 'a', '::x', '\xff:\xfe', bytes('\u{1F600}:p')])]],
      [3, ['ip', random.pick([null, '', '1.2.3.4'])]],
      [1, [random.pick(['world', 'super', 'sasl', 'x509', 'nosuch', '', null]), 'x']],
    ]);
    const body = new Body()
      .int(random.pick([0, 0, 0, 5, -1]))
      .text(scheme)
      .text(data);
    return bare(OpCode.auth, body, `${scheme} ${data}`, { pipelines: false });
  }

  #sasl(): Draft {
    const token = this.#random.pick(['', 'abc', 'abc', '\0', null]);
    return bare(OpCode.sasl, new Body().text(token), `${token}`, { pipelines: false });
  }

  #reconfig(): Draft {
    const text = (): Bytes | null => this.#random.pick([null, '', 'server.1=127.0.0.1:1:2;3', '1', 'x']);
    return bare(OpCode.reconfig, new Body().text(text()).text(text()).text(text()).long(-1n));
  }

  /** The same request with its body cut, extended, or its first length replaced. */
  #bend(draft: Draft): Draft {
    const random = this.#random;
    const { body } = draft;
    const changed = (bent: Uint8Array, how: string): Draft => ({
      ...draft,
      body: bent,
      note: `${draft.note} (${how})`,
      pipelines: draft.pipelines && !draft.isMulti,
    });
    const extra = Uint8Array.from({ length: 1 + random.below(9) }, () => random.below(256));
    if (random.chance(30) || body.length < 4)
      return changed(Buffer.concat([body, extra]), `${extra.length} bytes more`);
    if (!draft.bendable) return draft;
    if (random.chance(75)) {
      const length = random.below(body.length);
      return changed(body.slice(0, length), `cut to ${length} of ${body.length}`);
    }
    const bent = body.slice();
    const value = random.pick([-1, -2, 0, 1, 2147483647, -2147483648, 1048576, body.length]);
    new DataView(bent.buffer, bent.byteOffset).setInt32(0, value);
    return changed(bent, `first int ${value}`);
  }
}

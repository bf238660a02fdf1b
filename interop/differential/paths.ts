import { type Bytes, bytes } from './frames.ts';
import { LIMITS, type Model, STATS } from './model.ts';
import type { Random } from './random.ts';

const NAMES: readonly Bytes[] = [
  'a',
  'b',
  'c',
  'd',
  'a',
  'b',
  'c',
  'd',
  'e',
  'ab',
  bytes('é'),
  'a b',
  '...',
  '.x',
  'x.',
];

/** Every kind of path that some rule refuses, and some that look as if they should be refused but are not. */
const ODD_PATHS: readonly (Bytes | null)[] = [
  null,
  '',
  'a',
  'a/b',
  '//',
  '//a',
  '/a//b',
  '/a/',
  '/.',
  '/..',
  '/./a',
  '/a/.',
  '/a/..',
  '/a/../b',
  '/\0',
  '/a\0b',
  '\0',
  '/\x01',
  '/a\x1f',
  '/ ',
  '/\x7f',
  bytes('/\u0080'),
  bytes('/\u009f'),
  bytes('/\u00a0'),
  bytes('/\ud7ff'),
  bytes('/\ue000'),
  bytes('/\uf8ff'),
  bytes('/\uf900'),
  bytes('/\uffef'),
  bytes('/\ufff0'),
  bytes('/\uffff'),
  bytes('/\ufeff'),
  bytes('/\u{1F600}'),
  bytes('/a\u{10FFFF}'),
  '/\xff',
  '/a\xc3',
  '/\xe2\x82',
  '/\xf0\x9f\x98',
  '/\xed\xa0\x80',
  '/\xed\xbf\xbf',
  '/\xc0\x80',
  '/\xf5\x80\x80\x80',
  '/\x80a',
  '/nul\xc0\x80',
];

const SYSTEM_PATHS: readonly Bytes[] = [
  '/',
  '/',
  '/zookeeper',
  '/zookeeper/quota',
  '/zookeeper/config',
  '/zookeeper/nosuch',
  '/zookeeper/config/x',
  '/zookeeper/quota/',
];

/** Chooses paths so that most requests hit something: existing nodes, their parents and would-be children. */
export class Paths {
  readonly #random: Random;
  readonly #model: Model;

  constructor(random: Random, model: Model) {
    this.#random = random;
    this.#model = model;
  }

  /** A path to read, write or watch. */
  any(): Bytes | null {
    const random = this.#random;
    return random.weighted<() => Bytes | null>([
      [70, () => this.existing()],
      [12, () => this.fresh()],
      [5, () => `${this.existing()}/missing/deeper`],
      [6, () => random.pick(SYSTEM_PATHS)],
      [5, () => random.pick(ODD_PATHS)],
      [1, () => `${this.existing()}${random.pick(['/', '//x', '/.', '/..', '\0', '/\x02', '/\xff'])}`],
      [0.2, () => `/${'long'.repeat(200 + random.below(2000))}`],
    ])();
  }

  existing(): Bytes {
    return this.#model.any(this.#random) ?? '/a';
  }

  /** A path to create: a child of an existing node, not too deep. */
  fresh(): Bytes {
    const parent = this.parent();
    return `${parent === '/' ? '' : parent}/${this.#random.pick(NAMES)}`;
  }

  /** A node to have children. Not one with a blank element: Apache's quotas leave it out (`quota-of-blank-elements`). */
  parent(): Bytes {
    if (this.#random.chance(35)) return '/';
    const path = this.existing();
    return path.split('/').length > 4 || path.startsWith('/zookeeper') || hasBlankElement(path) ? '/' : path;
  }

  /** Where a create request points: mostly creatable. */
  toCreate(sequential: boolean): Bytes | null {
    const random = this.#random;
    if (random.chance(8)) return random.chance(85) ? this.any() : random.pick(ODD_PATHS);
    if (sequential) {
      const parent = this.parent();
      const prefix = parent === '/' ? '' : parent;
      return `${prefix}/${random.pick(['s-', 's-', 'a', '', '.', '..', 'a/', 'n\0'])}`;
    }
    return this.fresh();
  }

  /** Where a delete request points: mostly a leaf. */
  toDelete(): Bytes | null {
    if (this.#random.chance(25)) return this.any();
    return this.#model.leaf(this.#random) ?? '/a';
  }
}

/** Whether some element consists of spaces only. */
export function hasBlankElement(path: Bytes): boolean {
  return /\/ +(\/|$)/.test(path);
}

/** Nodes that only the quota requests may write: wrong text there stops Apache's server. */
export function isQuotaLeaf(path: Bytes | null): boolean {
  return path !== null && (path.endsWith(`/${STATS}`) || path.endsWith(`/${LIMITS}`));
}

/** Requests as bytes that know where their fields are, so that each field can be spoiled. */

import type { SeededRandom } from '@headkeeper/testkit';

/** Bytes under construction. */
export class Draft {
  bytes: Buffer = Buffer.alloc(256);
  length = 0;
  /** Where lengths of strings and buffers, and counts of lists, stand. */
  readonly lengths: number[] = [];
  /** Where other numbers stand. */
  readonly numbers: number[] = [];

  int(value: number): this {
    this.#room(4);
    this.numbers.push(this.length);
    this.length = this.bytes.writeInt32BE(value | 0, this.length);
    return this;
  }

  long(value: bigint): this {
    this.#room(8);
    this.numbers.push(this.length, this.length + 4);
    this.length = this.bytes.writeBigInt64BE(value, this.length);
    return this;
  }

  byte(value: number): this {
    this.#room(1);
    this.length = this.bytes.writeUInt8(value & 0xff, this.length);
    return this;
  }

  count(value: number): this {
    this.#room(4);
    this.lengths.push(this.length);
    this.length = this.bytes.writeInt32BE(value | 0, this.length);
    return this;
  }

  /** A length and so many bytes; null: the length -1. */
  buffer(content: Uint8Array | string | null): this {
    const part = content === null ? null : Buffer.from(content);
    this.count(part?.length ?? -1);
    if (part !== null) this.raw(part);
    return this;
  }

  raw(content: Uint8Array): this {
    this.#room(content.length);
    this.bytes.set(content, this.length);
    this.length += content.length;
    return this;
  }

  written(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.length));
  }

  #room(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = Buffer.alloc(Math.max(this.bytes.length * 2, this.length + count));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

/**
 * The fields of each request's body (client-protocol reference, 3.2): p path, d data, A access control list, i int, l long,
 * b boolean, s string, V list of paths.
 */
const BODIES: Readonly<Record<number, string>> = {
  1: 'pdAi',
  2: 'pi',
  3: 'pb',
  4: 'pb',
  5: 'pdi',
  6: 'p',
  7: 'pAi',
  8: 'pb',
  9: 'p',
  11: '',
  12: 'pb',
  13: 'pi',
  15: 'pdAi',
  16: 'sssl',
  17: 'pi',
  18: 'pi',
  19: 'pdAi',
  20: 'p',
  21: 'pdAil',
  100: 'isd',
  101: 'lVVV',
  102: 'd',
  103: 'p',
  104: 'p',
  105: 'lVVVVV',
  106: 'pi',
  107: '',
  '-10': 'i',
};
const MULTI = 14;
const MULTI_READ = 22;
const CLOSE_SESSION = -11;
const WRITE_PARTS = [1, 2, 5, 13, 15, 19, 21] as const;
const READ_PARTS = [4, 8] as const;
const OPCODES: readonly number[] = [...Object.keys(BODIES).map(Number), MULTI, MULTI, MULTI, MULTI_READ];

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', '__proto__', 'lock-0000000001', 'x'.repeat(200)] as const;
/** Where the bystanders live, and what belongs to the server: nothing there may change. */
const FORBIDDEN = [
  ...['/bystander', '/bystander/watched', '/bystander/lock', '/bystander/ephemeral', '/', '', '/zookeeper'],
  ...['/zookeeper/config', '/zookeeper/quota', '/zookeeper/quota/fuzz', '/zookeeper/quota/fuzz/zookeeper_limits'],
  ...['/zookeeper/quota/fuzz/zookeeper_stats', '//', '/fuzz/', '/fuzz/..', 'fuzz', '/fuzz/\0', '/fuzz/\u0001'],
] as const;
const STRINGS = [
  'server.1=127.0.0.1:1:2;3',
  '1',
  '',
  '2,3',
  'digest',
  'ip',
  'world',
  'sasl',
  'x509',
  'ensemble',
] as const;

function pick<T>(random: SeededRandom, from: readonly T[]): T {
  return from[random.below(from.length)] as T;
}

function path(random: SeededRandom): string {
  if (random.below(6) === 0) return pick(random, FORBIDDEN);
  let text = '/fuzz';
  for (let depth = 1 + random.below(3); depth > 0; depth--) text += `/${pick(random, NAMES)}`;
  return text;
}

function data(random: SeededRandom): Buffer | null {
  const kind = random.below(100);
  if (kind < 5) return null;
  if (kind === 99) return Buffer.alloc(random.below(100_000), 'z');
  return Buffer.alloc(random.below(64), kind);
}

function acl(draft: Draft, random: SeededRandom): void {
  const entries = random.below(20) === 0 ? random.below(40) : 1;
  draft.count(entries);
  for (let i = 0; i < entries; i++) {
    const open = random.below(8) !== 0;
    draft.int(open ? 31 : random.below(64) - 16);
    draft.buffer(open ? 'world' : pick(random, ['digest', 'ip', 'auth', 'sasl', 'x509', 'world', '', null]));
    draft.buffer(
      open ? 'anyone' : pick(random, ['a:b', '10.0.0.0/8', '127.0.0.1', 'anyone', '', null, 'u:\u00e9', '::1']),
    );
  }
}

/** A version, mostly one that fits; a type or mode that there is; flags of a create. */
function number(opcode: number, random: SeededRandom): number {
  const isVersion = [2, 5, 7, 13].includes(opcode);
  if (isVersion) return random.chance() ? -1 : random.below(8);
  return opcode === 106 ? random.below(2) : random.below(9) - 1;
}

function body(draft: Draft, opcode: number, random: SeededRandom): void {
  for (const field of BODIES[opcode] ?? '') {
    if (field === 'p') draft.buffer(path(random));
    else if (field === 'd') draft.buffer(data(random));
    else if (field === 'A') acl(draft, random);
    else if (field === 'i') draft.int(number(opcode, random));
    // A time to live is soon over, or not before the run is.
    else if (field === 'l') draft.long(random.chance() ? BigInt(random.below(500)) : 10_000_000_000n);
    else if (field === 'b') draft.byte(random.below(2));
    else if (field === 's') draft.buffer(random.below(6) === 0 ? null : pick(random, STRINGS));
    else {
      const paths = random.below(6);
      draft.count(paths);
      for (let i = 0; i < paths; i++) draft.buffer(path(random));
    }
  }
}

function multi(draft: Draft, parts: readonly number[], random: SeededRandom): void {
  for (let left = random.below(random.below(30) === 0 ? 200 : 6); left > 0; left--) {
    const opcode = pick(random, parts);
    draft.int(opcode).byte(0).int(-1);
    body(draft, opcode, random);
  }
  draft.int(-1).byte(1).int(-1);
}

/** A request as a client could send it, but for the closing of its session. */
export function validRequest(xid: number, random: SeededRandom): Draft {
  const opcode = random.below(5_000) === 0 ? CLOSE_SESSION : pick(random, OPCODES);
  const draft = new Draft().int(xid).int(opcode);
  if (opcode === MULTI) multi(draft, WRITE_PARTS, random);
  else if (opcode === MULTI_READ) multi(draft, READ_PARTS, random);
  else body(draft, opcode, random);
  return draft;
}

/** A handshake as a client could send it; `session`: to go on with. */
export function validHandshake(session: { readonly id: bigint; readonly passwd: Uint8Array } | null): Draft {
  return new Draft()
    .int(0)
    .long(0n)
    .int(2_000)
    .long(session?.id ?? 0n)
    .buffer(session?.passwd ?? Buffer.alloc(16))
    .byte(0);
}

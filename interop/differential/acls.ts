import { createHash } from 'node:crypto';
import { type AclEntry, type AclVector, bytes } from './frames.ts';
import type { Random } from './random.ts';

/** Credentials that connections may present; `super:admin` matches the super digest both servers are started with. */
export const USERS: readonly string[] = ['bob:secret', 'eve:x', 'ann:pässword'];
export const SUPER_USER = 'super:admin';
export const SUPER_DIGEST = 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=';

export const OPEN: readonly AclEntry[] = [{ perms: 31, scheme: 'world', id: 'anyone' }];

function digestId(user: string): string {
  return bytes(`${user.split(':')[0]}:${createHash('sha1').update(user).digest('base64')}`);
}

const DIGEST_IDS = USERS.map(digestId);

/** Ids that are or are not acceptable, by scheme; every form that Apache's parsers treat differently. */
const ODD_IDS: readonly (readonly [string | null, string | null])[] = [
  ['world', null],
  ['world', 'someone'],
  ['world', ''],
  [null, null],
  [null, 'anyone'],
  ['', ''],
  ['World', 'anyone'],
  ['super', ''],
  ['sasl', 'bob'],
  ['x509', 'CN=bob'],
  ['nosuch', 'x'],
  ['digest', null],
  ['digest', ''],
  ['digest', 'a'],
  ['digest', 'a:'],
  ['digest', ':'],
  ['digest', '::'],
  ['digest', ':b'],
  ['digest', 'a:b'],
  ['digest', 'a:b:'],
  ['digest', 'a:b::'],
  ['digest', 'a:b:c'],
  ['digest', bytes('\u{1F600}:x')],
  ['digest', '\xff\xfe:x'],
  ['digest', '\xed\xa0\x80:x'],
  ['digest', 'a\0b:c'],
  ['ip', null],
  ['ip', ''],
  ['ip', 'localhost'],
  ['ip', '1.2.3'],
  ['ip', '1.2.3.4.5'],
  ['ip', '1.2.3.256'],
  ['ip', '1.2.3.-1'],
  ['ip', '-0.2.3.4'],
  ['ip', '+1.02.3.4'],
  ['ip', ' 1.2.3.4'],
  ['ip', '1.2.3.'],
  ['ip', '1.2.3.4/'],
  ['ip', '1.2.3.4/33'],
  ['ip', '1.2.3.4/-1'],
  ['ip', '1.2.3.4/+8'],
  ['ip', '1.2.3.4/8/9'],
  ['ip', '1.2.3.4/99999999999'],
  ['ip', '127.0.0.1/0'],
  ['ip', '10.0.0.0/8'],
  ['ip', '::1'],
  ['ip', '::'],
  ['ip', '::/0'],
  ['ip', '::1/129'],
  ['ip', '::1/128'],
  ['ip', ':::'],
  ['ip', ':'],
  ['ip', '1::2::3'],
  ['ip', '1:2:3:4:5:6:7:8'],
  ['ip', '1:2:3:4:5:6:7:8:9'],
  ['ip', '1:2:3:4:5:6:7::'],
  ['ip', '1:2:3:4:5:6:7:8::'],
  ['ip', '::ffff:1.2.3.4'],
  ['ip', '12345::'],
  ['ip', '-1::'],
  ['ip', '+a::'],
  ['ip', 'g::'],
  ['ip', '/8'],
];

const PERMS: readonly number[] = [31, 31, 31, 31, 1, 2, 4, 8, 16, 3, 30, 15, 0, 32, -1, 63];

function goodEntry(random: Random): AclEntry {
  const perms = random.pick(PERMS);
  return random.weighted<() => AclEntry>([
    [30, () => ({ perms, scheme: 'world', id: 'anyone' })],
    [25, () => ({ perms, scheme: 'digest', id: random.pick(DIGEST_IDS) })],
    [10, () => ({ perms, scheme: 'ip', id: '127.0.0.1' })],
    [5, () => ({ perms, scheme: 'ip', id: random.pick(['127.0.0.0/8', '127.1.2.3/9', '10.0.0.1', '127.0.0.1/32']) })],
    [10, () => ({ perms, scheme: 'auth', id: random.pick(['', null, 'ignored']) })],
  ])();
}

/** Mostly the open list; else restrictive, multiple, or malformed. */
export function randomAcl(random: Random): AclVector {
  return random.weighted<() => AclVector>([
    [70, () => OPEN],
    [16, () => [goodEntry(random), ...(random.chance(60) ? OPEN : [])]],
    // What applications do: one user may do everything, others read.
    [
      4,
      () => [
        { perms: 31, scheme: 'digest', id: random.pick(DIGEST_IDS) },
        { perms: 1, scheme: 'world', id: 'anyone' },
      ],
    ],
    [5, () => Array.from({ length: 2 + random.below(4) }, () => goodEntry(random))],
    [5, () => [oddEntry(random)]],
    [2, () => [goodEntry(random), oddEntry(random)]],
    [1, () => random.pick<AclVector>([null, [], -2, -2147483648])],
    [0.5, () => [...OPEN, ...OPEN]],
    [0.5, () => random.pick([3, 100000, 2147483647])],
  ])();
}

function oddEntry(random: Random): AclEntry {
  const [scheme, id] = random.pick(ODD_IDS);
  return { perms: random.pick(PERMS), scheme, id };
}

/** Whether preparing this list makes Apache throw something that is not an error code, which leaves its pending state odd. */
export function hasNulls(acl: AclVector): boolean {
  return Array.isArray(acl) && acl.some((entry: AclEntry) => entry.scheme === null || entry.id === null);
}

import { createHash, timingSafeEqual } from 'node:crypto';
import { type Acl, type Identity, Permission } from '@headkeeper/protocol';
import type { Serving } from '../../core/serving.ts';

/** Why a call is refused, with Apache's words and status codes. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly error: string;
}

/** What the connection of a caller tells. */
export interface CallerFacts {
  /** IP address as access control lists spell it. */
  readonly address: string;
  /** Who he is by a certificate that has been verified; nobody without one. */
  readonly proved: readonly Identity[];
}

/** Each must be granted by itself: one bit of several would let anybody who may read take the tree away (CVE-2025-58457). */
export const allNeeded: readonly number[] = [
  Permission.read,
  Permission.write,
  Permission.create,
  Permission.delete,
  Permission.admin,
];

/**
 * What the header `Authorization` proves: a scheme and what proves an identity of it, separated by a blank (`digest
 * user:password`, or `ip` or `x509` alone). null when it proves nothing.
 *
 * The address of the scheme `ip` is that of the connection: no header speaks for it (CVE-2024-51504). Secrets are compared in
 * constant time.
 */
export function identitiesOf(header: string, caller: CallerFacts, serving: Serving): readonly Identity[] | null {
  const [scheme, data, ...more] = header.split(' ');
  if (more.length > 0) return null;
  if (scheme === 'ip') return [{ scheme: 'ip', id: caller.address }];
  if (scheme === 'x509') return caller.proved.length === 0 ? null : caller.proved;
  if (scheme !== 'digest' || data === undefined || !serving.settings.authentication.schemes.has(scheme)) return null;
  // Header values arrive one byte a character.
  const bytes = Buffer.from(data, 'latin1');
  const colon = bytes.indexOf(':');
  const { hashing, settings } = serving;
  const hash = Buffer.from(hashing.digest(settings.digestAlgorithm, bytes)).toString('base64');
  const user = bytes.toString('utf8', 0, colon < 0 ? bytes.length : colon);
  const id = `${user}:${hash}`;
  const identity: Identity = { scheme: 'digest', id };
  const isSuper = serving.authentication.isSuperDigest(caller, user, id, serving.nowMs);
  if (isSuper === null) return null;
  return isSuper ? [{ scheme: 'super', id: '' }, identity] : [identity];
}

/** Why these identities may not: the access control list of `/` must grant them each of the permissions. */
export function permissionRefusal(
  identities: readonly Identity[],
  needed: readonly number[],
  serving: Serving,
): Refusal | null {
  const { rootAcl, settings } = serving;
  const isFree = settings.skipAcl || rootAcl.length === 0 || identities.some(({ scheme }) => scheme === 'super');
  if (isFree || needed.every((bit) => isGranted(rootAcl, bit, identities, serving))) return null;
  return { status: 403, error: 'Not authorized' };
}

/** Whether not everybody could claim this identity: passwords are compared with nothing but what lists say. */
export function isProved(identity: Identity, serving: Serving): boolean {
  const { scheme, id } = identity;
  if (scheme === 'super' || scheme === 'x509') return true;
  if (scheme === 'ip') return false;
  return serving.rootAcl.some((entry) => entry.scheme === scheme && entry.id !== null && isSame(entry.id, id));
}

function isGranted(list: readonly Acl[], bit: number, identities: readonly Identity[], serving: Serving): boolean {
  for (const identity of identities) {
    if (identity.scheme !== 'digest') {
      if (serving.rootAllows(bit, [identity])) return true;
      continue;
    }
    for (const { perms, scheme, id } of list) {
      if ((perms & bit) === 0 || id === null) continue;
      if (scheme === 'world' && id === 'anyone') return true;
      if (scheme === 'digest' && isSame(id, identity.id)) return true;
    }
  }
  return false;
}

function isSame(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}

import { createHash, timingSafeEqual } from 'node:crypto';
import { type Acl, type Identity, Permission } from '@headkeeper/protocol';
import type { Serving } from '../../core/serving.ts';

/** Why a call is refused, with Apache's words and status codes. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly error: string;
}

/** Each must be granted by itself: one bit of several would let anybody who may read take the tree away (CVE-2025-58457). */
const NEEDED = [Permission.read, Permission.write, Permission.create, Permission.delete, Permission.admin] as const;

/**
 * Decides whether a caller may take or replace the whole tree: the header `Authorization` holds a scheme and what proves an
 * identity of it, separated by a blank (`digest user:password`, or `ip` alone), and the access control list of `/` must grant
 * that identity everything. Returns null when it may.
 *
 * The address of the scheme `ip` is that of the socket: no header speaks for it (CVE-2024-51504). Secrets are compared in
 * constant time.
 *
 * @param address the caller's address as access control lists spell it.
 */
export function refusalOf(header: string | undefined, address: string, serving: Serving): Refusal | null {
  if (header === undefined) return { status: 401, error: 'Auth info is missing for the command' };
  const identities = identitiesOf(header, address, serving);
  if (identities === null) return { status: 401, error: 'Not authenticated' };
  const { rootAcl, settings } = serving;
  const isFree = settings.skipAcl || rootAcl.length === 0 || identities.some(({ scheme }) => scheme === 'super');
  if (isFree || NEEDED.every((bit) => isGranted(rootAcl, bit, identities, serving))) return null;
  return { status: 403, error: 'Not authorized' };
}

function identitiesOf(header: string, address: string, serving: Serving): Identity[] | null {
  const [scheme, data, ...more] = header.split(' ');
  if (more.length > 0) return null;
  if (scheme === 'ip') return [{ scheme: 'ip', id: address }];
  if (scheme !== 'digest' || data === undefined) return null;
  // Header values arrive one byte a character.
  const bytes = Buffer.from(data, 'latin1');
  const colon = bytes.indexOf(':');
  const { hashing, settings } = serving;
  const hash = Buffer.from(hashing.digest(settings.digestAlgorithm, bytes)).toString('base64');
  const id = `${bytes.toString('utf8', 0, colon < 0 ? bytes.length : colon)}:${hash}`;
  const identity: Identity = { scheme: 'digest', id };
  const isSuper = settings.superDigest !== null && isSame(settings.superDigest, id);
  return isSuper ? [{ scheme: 'super', id: '' }, identity] : [identity];
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

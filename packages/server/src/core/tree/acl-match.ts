import { type Acl, type Identity, utf8Length } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import { isIpExpression, matchesIp } from './ip-match.ts';

/** Permissions and two length prefixes. */
const ENTRY_BYTES = 12;

/** Schemes whose identities stand for somebody who has proved who he is: those that `auth` expands to. */
const AUTHENTICATED_SCHEMES: ReadonlySet<string> = new Set(['digest', 'sasl', 'x509']);

/**
 * Turns the list of a create or setACL request into the list to store, or null for INVALIDACL (client-protocol reference,
 * 8.3): repeated entries go, `auth` becomes the identities of the connection, the rest must be well-formed. Order is kept,
 * and so are duplicates that the expansion makes.
 *
 * `schemes`: those that this server knows beside world, ip and auth; entries of others are not well-formed.
 *
 * A list that `auth` would blow up beyond `limits.expandedAclBytes` is refused: it could not be read back.
 *
 * A null id of scheme world, digest or ip is INVALIDACL too, where Apache stumbles and answers MARSHALLINGERROR.
 */
export function fixUpAcl(
  requested: readonly Acl[] | null,
  identities: readonly Identity[],
  schemes: ReadonlySet<string>,
): Acl[] | null {
  if (requested === null || requested.length === 0) return null;
  const fixed: Acl[] = [];
  const seen = new Set<string>();
  let expanded = 0;
  for (const entry of requested) {
    const key = aclKey(entry);
    if (seen.has(key)) continue;
    seen.add(key);
    if (entry.scheme === 'auth') {
      const before = fixed.length;
      for (const { scheme, id } of identities) {
        if (!AUTHENTICATED_SCHEMES.has(scheme) || !schemes.has(scheme)) continue;
        fixed.push({ perms: entry.perms, scheme, id });
        expanded += ENTRY_BYTES + utf8Length(scheme) + utf8Length(id);
        if (expanded > limits.expandedAclBytes) return null;
      }
      if (fixed.length === before) return null;
    } else if (isWellFormed(entry, schemes)) fixed.push(entry);
    else return null;
  }
  return fixed;
}

/**
 * Whether the list grants at least one of the wanted permission bits to a connection with these identities (section 8.5).
 * An empty list grants everything, and to `super` everything is granted.
 */
export function permits(list: readonly Acl[], wanted: number, identities: readonly Identity[]): boolean {
  if (list.length === 0) return true;
  for (let i = 0; i < identities.length; i++) if (identities[i].scheme === 'super') return true;
  for (let i = 0; i < list.length; i++) {
    const entry = list[i];
    if ((entry.perms & wanted) === 0) continue;
    if (entry.scheme === 'world' && entry.id === 'anyone') return true;
    for (let j = 0; j < identities.length; j++) if (matches(entry, identities[j])) return true;
  }
  return false;
}

/** The list as getACL shows it to a caller without ADMIN: no password hashes. */
export function maskAcl(list: readonly Acl[]): Acl[] {
  return list.map((entry) =>
    entry.scheme === 'digest' && entry.id !== null ? { ...entry, id: entry.id.replace(HASH_PART, ':x') } : entry,
  );
}

/** A text that two entries share only when they are equal; also when several are joined: lengths say where texts end. */
export function aclKey({ perms, scheme, id }: Acl): string {
  return `${perms},${scheme?.length ?? -1},${id?.length ?? -1},${scheme ?? ''}${id ?? ''}`;
}

/** From a colon to the end of its line, by Java's idea of a line. */
const HASH_PART = /:[^\n\r\u0085\u2028\u2029]*/g;

function isWellFormed({ scheme, id }: Acl, schemes: ReadonlySet<string>): boolean {
  if (scheme === null || id === null) return false;
  switch (scheme) {
    case 'world':
      return id === 'anyone';
    case 'digest':
      return schemes.has(scheme) && isDigestId(id);
    case 'ip':
      return isIpExpression(id);
    case 'sasl':
      return schemes.has(scheme) && isPrincipal(id);
    case 'x509':
      return schemes.has(scheme) && isDistinguishedName(id);
    default:
      return false;
  }
}

/** `user:hash`: two parts, of which the first may be empty; colons at the end do not count. */
function isDigestId(id: string): boolean {
  const colon = id.indexOf(':');
  let end = id.length;
  while (end > 0 && id.charCodeAt(end - 1) === COLON) end--;
  return colon !== -1 && colon < end && id.lastIndexOf(':', end - 1) === colon;
}

const COLON = 0x3a;

/** A user's name, or `primary/instance@REALM` with or without its middle. */
function isPrincipal(id: string): boolean {
  return !id.includes('@') || /^[^/@]*(\/[^/@]*)?@[^/@]*$/.test(id);
}

/** `type=value` pairs, separated by commas, semicolons or plus signs; values may be quoted or escaped. The empty name is one, too. */
function isDistinguishedName(id: string): boolean {
  return id.trim() === '' || DISTINGUISHED_NAME.test(id);
}

const DISTINGUISHED_NAME =
  /^\s*[A-Za-z\d.-]+\s*=(?:\s*"(?:[^"\\]|\\.)*"\s*|(?:[^",;+\\]|\\.)*)(?:[,;+]\s*[A-Za-z\d.-]+\s*=(?:\s*"(?:[^"\\]|\\.)*"\s*|(?:[^",;+\\]|\\.)*))*$/s;

/** This SASL user is every other one, too. */
const SASL_SUPER = 'super';

function matches(entry: Acl, identity: Identity): boolean {
  if (entry.scheme !== identity.scheme || entry.id === null) return false;
  if (entry.scheme === 'ip') return matchesIp(identity.id, entry.id);
  return entry.id === identity.id || (entry.scheme === 'sasl' && identity.id === SASL_SUPER);
}

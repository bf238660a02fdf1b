/** Groups of an IPv6 address. */
const GROUPS = 8;

/**
 * The one spelling of a host: IPv6 addresses as Java writes them, all eight groups in lower case without leading zeros, and
 * an IPv4 address inside one as that address; so that texts from Apache's servers and from this one are equal when the
 * addresses are. Names, IPv4 addresses, and IPv6 addresses with a zone stay as they are. Null: no host.
 */
export function canonicalHost(text: string): string | null {
  if (!text.includes(':')) return /^[^\s[\]/|;=,%]+$/.test(text) ? text : null;
  if (text.includes('%')) return /^[0-9a-fA-F:.]+%[\w.-]+$/.test(text) ? text : null;
  const groups = groupsOf(text);
  if (groups === null) return null;
  const isIPv4 = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (!isIPv4) return groups.map((group) => group.toString(16)).join(':');
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.');
}

/** Whether an address names the own host or all of its addresses, so that two servers may well have the same. */
export function isLoopbackOrWildcard(host: string): boolean {
  return /^(127(\.\d+){3}|0\.0\.0\.0|localhost|(0:){7}[01])$/i.test(host);
}

function groupsOf(text: string): number[] | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = halves.map(listed);
  if (head === undefined || head === null || tail === null) return null;
  if (tail === undefined) return head.length === GROUPS ? head : null;
  const missing = GROUPS - head.length - tail.length;
  return missing < 1 ? null : [...head, ...new Array<number>(missing).fill(0), ...tail];
}

function listed(text: string): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    const bytes = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(part)?.slice(1).map(Number);
    if (bytes !== undefined && i === parts.length - 1 && bytes.every((byte) => byte < 256)) {
      const [a, b, c, d] = bytes as [number, number, number, number];
      groups.push(a * 256 + b, c * 256 + d);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return null;
    }
  }
  return groups;
}

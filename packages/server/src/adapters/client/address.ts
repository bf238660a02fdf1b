const MAPPED_PREFIX = '::ffff:';

/**
 * A peer's address as Apache writes it in the `ip` scheme: IPv4 in dotted form also when it came in over an IPv6 socket,
 * IPv6 in full without zeros left out (`0:0:0:0:0:0:0:1`).
 */
export function clientAddress(address: string): string {
  if (address.startsWith(MAPPED_PREFIX) && address.includes('.')) return address.slice(MAPPED_PREFIX.length);
  if (!address.includes(':')) return address;
  const zone = address.indexOf('%');
  const [left = '', right] = withoutDots(zone < 0 ? address : address.slice(0, zone)).split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const zeros = right === undefined ? [] : new Array<string>(8 - head.length - tail.length).fill('0');
  return [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}

/** The last four bytes in groups of IPv6 when they are dotted, as the operating system writes `::1.2.3.4`. */
function withoutDots(address: string): string {
  const dotted = address.slice(address.lastIndexOf(':') + 1);
  if (!dotted.includes('.')) return address;
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
  const groups = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  return address.slice(0, address.length - dotted.length) + groups;
}

const V6_GROUPS = 8;

/** Whether `text` may be the id of an `ip` entry: an IPv4 or IPv6 address, optionally with `/` and a number of bits. */
export function isIpExpression(text: string): boolean {
  return parseExpression(text) !== null;
}

/** Whether an address lies in the block that an `ip` entry names. IPv4 and IPv6 never match one another. */
export function matchesIp(address: string, expression: string): boolean {
  const block = parseExpression(expression);
  if (block === null) return false;
  const bytes = parseAddress(address);
  if (bytes === null || bytes.length !== block.address.length) return false;
  let bits = block.bits;
  for (let i = 0; bits > 0; i++, bits -= 8) {
    const mask = bits >= 8 ? 0xff : (0xff00 >> bits) & 0xff;
    if (((bytes[i] ^ block.address[i]) & mask) !== 0) return false;
  }
  return true;
}

function parseExpression(text: string): { address: number[]; bits: number } | null {
  const slash = text.indexOf('/');
  const address = parseAddress(slash === -1 ? text : text.slice(0, slash));
  if (address === null) return null;
  if (slash === -1) return { address, bits: address.length * 8 };
  const bits = parseInteger(text.slice(slash + 1), 10);
  return bits === null || bits < 0 || bits > address.length * 8 ? null : { address, bits };
}

/** The bytes of an address: with a colon it is IPv6, otherwise dotted IPv4. A zone (`%eth0`) makes it unreadable. */
function parseAddress(text: string): number[] | null {
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

function parseV4(text: string): number[] | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  const bytes: number[] = [];
  for (const part of parts) {
    const value = parseInteger(part, 10);
    if (value === null || value < 0 || value > 255) return null;
    bytes.push(value);
  }
  return bytes;
}

function parseV6(text: string): number[] | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const front = halves[0] === '' && halves.length === 2 ? [] : halves[0].split(':');
  const back = halves.length === 1 || halves[1] === '' ? [] : halves[1].split(':');
  const groups = front.length + back.length;
  if (halves.length === 1 ? groups !== V6_GROUPS : groups >= V6_GROUPS) return null;
  const bytes: number[] = [];
  for (const group of [...front, ...new Array<string>(V6_GROUPS - groups).fill('0'), ...back]) {
    const value = group.length > 4 ? null : parseInteger(group, 16);
    if (value === null) return null;
    bytes.push((value >> 8) & 0xff, value & 0xff);
  }
  return bytes;
}

/** As Java's `Integer.parseInt` for ASCII text: a sign is allowed. Apache accepts `-1` as a group of an IPv6 address. */
function parseInteger(text: string, radix: 10 | 16): number | null {
  if (!(radix === 10 ? /^[+-]?[0-9]+$/ : /^[+-]?[0-9a-fA-F]+$/).test(text)) return null;
  const value = Number.parseInt(text, radix);
  return value < -0x80000000 || value > 0x7fffffff ? null : value;
}

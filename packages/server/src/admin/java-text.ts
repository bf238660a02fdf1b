/** A double as Java prints it: `0.0`, `3.3636`, `1.0E-4`, `1.2345E7`. Monitoring scripts parse it. */
export function javaDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === 0) return '0.0';
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-3 && magnitude < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value);
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
}

/** Rounds to four decimals, halves away from zero, as Apache does with means. */
export function fourDecimals(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A time as `Sat Nov 21 23:11:46 UTC 2026`. */
export function javaDate(ms: number): string {
  const date = new Date(ms);
  const clock = date.toISOString().slice(11, 19);
  const day = String(date.getUTCDate()).padStart(2, '0');
  return `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${day} ${clock} UTC ${date.getUTCFullYear()}`;
}

/** A 64-bit number in hexadecimal, negative ones in two's complement. */
export function javaHex(value: number | bigint): string {
  return BigInt.asUintN(64, BigInt(value)).toString(16);
}

/** A socket's address as `/127.0.0.1:2181` or `/[0:0:0:0:0:0:0:1]:2181`. IPv4 inside IPv6 is shown as IPv4. */
export function javaSocketAddress(address: string, port: number): string {
  const [ip, zone] = address.split('%') as [string, string?];
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped !== undefined || !ip.includes(':')) return `/${mapped ?? ip}:${port}`;
  const [head, tail] = ip.split('::') as [string, string?];
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...new Array<string>(Math.max(0, zeros)).fill('0'), ...after];
  return `/[${all.join(':')}${zone === undefined ? '' : `%${zone}`}]:${port}`;
}

function groups(part: string): string[] {
  if (part === '') return [];
  return part.split(':').map((group) => Number.parseInt(group, 16).toString(16));
}

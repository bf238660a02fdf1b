/** The operators' HTTP door: requests that are spoiled, too large, too slow, several at once, and no HTTP at all. */

import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { SeededRandom } from '@headkeeper/testkit';
import { Violation } from './raw-connection.ts';

const AT_ONCE = 12;
/** How long an answer may take to begin; many requests are never complete, and have none. */
const PATIENCE_MS = 200;
/** How long nothing comes behind an answer before it counts as whole. */
const QUIET_MS = 15;
/** More than the server takes at a time. */
const SLOW_ONES = 100;
/** Within this the server has to be rid of connections that never say what they want, and to answer others. */
const RECOVERY_MS = 20_000;
const ADMIN_COMMANDS = [
  ...['ruok', 'monitor', 'stats', 'connections', 'dump', 'watches', 'watches_by_path', 'configuration', 'environment'],
  ...[
    'snapshot',
    'restore',
    'backup',
    'hash',
    'stat_reset',
    'set_trace_mask',
    'nothing',
    '__proto__',
    'constructor',
    '',
  ],
];
/** What the operators' server has, and nearly has. */
export const ADMIN_PATHS: readonly string[] = [
  ...ADMIN_COMMANDS.map((command) => `/commands/${command}`),
  ...['/livez', '/readyz', '/metrics', '/openapi.json'],
];
/** The same of the server for metrics. */
export const METRICS_PATHS: readonly string[] = ['/metrics', '/metrics', '/', '/metrics/', '/favicon.ico'];
const METHODS = [
  'GET',
  'POST',
  'HEAD',
  'PUT',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PATCH',
  'get',
  'G\0T',
  '',
  'M-SEARCH',
];
const TARGETS = [
  '//',
  '*',
  'http://elsewhere/',
  '/../../etc/passwd',
  '/%00',
  '/%zz',
  '/commands/%2e%2e/%2e%2e/',
  '/\u00ff',
];
const HEADERS = [
  ...['Content-Length: 5', 'Content-Length: -1', 'Content-Length: 99999999999999999999', 'Content-Length: 5, 6'],
  ...[
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked\r\nContent-Length: 3',
  ],
  ...['Host:', 'Host: a\r\nHost: b', 'Connection: close', 'Connection: keep-alive, Upgrade', 'Upgrade: websocket'],
  ...[
    'Expect: 100-continue',
    'Expect: nonsense',
    'Authorization: digest a:b',
    'Authorization: digest',
    'Authorization: \u00ff',
  ],
  ...[' folded: header', 'no colon', 'X-Nul: a\0b', 'X-Escape: \u001b[2J', ': empty', `X-Long: ${'y'.repeat(8_000)}`],
  ...[
    `X-Longer: ${'y'.repeat(70_000)}`,
    'Range: bytes=0-1,2-3',
    'Accept-Encoding: *',
    'Content-Type: application/octet-stream',
  ],
];
const BODIES = [
  '',
  'abcde',
  '5\r\nabcde\r\n0\r\n\r\n',
  'ffffffffffffffff\r\n',
  '-1\r\n',
  '0;ext\r\nX: y\r\n\r\n',
  'ZKSN\0\0\0\u0002',
];

export interface HttpFuzzOptions {
  readonly port: number;
  readonly requests: number;
  readonly seed: number;
  readonly paths: readonly string[];
  /** Something that is always answered with 200. */
  readonly alive: string;
  /** Whether connections that never say what they want are tried, too. */
  readonly slowOnes: boolean;
}

/** @throws Violation when the door does not open again. */
export async function fuzzHttp(options: HttpFuzzOptions): Promise<{ sent: number; answered: number }> {
  const { port, requests, seed, paths, alive, slowOnes } = options;
  let sent = 0;
  let answered = 0;
  const one = async (index: number): Promise<void> => {
    const random = new SeededRandom(seed * 1_000 + 700 + index);
    while (sent < requests) {
      sent++;
      const text = await say(
        port,
        `127.0.${40 + index}.${1 + (sent % 250)}`,
        anyRequests(random, paths),
        random.below(8) === 0,
      );
      if (text.startsWith('HTTP/1.1 ')) answered++;
      else if (text.length > 0) throw new Violation(`an answer that is no HTTP: ${JSON.stringify(text.slice(0, 60))}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => one(index)));
  if (slowOnes) await isRidOfSlowOnes(port, alive);
  if (answered < requests / 20) throw new Violation(`only ${answered} of ${requests} requests had an answer`);
  return { sent, answered };
}

function pick<T>(random: SeededRandom, from: readonly T[]): T {
  return from[random.below(from.length)] as T;
}

function anyRequests(random: SeededRandom, paths: readonly string[]): Buffer {
  let text = '';
  for (let count = random.below(5) === 0 ? 1 + random.below(10) : 1; count > 0; count--)
    text += anyRequest(random, paths);
  let bytes = Buffer.from(text, 'latin1');
  if (random.below(4) === 0) {
    for (let flips = 1 + random.below(6); flips > 0; flips--) {
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    }
  }
  if (random.below(8) === 0) bytes = bytes.subarray(0, random.below(bytes.length));
  return bytes;
}

function anyRequest(random: SeededRandom, paths: readonly string[]): string {
  const method = random.below(3) === 0 ? pick(random, METHODS) : 'GET';
  const query = random.below(4) === 0 ? `?${'a=b&'.repeat(random.below(200))}traceMask=${random.below(100)}` : '';
  const target = random.below(5) === 0 ? pick(random, TARGETS) : `${pick(random, paths)}${query}`;
  const version = random.below(10) === 0 ? pick(random, ['HTTP/0.9', 'HTTP/2.0', 'HTTP/1.0', 'ICY', '']) : 'HTTP/1.1';
  const headers = ['Host: localhost'];
  for (let count = random.below(4); count > 0; count--) headers.push(pick(random, HEADERS));
  if (random.below(60) === 0) for (let i = 0; i < 3_000; i++) headers.push(`X-${i}: y`);
  const end = random.below(20) === 0 ? '\n\n' : '\r\n\r\n';
  return `${method} ${target} ${version}\r\n${headers.join('\r\n')}${end}${random.chance() ? pick(random, BODIES) : ''}`;
}

/** Connections that say a little now and then, more of them than there is room for; then one that asks properly. */
async function isRidOfSlowOnes(port: number, alive: string): Promise<void> {
  const slow = Array.from({ length: SLOW_ONES }, (_, i) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.60.${1 + i}` });
    socket.on('error', () => {});
    socket.write('GET /commands/ruok HTTP/1.1\r\nX: ');
    const timer = setInterval(() => socket.write('y'), 500);
    socket.on('close', () => clearInterval(timer));
    return socket;
  });
  const begun = performance.now();
  try {
    for (;;) {
      const text = await say(
        port,
        '127.0.61.1',
        Buffer.from(`GET ${alive} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
        false,
        2_000,
      );
      if (text.startsWith('HTTP/1.1 200 ')) return;
      await pause(100);
      if (performance.now() - begun > RECOVERY_MS) throw new Violation('slow connections keep the door shut');
    }
  } finally {
    for (const socket of slow) socket.destroy();
  }
}

function say(
  port: number,
  localAddress: string,
  bytes: Buffer,
  inPieces: boolean,
  patienceMs: number = PATIENCE_MS,
): Promise<string> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
    let text = '';
    const end = (): void => {
      socket.resetAndDestroy();
    };
    let timer = setTimeout(end, patienceMs);
    socket.setEncoding('latin1').on('data', (part: string) => {
      if (text.length < 100_000) text += part;
      clearTimeout(timer);
      timer = setTimeout(end, QUIET_MS);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
    if (!inPieces) socket.write(bytes);
    else for (let at = 0; at < Math.min(bytes.length, 300); at++) socket.write(bytes.subarray(at, at + 1));
  });
}

/**
 * A client of a chaos run, on @headkeeper/client: chaos-client.js CONNECT_STRING SESSION_TIMEOUT_MS
 *
 * Commands come on standard input, answers and events go to standard output, one a line; ../client-process.ts has them.
 */

import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Client, connect, type Stat, ZooKeeperError } from '@headkeeper/client';

const MODES = ['persistent', 'ephemeral', 'persistentSequential', 'ephemeralSequential'] as const;
const REFUSALS: ReadonlySet<string> = new Set(['noNode', 'nodeExists', 'badVersion']);

const [address = '', sessionMs = ''] = process.argv.slice(2);
const client: Client = await connect(address, { sessionTimeoutMs: Number(sessionMs), connectTimeoutMs: 60_000 });
/** Connections that were lost: what is asked over two of them is not asked of one server. */
let losses = 0;

client.onEvent((event) => {
  if (event.type === 'disconnected') losses++;
  if (event.type === 'connected') say({ event: 'connected', session: idText(event.sessionId), at: now() });
  if (event.type === 'disconnected') say({ event: 'disconnected', session: sessionText(), at: now() });
  if (event.type === 'sessionExpired') say({ event: 'expired', session: idText(event.sessionId), at: now() });
});
say({ event: 'connected', session: sessionText(), at: now() });
for await (const line of createInterface(process.stdin)) obey(line.split(' '));
await client.close().catch(() => {});
process.exit(0);

function obey([number = '', command = '', path = '', ...words]: readonly string[]): void {
  const id = Number(number);
  const call = now();
  answerOf(id, command, path, words).then(
    (facts) => say({ id, out: 'ok', session: sessionText(), call, ret: now(), ...facts }),
    (error: unknown) => say({ id, out: outcomeOf(error), session: sessionText(), call, ret: now() }),
  );
}

function answerOf(id: number, command: string, path: string, words: readonly string[]): Promise<object> {
  const [first = '', second = ''] = words;
  switch (command) {
    case 'create': {
      const mode = MODES[Number(second)] ?? 'persistent';
      return client.create(path, first, { mode }).then(({ path: made, stat }) => ({ path: made, ...factsOf(stat) }));
    }
    case 'set':
      return client.setData(path, first, { version: Number(second) }).then(factsOf);
    case 'delete':
      return client.delete(path, { version: Number(first) }).then(() => ({}));
    case 'read':
      return client.getData(path, first === '1' ? watching(id) : {}).then(contentOf);
    case 'fresh': {
      const before = losses;
      const synced = client.sync(path);
      const read = client.getData(path).then((znode) => ({ ...contentOf(znode), ...staleSince(before) }));
      return Promise.all([synced, read]).then(([, facts]) => facts);
    }
    case 'children': {
      const synced = client.sync(path);
      const read = client.getChildren(path).then(({ children }) => ({ children }));
      return Promise.all([synced, read]).then(([, facts]) => facts);
    }
    default:
      throw new RangeError(`no command ${command}`);
  }
}

function watching(id: number): { watch: (event: { type: string }) => void } {
  return { watch: ({ type }) => say({ event: 'watch', id, type, session: sessionText(), at: now() }) };
}

function staleSince(before: number): object {
  return before === losses ? {} : { stale: true };
}

function contentOf({ data, stat }: { data: Uint8Array | null; stat: Stat }): object {
  return { data: new TextDecoder().decode(data ?? new Uint8Array()), ...factsOf(stat) };
}

function factsOf(stat: Stat | null): object {
  if (stat === null) return {};
  return { version: stat.version, czxid: stat.czxid, mzxid: stat.mzxid, owner: idText(stat.ephemeralOwner) };
}

function outcomeOf(error: unknown): string {
  if (!(error instanceof ZooKeeperError)) throw error;
  if (REFUSALS.has(error.code)) return error.code;
  return error.outcome === 'not applied' ? 'notApplied' : 'unknown';
}

function sessionText(): string {
  return idText(client.session.id);
}

function idText(id: bigint): string {
  return `0x${id.toString(16)}`;
}

/** Microseconds of the clock that all processes of a machine share. */
function now(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** A line in one write, so that what was said before a kill is there. */
function say(facts: object): void {
  writeSync(1, `${JSON.stringify(facts)}\n`);
}

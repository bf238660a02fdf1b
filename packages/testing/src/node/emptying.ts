import { decodeUtf8, ErrorCode, type MultiOperation, OpCode, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import { type AssembledServer, DoorClient, Field } from '@headkeeper/server/embedding';
import { TestingError } from '../testing-error.ts';
import { until } from '../time/turns.ts';
import { idOf, sessionsOf } from './sessions.ts';

/** What stays: the server makes these znodes itself. */
const SYSTEM: ReadonlySet<string> = new Set(['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']);
/** Paths in one transaction together, bytes: its record must stay far below what a client may send. */
const MOST_BYTES = 64 << 10;
const NO_DATA = new Uint8Array(0);
const ROOT_SLOT = 0;

/**
 * Ends every session and deletes every znode, by transactions like any client's, so that no client that is still there sees
 * time go back. The clients must be held meanwhile: none may write. `server` leads or stands alone.
 *
 * @throws TestingError when it takes longer than this, or the server refuses.
 */
export async function empty(server: AssembledServer, timeoutMs: number): Promise<void> {
  const { driver, replica } = server;
  let isLost = false;
  const client = new DoorClient(driver, {
    watchFired: () => {},
    closed: () => {
      isLost = true;
    },
  });
  try {
    const others = sessionsOf(server);
    const connecting = client.connect(null);
    for (const { idHigh, idLow } of others) driver.expireSession(idHigh, idLow);
    const own = await within(connecting, timeoutMs);
    if (own === null) throw new TestingError('reset(): the server takes no session');
    const ownId = own.ticket.id;
    const areGone = await until(() => isLost || sessionsOf(server).every((key) => idOf(key) === ownId), timeoutMs);
    if (!areGone || isLost) throw new TestingError(`reset(): the sessions did not end within ${timeoutMs} ms`);
    const answers: Promise<{ readonly error: number } | null>[] = [];
    for (const ops of batches(pathsOf(server))) answers.push(client.request('multi', { ops }));
    if (replica.serving.tree.store.get(ROOT_SLOT, Field.dataLength) > 0) {
      answers.push(client.request('setData', { path: '/', data: NO_DATA, version: -1 }));
    }
    if (replica.serving.tree.store.get(ROOT_SLOT, Field.aversion) > 0) {
      answers.push(client.request('setACL', { path: '/', acl: WORLD_ANYONE_ALL, version: -1 }));
    }
    answers.push(client.request('closeSession', null));
    for (const answer of await within(Promise.all(answers), timeoutMs)) {
      if (answer === null || answer.error !== ErrorCode.ok) {
        throw new TestingError(`reset(): the server refused, error ${answer?.error ?? 'none: it is gone'}`);
      }
    }
  } finally {
    client.disconnect();
  }
}

async function within<T>(result: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new TestingError(`reset(): no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([result, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The paths to delete, children before their parents. */
function pathsOf(server: AssembledServer): string[] {
  const { store } = server.replica.serving.tree;
  const paths: string[] = [];
  let bytes = new Uint8Array(256);
  for (let slot = 0; slot < store.slotLimit; slot++) {
    if (!store.isLive(slot)) continue;
    const length = store.pathLength(slot);
    if (length > bytes.length) bytes = new Uint8Array(length * 2);
    store.writePathBackwards(slot, bytes, length);
    const path = decodeUtf8(bytes, 0, length);
    if (path !== '' && !SYSTEM.has(path)) paths.push(path);
  }
  return paths.sort((a, b) => b.length - a.length);
}

function batches(paths: readonly string[]): MultiOperation[][] {
  const all: MultiOperation[][] = [];
  let bytes = MOST_BYTES;
  for (const path of paths) {
    if (bytes >= MOST_BYTES) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1)?.push({ type: OpCode.delete, body: { path, version: -1 } });
    bytes += path.length * 3 + 16;
  }
  return all;
}

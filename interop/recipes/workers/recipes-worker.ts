/**
 * Takes part in recipes through @headkeeper/recipes: recipes-worker.js HOST:PORT SESSION_TIMEOUT_MS
 *
 * Commands come on standard input, events go to standard output, one a line; what they mean is in ../worker.ts.
 */

import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, connect } from '@headkeeper/client';
import {
  AtomicCounter,
  type BarrierMember,
  DelayQueue,
  DistributedQueue,
  DoubleBarrier,
  IdQueue,
  type Layout,
  LeaderLatch,
  LeaderSelector,
  Mutex,
  ReadWriteLock,
  Semaphore,
  SimpleQueue,
} from '@headkeeper/recipes';
import { Members } from './members.ts';

/** Between two rounds, so that all languages get theirs. */
const PAUSE_MS = 2;
/** How long after its coming an item with a time may be taken. */
const DELAY_MS = 30;
/** One item in so many is removed by its name. */
const REMOVED_ONE_IN = 3;
/** Around a single item as Curator's DistributedQueue stores it. */
const ITEM_HEAD_BYTES = 9;
const ITEM_END_BYTES = 1;

const [address = '', sessionTimeoutMs = ''] = process.argv.slice(2);
const client: Client = await connect(address, { sessionTimeoutMs: Number(sessionTimeoutMs), connectTimeoutMs: 60_000 });
let isStopping = false;
const members = new Members(client);
let member: BarrierMember | null = null;

client.onEvent(({ type }) => {
  if (type === 'sessionExpired' || type === 'sessionUncertain') say('lost', now());
});
say('ready', client.session.id);
for await (const line of createInterface(process.stdin)) {
  const [command = '', ...words] = line.split(' ');
  isStopping = command === 'stop';
  if (!isStopping) obey(command, words).catch((error: unknown) => say('failed', String(error).replaceAll('\n', ' ')));
}
process.exit(0);

async function obey(command: string, words: readonly string[]): Promise<void> {
  const [path = '', second = ''] = words;
  switch (command) {
    case 'turns':
      return turns(words);
    case 'share':
      return share(words);
    case 'enter':
      say('coming', now());
      member = await new DoubleBarrier(client, path, Number(second), { id: 'typescript' }).enter();
      say('in', now());
      return;
    case 'leave':
      say('leaving', now());
      await member?.leave();
      say('out', now());
      return;
    // What the judge has to see through: nobody waits for anybody.
    case 'enter-broken':
      say('coming', now());
      say('in', now());
      member = await new DoubleBarrier(client, path, Number(second)).enter();
      return;
    case 'count':
      return repeat(counting(new AtomicCounter(client, path, { format: 'int32' })));
    // What the judge has to see through: a counter that asks for no version.
    case 'count-broken':
      return repeat(() => countBroken(path));
    case 'exchange':
      return repeat(exchanging(new SimpleQueue(client, path)));
    case 'exchange-items':
      return repeat(exchanging(new DistributedQueue(client, path)));
    // What the judge has to see through: a taker that does not ask whether it was the one that has removed the item.
    case 'exchange-broken':
      return repeat(() => takeBroken(path, 0, 0));
    case 'exchange-items-broken':
      return repeat(() => takeBroken(path, ITEM_HEAD_BYTES, ITEM_END_BYTES));
    case 'exchange-names':
      return repeat(exchangingNames(new IdQueue(client, path)));
    case 'exchange-times':
      return repeat(exchangingTimes(new DelayQueue(client, path)));
    case 'exchange-kazoo':
      return repeat(exchanging(new SimpleQueue(client, path, { layout: 'kazoo' })));
    case 'exchange-locking':
      return repeat(exchangingLocked(new SimpleQueue(client, path, { layout: 'kazoo locking' })));
    case 'exchange-names-broken':
      return repeat(() => takeBroken(path, ITEM_HEAD_BYTES, ITEM_END_BYTES));
    case 'exchange-kazoo-broken':
      return repeat(() => takeBroken(path, 0, 0));
    // A taker whose clock is ahead of all others.
    case 'exchange-times-broken':
      return repeat(exchangingTimes(new DelayQueue(client, path, { clock: () => Date.now() + DELAY_MS })));
    // One that removes what others have locked.
    case 'exchange-locking-broken':
      return repeat(() => stealBroken(`${path}/entries`));
    case 'join':
      await members.join(path, second, words[2] ?? '');
      return say('joined');
    // What the judge has to see through: a member that nobody can see.
    case 'join-broken':
      return say('joined');
    case 'part':
      await members.part();
      return say('parted');
    case 'look':
      return say('sees', ...(await members.look(path, second)));
    case 'pass':
      return passes(path, Number(second));
    default:
      throw new Error(`there is no command ${command}`);
  }
}

async function turns([kind, path = '', counter = '', holdMs]: readonly string[]): Promise<void> {
  const mutex = new Mutex(client, path, { layout: kind === 'kazoo-lock' ? 'kazoo' : 'curator' });
  const selector = new LeaderSelector(client, path, { id: 'typescript' });
  const section = (token: number): Promise<void> => oneTurn(token, counter, Number(holdMs));
  while (!isStopping) {
    switch (kind) {
      case 'lock':
      case 'kazoo-lock':
        await mutex.run(({ token }) => section(token));
        break;
      case 'latch': {
        await using latch = new LeaderLatch(client, path, { id: 'typescript' });
        await section((await latch.lead()).token);
        break;
      }
      case 'selector':
        await selector.run(({ token }) => section(token));
        break;
      // What the judge has to see through: a lock that holds nobody back.
      case 'broken':
        await section(client.lastZxid);
        break;
      default:
        throw new Error(`there are no turns of the kind ${kind}`);
    }
  }
  say('stopped');
}

async function share([kind, layout, path = '', what = '', holdMs]: readonly string[]): Promise<void> {
  const options = { layout: layout as Layout };
  const ms = Number(holdMs);
  switch (kind) {
    case 'read-write': {
      const { write, read } = new ReadWriteLock(client, path, options);
      return repeat(async () => {
        await write.run(({ token }) => oneTurn(token, what, ms));
        await read.run(() => oneLook(what, ms));
      });
    }
    case 'semaphore': {
      const semaphore = new Semaphore(client, path, Number(what), options);
      return repeat(() => semaphore.run(() => oneLook(null, ms)));
    }
    // What the judge has to see through: locks and leases that hold nobody back.
    case 'read-write-broken':
      return repeat(async () => {
        await oneTurn(client.lastZxid, what, ms);
        await oneLook(what, ms);
      });
    case 'semaphore-broken':
      return repeat(() => oneLook(null, ms));
    default:
      throw new Error(`there is no ${kind} to share`);
  }
}

/** What several may do at a time: reads the number twice, if there is one. */
async function oneLook(counter: string | null, holdMs: number): Promise<void> {
  const number = async (): Promise<number> => {
    if (counter === null) return 0;
    return Number(new TextDecoder().decode((await client.getData(counter)).data ?? new Uint8Array()));
  };
  say('hold', now());
  const first = await number();
  await pause(holdMs);
  const last = await number();
  say('held', now(), first, last);
}

/** What only one at a time may do: reads a number and writes the next one, without asking for a version. */
async function oneTurn(token: number, counter: string, holdMs: number): Promise<void> {
  say('enter', now(), token);
  const before = Number(new TextDecoder().decode((await client.getData(counter)).data ?? new Uint8Array()));
  await pause(holdMs);
  await client.setData(counter, String(before + 1));
  say('leave', now(), before);
}

/** Holds the lock so many times, for no time at all, and tells of each when it was had. */
async function passes(path: string, times: number): Promise<void> {
  const mutex = new Mutex(client, path);
  const moments: bigint[] = [];
  for (let i = 0; i < times; i++) {
    const held = await mutex.acquire();
    moments.push(now());
    await held.release();
  }
  say('passed', ...moments);
}

async function repeat(round: () => Promise<void>): Promise<void> {
  while (!isStopping) {
    await round();
    await pause(PAUSE_MS);
  }
  say('stopped');
}

function counting(counter: AtomicCounter): () => Promise<void> {
  return async () => {
    say('counting');
    say('counted', (await counter.increment()).after);
  };
}

async function countBroken(path: string): Promise<void> {
  say('counting');
  const bytes = Buffer.from((await client.getData(path)).data ?? []);
  await pause(PAUSE_MS);
  bytes.writeInt32BE(bytes.readInt32BE() + 1);
  await client.setData(path, bytes);
  say('counted', bytes.readInt32BE());
}

function exchanging(
  queue: Pick<SimpleQueue, 'put' | 'poll'> | Pick<DistributedQueue, 'put' | 'poll'>,
): () => Promise<void> {
  let number = 0;
  return async () => {
    const item = `${client.session.id}-${number++}`;
    say('putting', item);
    await queue.put(item);
    say('put', item);
    say('taking');
    const taken = await queue.poll();
    say('took', taken === null ? 'nothing' : new TextDecoder().decode(taken.data));
  };
}

/** Every third item is taken back by its name, if nobody has taken it. */
function exchangingNames(queue: IdQueue): () => Promise<void> {
  let number = 0;
  return async () => {
    const item = `${client.session.id}-n${number}`;
    say('putting', item);
    await queue.put(item, item);
    say('put', item);
    if (number++ % REMOVED_ONE_IN === REMOVED_ONE_IN - 1) {
      say('removing', item);
      say((await queue.remove(item)) === 0 ? 'kept' : 'took', item);
    }
    say('taking');
    const taken = await queue.poll();
    say('took', taken === null ? 'nothing' : new TextDecoder().decode(taken.data));
  };
}

function exchangingTimes(queue: DelayQueue): () => Promise<void> {
  let number = 0;
  return async () => {
    const due = Date.now() + DELAY_MS;
    const item = `${client.session.id}-t${number++}@${due}`;
    say('putting', item);
    await queue.put(item, due);
    say('put', item);
    say('taking');
    const taken = await queue.poll();
    say('took', taken === null ? 'nothing' : new TextDecoder().decode(taken.data), Date.now());
  };
}

function exchangingLocked(queue: SimpleQueue): () => Promise<void> {
  let number = 0;
  return async () => {
    const item = `${client.session.id}-${number++}`;
    say('putting', item);
    await queue.put(item);
    say('put', item);
    say('taking');
    const taken = await queue.poll();
    if (taken === null) return say('took', 'nothing');
    const name = new TextDecoder().decode(taken.data);
    say('has', name);
    await pause(PAUSE_MS);
    await taken.done();
    say('took', name);
  };
}

async function stealBroken(path: string): Promise<void> {
  const children = await client.getChildren(path).catch(() => ({ children: [] }));
  const [first] = [...children.children].sort();
  if (first === undefined) return;
  const { data } = await client.getData(`${path}/${first}`).catch(() => ({ data: null }));
  if (data !== null) say('took', new TextDecoder().decode(data));
}

async function takeBroken(path: string, before: number, after: number): Promise<void> {
  const [first] = [...(await client.getChildren(path)).children].sort();
  if (first === undefined) return;
  const { data } = await client.getData(`${path}/${first}`).catch(() => ({ data: null }));
  if (data === null) return;
  await pause(PAUSE_MS);
  await client.delete(`${path}/${first}`).catch(() => {});
  say('took', new TextDecoder().decode(data.subarray(before, data.length - after)));
}

/** Nanoseconds of the clock that all processes of a machine share. */
function now(): bigint {
  return process.hrtime.bigint();
}

/** A line in one write, so that what was said before a kill is there. */
function say(...words: readonly (string | number | bigint)[]): void {
  writeSync(1, `${words.join(' ')}\n`);
}

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type BackupTarget, TargetError, type TargetFailure, type TargetObject } from '@headkeeper/server/internal';

/** One thing that every target must do; `target` is empty. */
export interface TargetCheck {
  readonly title: string;
  readonly body: (target: BackupTarget) => Promise<void>;
}

/** What every `BackupTarget` must do, wherever it keeps its objects. */
export const targetChecks: readonly TargetCheck[] = [
  {
    title: 'gives back what was put: nothing, little, much; in one piece or in many',
    body: async (target) => {
      for (const size of [0, 1, 70_000, 6 * 1024 * 1024, 11 * 1024 * 1024 + 13]) {
        const bytes = someBytes(size);
        await target.put(`whole/${size}.bin`, bytes, never);
        await target.put(`pieces/${size}.bin`, inPieces(bytes, 999_983), never);
        for (const folder of ['whole', 'pieces'])
          assert.equal(await hashOf(target, `${folder}/${size}.bin`), sha256(bytes), `${folder}/${size}`);
      }
    },
  },
  {
    title: 'overwrites nothing',
    body: async (target) => {
      await target.put('log/a.json', someBytes(10), never);
      await failsWith('exists', () => target.put('log/a.json', someBytes(20), never), /log\/a\.json/);
      await failsWith('exists', () => target.put('log/a.json', inPieces(someBytes(20), 7), never), /log\/a\.json/);
      assert.equal(await hashOf(target, 'log/a.json'), sha256(someBytes(10)));
    },
  },
  {
    title: 'lets one of two that put the same name win, and keeps what that one put',
    body: async (target) => {
      const bodies = [someBytes(1000), someBytes(2000)];
      const outcomes = await Promise.allSettled(bodies.map((body) => target.put('log/race.log', body, never)));
      const winners = outcomes.flatMap((outcome, i) => (outcome.status === 'fulfilled' ? [i] : []));
      assert.equal(winners.length, 1);
      assert.equal(await hashOf(target, 'log/race.log'), sha256(bodies[winners[0]!]!));
    },
  },
  {
    title: 'lists by prefix, ascending, with sizes and times, and a put is there at once',
    body: async (target) => {
      assert.deepEqual(await namesIn(target, ''), []);
      const names = ['log/00.11.22-aa.log', 'full/1-a.snapshot', 'log/00.11.22-aa.json', 'log/00.1.json', 'head.json'];
      for (const name of names) await target.put(name, someBytes(name.length), never);
      assert.deepEqual(await namesIn(target, ''), [...names].sort());
      assert.deepEqual(await namesIn(target, 'log/00.11'), ['log/00.11.22-aa.json', 'log/00.11.22-aa.log']);
      assert.deepEqual(await namesIn(target, 'log/'), names.filter((name) => name.startsWith('log/')).sort());
      assert.deepEqual(await namesIn(target, 'nothing/'), []);
      for await (const object of target.list('', never)) {
        assert.equal(object.size, object.name.length);
        assert.equal(Number.isSafeInteger(object.modifiedMs), true, `${object.name}: ${object.modifiedMs}`);
      }
    },
  },
  {
    title: 'lists more objects than fit on one page',
    body: async (target) => {
      const names = Array.from({ length: 1_050 }, (_, i) => `log/${String(i).padStart(16, '0')}.json`);
      for (let at = 0; at < names.length; at += 50)
        await Promise.all(names.slice(at, at + 50).map((name) => target.put(name, someBytes(1), never)));
      assert.deepEqual(await namesIn(target, 'log/'), names);
    },
  },
  {
    title: 'removes, and an object that is not there is no failure',
    body: async (target) => {
      await target.put('log/a.json', someBytes(10), never);
      await target.remove('log/a.json', never);
      await target.remove('log/a.json', never);
      assert.deepEqual(await namesIn(target, ''), []);
      await failsWith('missing', () => hashOf(target, 'log/a.json'), /log\/a\.json/);
      await target.put('log/a.json', someBytes(20), never);
      assert.equal(await hashOf(target, 'log/a.json'), sha256(someBytes(20)));
    },
  },
  {
    title: 'says which object is missing',
    body: async (target) => {
      await failsWith('missing', () => hashOf(target, 'full/none.snapshot'), /full\/none\.snapshot/);
      await target.put('full/some.snapshot', someBytes(1), never);
      await failsWith('missing', () => hashOf(target, 'full/none.snapshot'), /full\/none\.snapshot/);
    },
  },
  {
    title: 'keeps nothing of an object whose body fails, however much of it had come',
    body: async (target) => {
      const broken = new Error('the disk under the body broke');
      for (const size of [0, 100, 9 * 1024 * 1024]) {
        const body = async function* (): AsyncGenerator<Uint8Array> {
          yield* inPieces(someBytes(size), 1_000_000);
          throw broken;
        };
        await assert.rejects(target.put(`full/${size}.snapshot`, body(), never), broken);
      }
      assert.deepEqual(await namesIn(target, ''), []);
      await target.put('full/100.snapshot', someBytes(100), never);
    },
  },
  {
    title: "ends with the signal's reason and keeps nothing, before a put and in the middle of one",
    body: async (target) => {
      const reason = new Error('the server stops');
      const aborted = AbortSignal.abort(reason);
      await assert.rejects(target.put('log/a.json', someBytes(1), aborted), reason);
      await assert.rejects(hashOf(target, 'log/a.json', aborted), reason);
      await assert.rejects(namesIn(target, '', aborted), reason);
      await assert.rejects(target.remove('log/a.json', aborted), reason);
      const stop = new AbortController();
      const body = async function* (): AsyncGenerator<Uint8Array> {
        yield* inPieces(someBytes(9 * 1024 * 1024), 1_000_000);
        stop.abort(reason);
        yield* inPieces(someBytes(9 * 1024 * 1024), 1_000_000);
      };
      await assert.rejects(target.put('log/a.json', body(), stop.signal), reason);
      assert.deepEqual(await namesIn(target, ''), []);
    },
  },
  {
    title: 'lets a reader stop in the middle',
    body: async (target) => {
      await target.put('full/a.snapshot', someBytes(3_000_000), never);
      for (let i = 0; i < 60; i += 1) {
        for await (const chunk of target.get('full/a.snapshot', never)) {
          assert.notEqual(chunk.length, 0);
          break;
        }
      }
      assert.equal(await hashOf(target, 'full/a.snapshot'), sha256(someBytes(3_000_000)));
    },
  },
];

const never: AbortSignal = new AbortController().signal;

/** Bytes that differ from size to size and do not repeat on any border. */
function someBytes(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0, state = size + 1; i < size; i += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function hashOf(target: BackupTarget, name: string, signal: AbortSignal = never): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of target.get(name, signal)) hash.update(chunk);
  return hash.digest('hex');
}

async function namesIn(target: BackupTarget, prefix: string, signal: AbortSignal = never): Promise<string[]> {
  const objects: TargetObject[] = [];
  for await (const object of target.list(prefix, signal)) objects.push(object);
  return objects.map((object) => object.name);
}

async function failsWith(failure: TargetFailure, call: () => Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof TargetError, String(error));
    assert.equal(error.failure, failure, error.message);
    assert.match(error.message, message);
    return true;
  });
}

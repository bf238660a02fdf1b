/** What a server makes of a log whose digests are not those of the tree that it leads to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CORE_SETTINGS, CoreHarness } from '@headkeeper/testkit';
import { Database } from '../../src/core/database.ts';
import { RecoveredState } from '../../src/core/recovered-state.ts';
import { creation } from './requests.ts';

const EPOCH = 4294967296;
const ZXID_AT = 12;

/** Bodies of the txns of one client that creates some znodes. */
function bodies(): Uint8Array[] {
  const harness = new CoreHarness();
  const client = harness.connect();
  for (const path of ['/a', '/b', '/c', '/d', '/e']) client.call('create', creation(path));
  return harness.log.map(({ body }) => body.slice());
}

function replay(log: readonly Uint8Array[]): RecoveredState {
  const state = new RecoveredState(new Database({ ...CORE_SETTINGS }));
  state.loaded(0, null);
  for (const body of log) state.applyTxn(body, new DataView(body.buffer), 0, body.length);
  return state;
}

function judged({ mismatchCount, isInDoubt, database }: RecoveredState): object {
  return { mismatchCount, isInDoubt, contradictsLeader: database.contradictsLeader };
}

test('digests that are right leave no doubt', () => {
  assert.deepEqual(judged(replay(bodies())), { mismatchCount: 0, isInDoubt: false, contradictsLeader: false });
});

test('digests that are wrong from the middle of an epoch on are those of a leader with another tree', () => {
  const log = bodies();
  for (const body of log.slice(3)) body[body.length - 1] = (body[body.length - 1] as number) ^ 1;
  const mismatchCount = log.length - 3;
  assert.deepEqual(judged(replay(log)), { mismatchCount, isInDoubt: false, contradictsLeader: true });
});

test('digests that are wrong from the beginning of an epoch on may tell of txns that are missing before it', () => {
  const log = bodies();
  const rest = log.splice(3);
  // One that is gone: what follows is of the next epoch.
  for (const [index, body] of rest.slice(1).entries()) {
    new DataView(body.buffer).setBigInt64(ZXID_AT, BigInt(EPOCH + 1 + index));
    log.push(body);
  }
  const { isInDoubt, contradictsLeader } = judged(replay(log)) as { isInDoubt: boolean; contradictsLeader: boolean };
  assert.deepEqual([isInDoubt, contradictsLeader], [true, false]);
});

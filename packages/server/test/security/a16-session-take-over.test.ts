import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apacheSessionPassword } from '@headkeeper/protocol';
import { creation } from '../core/requests.ts';
import { ServedProcess } from './served-process.ts';

const EPHEMERAL = 1;

/** What anybody can compute from an `ephemeralOwner` that everybody can read. */
function computed(sessionId: bigint): Uint8Array {
  const password = new Uint8Array(16);
  apacheSessionPassword(Number(BigInt.asIntN(32, sessionId >> 32n)), Number(BigInt.asIntN(32, sessionId)), password, 0);
  return password;
}

/** A holder of an ephemeral znode, and what comes of a thief who knows its session's number. */
async function robbed(
  lines: readonly string[],
): Promise<{ thiefTimeOut: number; holderLives: boolean; output: string }> {
  const served = await ServedProcess.start(lines);
  try {
    const holder = served.client();
    holder.raw.handshake();
    await holder.hear();
    holder.raw.ask('create', creation('/lock', EPHEMERAL));
    await holder.hear();
    const spy = served.client();
    spy.raw.handshake();
    await spy.hear();
    spy.raw.ask('exists', { path: '/lock', watch: false });
    const seen = await spy.hear();
    assert.ok(seen?.kind === 'reply' && seen.err === 0);
    const { ephemeralOwner } = (seen.body as { stat: { ephemeralOwner: bigint } }).stat;
    assert.equal(ephemeralOwner, holder.raw.sessionId, 'the number is public');
    const thief = served.client();
    thief.raw.handshake({ sessionId: ephemeralOwner, passwd: computed(ephemeralOwner) });
    const answer = await thief.hear();
    assert.ok(answer?.kind === 'handshake');
    if (answer.timeOut === 0) {
      holder.raw.ask('ping', null);
      await holder.hear();
    } else await holder.ended();
    return { thiefTimeOut: answer.timeOut, holderLives: !holder.raw.closed, output: served.output };
  } finally {
    await served.end();
  }
}

test("Apache's password of a session, computed from its number, opens nothing", async () => {
  const { thiefTimeOut, holderLives } = await robbed([]);
  assert.equal(thiefTimeOut, 0);
  assert.ok(holderLives, 'and the holder is not disturbed');
});

test("where Apache's passwords are wanted, they are taken, and the log warns of it", async () => {
  const { thiefTimeOut, holderLives, output } = await robbed([
    'sessionPassword.issue=apache',
    'sessionPassword.accept=apache',
  ]);
  assert.ok(thiefTimeOut > 0 && !holderLives);
  assert.match(output, /"level":40[^\n]*anybody can compute/);
});

import { describe, it } from 'node:test';
import { encodeUtf8 } from '@headkeeper/protocol';
import { type Ensemble, withEnsemble } from '../../src/scenario/ensemble.ts';
import { Packet } from '../../src/scenario/packet-gate.ts';
import { led } from '../../src/scenario/setups.ts';

const FOLDER = '/data/version-2';

/** A digit of `acceptedEpoch` has become another one: the server, which is down, has promised `epoch`. */
function promised(e: Ensemble, sid: number, epoch: number): void {
  const { disk } = e.node(sid);
  const file = disk.createSync(`${FOLDER}/acceptedEpoch`);
  const bytes = encodeUtf8(String(epoch));
  file.writeSync(bytes, 0, bytes.length, 0);
  file.dataSyncSync();
  file.closeSync();
  disk.syncDirSync(FOLDER);
}

/** Server 1 was stopped, and comes back with another digit in its promise. */
function otherDigit(e: Ensemble): void {
  led(e);
  const client = e.attached(3);
  const written = e.write(client, 3);
  e.stop(1);
  written.push(...e.write(client, 2));
  promised(e, 1, 9);
  e.start(1);
  const took = e.until('server 1 serves', () => e.serves(1) && e.leader > 0, 10_000);
  e.expect(`all go on soon (${took} ms)`, took < 5_000);
  e.expect('in an epoch beyond the promise', e.epochOf(e.leader) === 10);
  written.push(...e.write(client, 2));
  e.has(written);
  e.agree();
  e.run(60_000);
  e.expect('and stay in it', e.epochOf(e.leader) === 10);
  e.settles();
}

/** Server 1 elects server 2, and is gone before it has promised anything, twice; then servers 1 and 3 go on in an epoch of their own. */
function loneCandidate(e: Ensemble): void {
  led(e);
  const client = e.attached(3);
  const written = e.write(client, 3);
  e.run(500);
  e.crash(3);
  for (let epoch = 2; epoch <= 3; epoch++) {
    const hold = e.hold({ from: 2, to: 1, type: Packet.leaderInfo });
    e.until('server 2 has promised', () => hold.isReached, 30_000);
    e.reached('on its disk', e.watched(2).durable.acceptedEpoch === epoch);
    e.crash(1);
    hold.release();
    e.until('server 2 gives up', () => e.roleName(2) === 'looking', 60_000);
    if (epoch === 2) e.start(1);
  }
  e.crash(2);
  e.start(1, 3);
  e.until('servers 1 and 3 serve', () => e.serves(1) && e.serves(3), 30_000);
  written.push(...e.write(client, 2));
  e.reached('server 2 has promised more than they', e.epochOf(e.leader) === 2);
  e.start(2);
  e.until('all serve', () => e.sids.every((sid) => e.serves(sid)), 10_000);
  e.expect('in an epoch beyond the promise', e.epochOf(e.leader) === 4);
  e.has(written);
  e.agree();
  e.settles();
}

/** The same with an observer. */
function otherDigitOfObserver(e: Ensemble): void {
  led(e);
  const client = e.attached(3);
  const written = e.write(client, 3);
  e.stop(4);
  promised(e, 4, 9);
  e.start(4);
  e.until('the observer serves', () => e.serves(4), 5_000);
  written.push(...e.write(client, 2));
  e.expect('nobody was elected for it', e.epochOf(3) === 1);
  e.has(written);
  e.agree();
  e.settles();
}

describe('a voter that has promised a later epoch than its leader', () => {
  it('by a digit that has become another: the others elect once more, and it follows', () =>
    withEnsemble({}, otherDigit));
  it('as an observer: it follows, and nobody else is disturbed', () =>
    withEnsemble({ observers: 1 }, otherDigitOfObserver));
  it('as a candidate whose followers did not: the same', () => withEnsemble({}, loneCandidate));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMembership } from '../../src/core/membership/membership.ts';
import type { EnsembleWork } from '../../src/core/ready.ts';
import { PeerRunner, type PeerRunnerOptions, type PeerRunnerPort } from '../../src/driver/peer-runner.ts';
import { HistoryUnreachable } from '../../src/ports.ts';

const ONE = parseMembership('server.1=127.0.0.1:2888:3888:participant\nversion=0');

const NOTHING: EnsembleWork = {
  hardState: null,
  membership: null,
  storage: null,
  notify: [],
  connectElection: false,
  peerOutput: [],
  peerClose: [],
  connect: null,
  logWanted: [],
  feeding: [],
  synced: false,
  messages: [],
  peerMessages: [],
  wakeAtMs: Number.POSITIVE_INFINITY,
  roleChanged: false,
};

interface Played {
  readonly options: PeerRunnerOptions;
  readonly port: PeerRunnerPort;
  /** What was done, in order. */
  readonly done: string[];
  /** Those that wait for the files to be at rest. */
  readonly waiting: (() => void)[];
}

function played(): Played {
  const done: string[] = [];
  const waiting: (() => void)[] = [];
  const nothing = (): void => {};
  const options = {
    sid: 1,
    membership: { committed: ONE, lastSeen: ONE },
    epochs: { read: () => null, write: nothing },
    stored: { accepted: 0, current: 0 },
    history: { truncate: (zxid: number) => done.push(`truncate ${zxid}`) },
    elections: { configure: nothing, send: nothing, connectMissing: nothing, stop: nothing },
    quorum: { listen: nothing, stop: nothing, unsent: () => 0 },
    clock: { monotonicMs: () => 0, wallMs: () => 0 },
    timers: { set: () => nothing },
    defer: nothing,
    oracle: null,
    note: nothing,
    noteOfPeer: nothing,
  } as unknown as PeerRunnerOptions;
  const port: PeerRunnerPort = {
    step: ({ kind }) => done.push(kind),
    isHeld: () => false,
    link: () => null,
    quiesce: (atRest) => waiting.push(atRest),
    installReplacement: () => assert.fail('no state is held ready'),
    openJournal: () => done.push('journal'),
    sent: nothing,
    durableZxid: 0,
    fail: (error) => assert.fail(error),
  };
  return { options, port, done, waiting };
}

test('an order to the disk that waits when the server stops is not carried out any more: the files may be another’s by then', () => {
  const { options, port, done, waiting } = played();
  for (const stops of [false, true]) {
    const runner = new PeerRunner(options, port);
    runner.start();
    runner.run({ ...NOTHING, storage: { kind: 'truncate', zxid: 7, reload: false } }, 1);
    if (stops) runner.stop();
    for (const atRest of waiting.splice(0)) atRest();
    assert.deepEqual(done.splice(0), stops ? [] : ['truncate 7', 'journal', 'storageDone']);
  }
});

test('a state that cannot be put in the place of the history ends the server: the next start finds out what is there', () => {
  const { options, port, done, waiting } = played();
  const damaged: PeerRunnerPort = {
    ...port,
    installReplacement: () => {
      throw new HistoryUnreachable('the snapshot is not complete');
    },
    fail: (error) => done.push(`fatal: ${error.message}`),
  };
  const runner = new PeerRunner(options, damaged);
  runner.start();
  runner.run({ ...NOTHING, storage: { kind: 'replace', zxid: 7, reload: false } }, 1);
  for (const atRest of waiting.splice(0)) atRest();
  assert.deepEqual(done, ['fatal: the snapshot is not complete']);
});

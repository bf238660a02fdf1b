import { type CrashKind, SimulatedDiskError } from '@headkeeper/testkit';
import { type Ensemble, withEnsemble } from './ensemble.ts';
import { byDesign, guard } from './guards.ts';
import { Packet } from './packet-gate.ts';
import type { Scenario } from './scenario.ts';
import { led } from './setups.ts';

const EVERY_KIND: readonly CrashKind[] = ['lose', 'torn', 'keep'];
const TICK_MS = 2000;
const ELECTION_PORT = 3888;
const QUORUM_PORT = 2888;
const CLIENT_PORT = 2181;

/** The nth operation that writes a follower's log fails once; false when there were not so many. */
function s08(e: Ensemble, nth: number, code: string): boolean {
  led(e);
  const client = e.attached(3);
  e.write(client);
  e.cluster.mayFail.add(1);
  let left = nth;
  e.onDisk(1, (operation, path) => {
    if (left === 0 || !path.startsWith('/log') || --left > 0) return;
    throw new SimulatedDiskError(code, operation, path);
  });
  for (let i = 0; i < 6; i++) e.write(client);
  if (left > 0) return false;
  e.until('the server ends rather than go on without a record', () => !e.node(1).isUp, 5000);
  e.write(client, 2);
  e.start(1);
  e.until('server 1 serves', () => e.serves(1));
  e.crash(2);
  e.write(client, 3);
  e.powerCycle(1);
  e.until('server 1 serves', () => e.serves(1), 30_000);
  // It alone has what was written last, but for the leader, which goes.
  e.crash(3);
  e.start(2);
  e.until('server 1 leads', () => e.leader === 1, 30_000);
  e.commits();
  e.agree();
  return true;
}

/** The role ends while so many txns are on their way to the disk; whether there were any. */
function s13(e: Ensemble, count: number): boolean {
  led(e);
  const client = e.attached(3);
  e.write(client, 2);
  const { last } = e.watched(1).durable;
  e.node(1).diskSlowness = 3000;
  e.node(2).diskSlowness = 3000;
  for (let i = 0; i < count; i++) client.put();
  e.run(1);
  e.kill(3);
  e.run(1);
  const isUnderWay = e.node(1).disk.pending > 0 && e.watched(1).durable.last === last;
  e.until('there is a leader', () => e.leader !== 0, 30_000);
  e.node(1).diskSlowness = 1;
  e.node(2).diskSlowness = 1;
  e.commits();
  e.start(3);
  e.commits();
  e.agree();
  e.settles();
  return isUnderWay;
}

/** The machine of `sid` crashes before its nth operation from its start on; false when it served before that. */
function s20(e: Ensemble, sid: number, nth: number, kind: CrashKind, isFresh: boolean): boolean {
  if (!isFresh) {
    led(e);
    e.write(e.attached(3), 2);
    for (const each of e.sids) e.crash(each);
  }
  e.cluster.crashLeaves = kind;
  e.crashAtDisk(sid, nth);
  e.start();
  e.until('the machine crashes, or its server serves', () => !e.node(sid).isUp || e.serves(sid));
  if (e.node(sid).isUp) return false;
  const { acceptedEpoch } = e.watched(sid).durable;
  e.start(sid);
  e.until('it starts without help, and serves', () => e.serves(sid), 30_000);
  e.expect('it has not gone back behind a promise', e.watched(sid).durable.acceptedEpoch >= acceptedEpoch);
  e.commits();
  e.agree();
  e.crash(sid);
  e.start(sid);
  e.agree();
  return true;
}

/** A quorum comes back with its snapshots alone: neither logs nor epoch files. */
function s21(e: Ensemble, isLost: (path: string) => boolean): void {
  led(e);
  e.write(e.attached(3), 3);
  for (const sid of e.sids) e.crash(sid);
  e.start();
  e.until('all serve', () => e.sids.every((sid) => e.serves(sid)), 30_000);
  const client = e.attached(e.leader);
  const isCovered = (): boolean => [1, 2].every((sid) => e.watched(sid).durable.snapshot === e.committed);
  for (let i = 0; i < 60 && !isCovered(); i++) {
    e.write(client);
    e.run(20);
  }
  const epoch = e.epochOf(e.leader);
  e.reached('servers 1 and 2 have snapshots of everything', isCovered());
  for (const sid of e.sids) e.crash(sid);
  e.wipe(1, isLost);
  e.wipe(2, isLost);
  e.start(1, 2);
  e.until('they have a leader', () => e.leader !== 0, 30_000);
  e.expect('its epoch is a new one', e.epochOf(e.leader) > epoch);
  e.commits();
  e.agree(1, 2);
  for (const sid of [1, 2]) e.crash(sid);
  e.start(1, 2);
  e.commits();
  e.agree(1, 2);
}

function e06(e: Ensemble): void {
  led(e);
  const client = e.attached(3);
  e.write(client);
  const { cluster, world } = e;
  // What is wrong with a stranger may be told as an error.
  for (const sid of e.sids) cluster.mayFail.add(sid);
  const host = cluster.network.addHost('10.66.6.6', { dispatch: (action) => action() });
  const random = world.stream('junk');
  const lengths = [0x7fffffff, -1, -0x80000000, 0, 1, 0x00ffffff];
  let refused = 0;
  let sent = 0;
  for (const sid of e.sids) {
    for (const port of [ELECTION_PORT, QUORUM_PORT, CLIENT_PORT]) {
      for (let i = 0; i < 24; i++) {
        const junk = new Uint8Array(16 + random.below(200)).map(() => random.below(256));
        const view = new DataView(junk.buffer);
        if (i % 2 === 0) view.setInt32(random.below(4) * 4, random.pick(lengths));
        if (i % 3 === 0 && port === ELECTION_PORT) {
          // A good introduction as server 1, 2 or 3, and then a bad length.
          view.setInt32(0, -1);
          view.setInt32(4, -65536);
          view.setInt32(8, 0);
          view.setInt32(12, 1 + random.below(3));
        }
        if (i % 3 === 0 && port === QUORUM_PORT) {
          view.setInt32(0, random.pick([11, 16]));
          view.setInt32(12, random.pick(lengths));
        }
        const stream = cluster.network.connect(host, { host: e.node(sid).host.name, port }, 1000, {
          opened: () => {
            sent++;
            stream.write(junk, 0, junk.length);
          },
          data: () => {},
          drained: () => {},
          closed: () => refused++,
        });
      }
      e.run(20);
    }
  }
  e.write(client, 3);
  e.run(15_000);
  e.reached('the junk was heard', sent >= 200 && refused > 100);
  e.expect('nobody has ended', cluster.ends.length === 0);
  e.expect('the leader is the same', e.leader === 3);
  for (const { node } of cluster.servers)
    e.expect(
      'strangers hold no connections',
      [...node.host.streams].filter(({ remote }) => remote.host === host.name).length < 30,
    );
  e.write(client, 2);
  e.agree();
}

/** Somebody else has a port of a server when it starts, for some seconds. */
function e07(e: Ensemble, sid: number, port: number): void {
  e.cluster.mayFail.add(sid);
  const { listeners } = e.node(sid).host;
  const stranger = { accepted: () => ({ opened: () => {}, data: () => {}, drained: () => {}, closed: () => {} }) };
  listeners.set(port, stranger);
  e.start();
  e.run(3 * TICK_MS);
  e.reached("the port is not the server's", listeners.get(port) === stranger);
  listeners.delete(port);
  if (!e.node(sid).isUp) {
    e.expect(
      'it said so and ended',
      e.cluster.ends.some((end) => end.sid === sid && end.how === 'fatal'),
    );
    e.start(sid);
  }
  e.until('it has its port, and serves', () => listeners.has(port) && e.serves(sid), 30_000);
  e.commits();
  e.agree();
}

/** The leader's nth operation on its log fails; false when there were not so many. */
function e08(e: Ensemble, nth: number, code: string): boolean {
  led(e);
  const client = e.attached(1);
  e.write(client);
  e.cluster.mayFail.add(3);
  let left = nth;
  e.onDisk(3, (operation, path) => {
    if (left === 0 || !path.startsWith('/log') || --left > 0) return;
    throw new SimulatedDiskError(code, operation, path);
  });
  const began = e.world.now;
  for (let i = 0; i < 8 && left > 0; i++) {
    if (client.isAttached) client.put();
    e.run(2);
  }
  if (left > 0) return false;
  e.until('the leader ends its role', () => e.leader !== 3, 1000);
  e.commits(3000);
  e.expect('there is another leader soon', (e.world.now - began) / 1000 < 4000 && e.leader !== 3);
  e.start(3);
  e.agree();
  return true;
}

/** While a server is down its name leads to a machine that is gone; when it is back, to the new one, but only after a while. */
function e12(e: Ensemble, moved: number): void {
  led(e);
  e.write(e.attached(3));
  e.crash(moved);
  const { network } = e.cluster;
  const name = e.node(moved).host.name;
  const gone = network.addHost('10.99.0.1', { dispatch: (action) => action() });
  gone.powered = false;
  network.resolve = (host) => (host === name ? gone.name : host);
  e.commits();
  e.run(30_000);
  e.start(moved);
  e.run(30_000);
  e.reached('it cannot be reached under its name', !e.serves(moved) || moved !== 1);
  network.resolve = (host) => host;
  e.until('it serves', () => e.serves(moved), 30_000);
  // Now the others need it.
  e.crash(moved === 3 ? 2 : 3);
  e.commits();
  e.agree();
}

function e15(e: Ensemble): void {
  led(e);
  const clients = [e.attached(1), e.attached(2), e.attached(3)];
  for (const client of clients) {
    const write = client.putEphemeral();
    e.until('the ephemeral is there', () => write.zxid !== null);
  }
  const epoch = e.epochOf(3);
  const second = 1000;
  const hour = 3600 * second;
  for (const step of [second, -second, hour, -hour, 87_600 * hour, -87_600 * hour]) {
    for (const sid of e.sids) {
      e.node(sid).clock.wallOffsetMs += step;
      e.run(3 * TICK_MS);
      e.expect('no election has begun', e.leader === 3 && e.epochOf(3) === epoch);
      e.expect('no session has ended', e.cluster.counts.sessionsExpired === 0);
    }
    e.write(clients[1] as (typeof clients)[0]);
  }
  // A client that is gone still loses its session, neither early nor never.
  e.node(3).clock.wallOffsetMs -= hour;
  const last = e.attached(2);
  e.link(1, 2, 'up');
  const before = e.world.now;
  e.cluster.network.setLink(last.client.host, e.node(2).host, 'silent');
  e.until('its session ends', () => e.cluster.counts.sessionsExpired > 0, 60_000);
  e.expect('after its time-out', (e.world.now - before) / 1000 >= 19_000);
  e.agree();
}

type Moment = 'discovery' | 'gate' | 'sync' | 'broadcast';

/** The followers leave one after the other while the leader is in one of its phases. */
function e17(e: Ensemble, moment: Moment, isSilent: boolean): void {
  led(e);
  e.write(e.attached(3));
  e.run(50);
  if (moment !== 'broadcast') {
    for (const sid of e.sids) e.crash(sid);
    const type = { discovery: Packet.followerInfo, gate: Packet.ackEpoch, sync: Packet.ack }[moment];
    const holds = [1, 2].map((from) => e.hold({ from, to: 3, type }));
    e.start();
    e.until(
      'the leader waits for its followers',
      () => e.roleName(3) === 'leading' && holds.every((hold) => hold.isReached),
    );
    e.reached('it is not established', e.leader === 0);
    for (const hold of holds) hold.release();
  }
  for (const sid of [1, 2]) {
    if (isSilent) e.crash(sid);
    else e.kill(sid);
    e.run(1);
  }
  // `initLimit` before it is established, `syncLimit` and the ping that notices it later.
  const bound = (moment === 'broadcast' ? 5 : 10) * TICK_MS + TICK_MS;
  e.until('the leader steps down', () => e.roleName(3) === 'looking', bound);
  e.start(1, 2);
  e.commits(20_000);
  e.agree();
}

function e18(e: Ensemble, txns: number): { took: number; operations: number } {
  led(e);
  const client = e.attached(3);
  for (let i = 0; i < txns; i++) {
    const write = client.putMany(1000, 20);
    e.until('many znodes are there', () => write.zxid !== null);
  }
  e.agree();
  const databases = [1, 2].map((sid) => e.node(sid).server?.replica.serving.database);
  let operations = 0;
  for (const sid of [1, 2]) {
    e.onDisk(sid, (_operation, path) => {
      operations++;
      e.expect('no snapshot is written', !path.includes('snapshot'));
    });
  }
  e.kill(3);
  const took = e.until('there is another leader', () => e.leader !== 0);
  e.expect(
    'nobody has read its state again',
    [1, 2].every((sid, i) => e.node(sid).server?.replica.serving.database === databases[i]),
  );
  e.commits(5000);
  return { took, operations };
}

export const MACHINES: readonly Scenario[] = [
  {
    id: 'E06',
    name: 'strangers send junk to every port',
    guard: guard(
      'adapters/peer/election-frames.ts: #begin checks the length',
      'adapters/peer/election-frames.js',
      'if (length < 1 || length > MAX_FRAME_BYTES)',
      'if (false)',
    ),
    run: (tell) => withEnsemble({ tell }, e06),
  },
  {
    id: 'E07',
    name: 'a server cannot have its port at first',
    guard: guard(
      'adapters/peer/election-links.ts: #bind tries again',
      'adapters/peer/election-links.js',
      'port.stop = timers.set(BIND_RETRY_MS, () => this.#bind(port));',
      '',
    ),
    run: (tell) => {
      for (const port of [ELECTION_PORT, QUORUM_PORT])
        for (const sid of [1, 3]) withEnsemble({ tell }, (e) => e07(e, sid, port));
    },
  },
  {
    id: 'E08',
    name: 'each operation of a leader on its log fails',
    guard: guard(
      'driver/driver.ts: failed ends the process',
      'driver/driver.js',
      'failed(error) {\n        this.#fail(error);\n    }',
      'failed() {\n    }',
    ),
    run: (tell) => {
      let failures = 0;
      for (let nth = 1, goesOn = true; goesOn; nth++) {
        withEnsemble({ seed: nth, tell }, (e) => {
          goesOn = e08(e, nth, nth % 2 === 0 ? 'EIO' : 'ENOSPC');
          if (goesOn) failures++;
          else e.reached('several operations that failed', failures >= 6);
        });
      }
    },
  },
  {
    id: 'E12',
    name: 'the name of a server that moves leads to the machine that is gone',
    guard: byDesign(
      'ports.ts: PeerNetwork.connect takes names',
      'no address is kept between two attempts: every connect looks the name up, and the attempts never end',
    ),
    run: (tell) => {
      for (const moved of [1, 3]) withEnsemble({ tell }, (e) => e12(e, moved));
    },
  },
  {
    id: 'E15',
    name: 'the wall clocks jump by seconds, hours and years',
    guard: guard(
      'driver/driver.ts: events carry the monotonic clock',
      'driver/driver.js',
      'return { nowMs: this.#clock.monotonicMs(), wallMs',
      'return { nowMs: this.#clock.wallMs() - 1700000000000, wallMs',
    ),
    run: (tell) => withEnsemble({ tell }, e15),
  },
  {
    id: 'E17',
    name: 'the followers leave one by one in each phase of their leader',
    guard: guard(
      'core/roles/leading.ts: #requireQuorum',
      'core/roles/leading.js',
      'if (!this.#isQuorum(present))',
      'if (false)',
    ),
    run: (tell) => {
      for (const moment of ['discovery', 'gate', 'sync', 'broadcast'] as const) {
        for (const isSilent of [false, true]) withEnsemble({ tell }, (e) => e17(e, moment, isSilent));
      }
    },
  },
  {
    id: 'E18',
    name: 'the leader of a large tree dies',
    guard: guard(
      'core/roles/learning.ts: leave keeps the state',
      'core/roles/learning.js',
      'if (this.#install !== null || this.#isLost || this.#stage.doubt.isTreeWrong) {',
      'if (true) {',
    ),
    run: (tell) => {
      const found: { took: number; operations: number }[] = [];
      for (const txns of [0, 8]) withEnsemble({ tell }, (e) => found.push(e18(e, txns)));
      const [small, large] = found as [(typeof found)[0], (typeof found)[0]];
      if (large.operations > small.operations + 4 || large.took > 2 * small.took + 5) {
        throw new Error(`the size of the tree shows: ${JSON.stringify(found)}`);
      }
    },
  },
  {
    id: 'S08',
    name: 'a follower fails once to write its log, comes back, and leads',
    guard: guard(
      'driver/driver.ts: failed ends the process',
      'driver/driver.js',
      'failed(error) {\n        this.#fail(error);\n    }',
      'failed() {\n    }',
    ),
    run: (tell) => {
      let failures = 0;
      for (let nth = 1, goesOn = true; goesOn; nth++) {
        withEnsemble({ seed: nth, tell }, (e) => {
          goesOn = s08(e, nth, 'EIO');
          if (goesOn) failures++;
          else e.reached('several operations that failed', failures >= 6);
        });
      }
    },
  },
  {
    id: 'S13',
    name: 'a role ends while 1 to 8 txns are on their way to a slow disk',
    guard: {
      where: 'core/roles/looking.ts: #begin, core/roles/learning.ts: start wait until everything logged is durable',
      edits: [
        { file: 'core/roles/looking.js', find: 'if (pipeline.durableZxid < pipeline.appendedZxid || ', put: 'if (' },
        {
          file: 'core/roles/learning.js',
          find: 'this.#waitsForDisk = this.#pipeline.durableZxid < this.#pipeline.appendedZxid;',
          put: '',
        },
      ],
      why: null,
    },
    run: (tell) => {
      let underWay = 0;
      for (let count = 1; count <= 8; count++) {
        withEnsemble({ seed: count, tell }, (e) => {
          if (s13(e, count)) underWay++;
          if (count === 8) e.reached('roles ended while txns were on their way to the disk', underWay >= 4);
        });
      }
    },
  },
  {
    id: 'S20',
    name: 'power cuts at each disk operation of a start, an election and a synchronisation',
    guard: guard(
      'adapters/disk/durable-file.ts: writeDurably syncs the folder',
      'adapters/disk/durable-file.js',
      'disk.renameSync(draft, path);\n    disk.syncDirSync(folder);',
      'disk.renameSync(draft, path);',
    ),
    run: (tell) => {
      for (const [isFresh, sid] of [
        [true, 1],
        [true, 3],
        [false, 1],
        [false, 3],
      ] as const) {
        let crashes = 0;
        for (let nth = 1, goesOn = true; goesOn; nth++) {
          const kind = EVERY_KIND[nth % 3] as CrashKind;
          withEnsemble({ seed: nth, tell }, (e) => {
            goesOn = s20(e, sid, nth, kind, isFresh);
            if (goesOn) crashes++;
            else e.reached('several places for a crash', crashes >= 8);
          });
        }
      }
    },
  },
  {
    id: 'S21',
    name: 'a quorum comes back with snapshots alone, or without its epoch files',
    guard: guard(
      'adapters/disk/epoch-files.ts: decideEpochs takes the epoch of the last zxid',
      'adapters/disk/epoch-files.js',
      'const reached = Math.max(0, epochOf(lastZxid));',
      'const reached = 0;',
    ),
    run: (tell) => {
      const plan = { snapCount: 2 };
      withEnsemble({ tell, plan }, (e) => s21(e, (path) => !path.includes('snapshot')));
      withEnsemble({ tell, plan }, (e) => s21(e, (path) => path.includes('log.')));
      withEnsemble({ tell, plan }, (e) => s21(e, (path) => /epoch/i.test(path)));
    },
  },
];

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RecordReader } from '@headkeeper/server/internal';
import { SeededRandom, type SimDisk } from '@headkeeper/testkit';
import { type Ensemble, withEnsemble } from '../../src/scenario/ensemble.ts';
import { Packet } from '../../src/scenario/packet-gate.ts';
import { led } from '../../src/scenario/setups.ts';

const LOGS = '/log/version-2';
const SNAPSHOTS = '/data/version-2';
const HEADER_BYTES = 16;

interface Place {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

function readAll(disk: SimDisk, path: string): Uint8Array {
  const source = disk.openReadSync(path);
  const bytes = new Uint8Array(source.size);
  source.readSync(bytes, 0, bytes.length, 0);
  source.closeSync();
  return bytes;
}

function named(disk: SimDisk, folder: string, kind: string): string[] {
  const names = disk.listSync(folder).filter((name) => name.startsWith(kind));
  return names.sort((a, b) => Number.parseInt(a.split('.')[1] ?? '', 16) - Number.parseInt(b.split('.')[1] ?? '', 16));
}

/** Bodies of all records of a server's logs, ascending. */
function records(disk: SimDisk): Place[] {
  return named(disk, LOGS, 'log.').flatMap((name) => {
    const path = `${LOGS}/${name}`;
    const bytes = readAll(disk, path);
    const reader = new RecordReader(1 << 20);
    const places: Place[] = [];
    reader.reset(bytes, new DataView(bytes.buffer), HEADER_BYTES, bytes.length, true);
    while (reader.next() === 'record') places.push({ path, start: reader.bodyStart, end: reader.bodyEnd });
    return places;
  });
}

/** All servers have the same txns, of two epochs, and are down; `how` they went. */
function written(e: Ensemble, how: 'stopped' | 'powerless'): void {
  led(e);
  e.write(e.attached(1), 7);
  e.crash(3);
  e.until('another leads', () => e.leader === 2);
  e.start(3);
  e.write(e.attached(1), 7);
  e.run(1_000);
  e.agree();
  // What is lost without a trace is another matter.
  e.run(1_000);
  for (const sid of e.sids) {
    if (how === 'stopped') e.stop(sid);
    else e.crash(sid);
  }
}

function hurt(e: Ensemble, sid: number, { path, start, end }: Place): void {
  const middle = Math.floor((start + end) / 2);
  e.node(sid).disk.rot(path, middle, middle + 8, 'junk', sid);
  e.cluster.mayFail.add(sid);
  e.watched(sid).durable.forget();
}

/** The last log loses what it ends with. */
function cut(e: Ensemble, sid: number, { path, start } = records(e.node(sid).disk).at(-4) as Place): void {
  const { disk } = e.node(sid);
  const file = disk.openWriteSync(path);
  file.truncateSync(start - 12);
  file.dataSyncSync();
  file.closeSync();
  e.cluster.mayFail.add(sid);
  e.watched(sid).durable.forget();
}

function serves(e: Ensemble): void {
  for (const sid of e.sids) {
    if (e.node(sid).isUp) continue;
    // A crash may have come before the damaged history was set aside, epochs and all.
    e.watched(sid).durable.forget();
    e.start(sid);
  }
  e.until('all serve', () => e.sids.every((sid) => e.serves(sid)), 30_000);
  e.agree();
  e.commits();
  e.settles();
}

function silent(e: Ensemble): void {
  e.start();
  e.run(30_000);
  e.expect(
    'nobody serves',
    e.sids.every((sid) => !e.serves(sid)),
  );
}

describe('a damaged history is put together again', () => {
  for (const run of [1, 3, 5]) {
    for (const turn of [0, 1, 2]) {
      for (const how of ['stopped', 'powerless'] as const) {
        it(`every record intact on one server alone, ${run} at a time, turn ${turn}, ${how}`, () => {
          withEnsemble({}, (e) => {
            written(e, how);
            // Who stops first has not seen the last sessions end.
            const common = Math.min(...e.sids.map((sid) => records(e.node(sid).disk).length));
            for (const sid of e.sids) {
              for (const [index, place] of records(e.node(sid).disk).slice(0, common).entries()) {
                if ((Math.floor(index / run) + turn) % 3 !== sid - 1) hurt(e, sid, place);
              }
            }
            serves(e);
          });
        });
      }
    }
  }
});

describe('the end of a history', () => {
  for (const how of ['stopped', 'powerless'] as const) {
    for (const isLate of [false, true]) {
      it(`damaged on two servers of three, ${how}, ${isLate ? 'the third starts later' : 'all start at once'}`, () => {
        withEnsemble({}, (e) => {
          written(e, how);
          for (const sid of [1, 2]) for (const place of records(e.node(sid).disk).slice(-4)) hurt(e, sid, place);
          if (isLate) {
            e.start(1, 2);
            e.run(20_000);
            e.expect(
              'nobody serves',
              e.sids.every((sid) => !e.serves(sid)),
            );
          }
          serves(e);
        });
      });
    }
  }

  it('cut off on two servers that were stopped in order', () => {
    withEnsemble({}, (e) => {
      written(e, 'stopped');
      for (const sid of [1, 2]) cut(e, sid);
      serves(e);
    });
  });

  it('cut off on two servers that lost their power: what else was there cannot be told', () => {
    withEnsemble({}, (e) => {
      written(e, 'powerless');
      for (const sid of [1, 2]) cut(e, sid);
      silent(e);
    });
  });

  it('damaged on the two servers that have acknowledged it, while the third never had it', () => {
    withEnsemble({}, (e) => {
      led(e);
      e.write(e.attached(1), 3);
      e.crash(1);
      e.write(e.attached(3), 6);
      e.run(1_000);
      e.crash(2);
      e.crash(3);
      for (const sid of [2, 3]) for (const place of records(e.node(sid).disk).slice(-3)) hurt(e, sid, place);
      silent(e);
    });
  });
});

describe('the snapshot of a history', () => {
  it('damaged on two servers of three', () => {
    withEnsemble({ plan: { snapCount: 20, purgeMs: 1_000 } }, (e) => {
      led(e);
      e.write(e.attached(1), 120);
      e.run(5_000);
      e.agree();
      for (const sid of e.sids) e.crash(sid);
      for (const sid of [1, 2]) {
        const { disk } = e.node(sid);
        const snapshots = named(disk, SNAPSHOTS, 'snapshot.');
        e.reached('the beginning was purged', !snapshots.includes('snapshot.0'));
        for (const name of snapshots) {
          const path = `${SNAPSHOTS}/${name}`;
          hurt(e, sid, { path, start: 200, end: 300 });
        }
      }
      serves(e);
    });
  });
});

describe('a history is not put together', () => {
  it('when a txn is intact nowhere', () => {
    withEnsemble({}, (e) => {
      written(e, 'stopped');
      for (const sid of e.sids) hurt(e, sid, records(e.node(sid).disk)[5] as Place);
      silent(e);
    });
  });

  it('when a voter does not know how', () => {
    withEnsemble({}, (e) => {
      written(e, 'stopped');
      for (const sid of [1, 2]) hurt(e, sid, records(e.node(sid).disk)[5] as Place);
      for (const to of [1, 2]) {
        e.on({ from: 3, to, type: Packet.vote }, ({ bytes }) => {
          const end = bytes.length;
          const isTold = [0x48, 0x4b, 0x52, 0x31].every((byte, at) => bytes[end - 4 + at] === byte);
          if (isTold) bytes.fill(0, end - 4);
        });
      }
      silent(e);
    });
  });

  it('of a server whose promises are damaged, too', () => {
    withEnsemble({}, (e) => {
      written(e, 'stopped');
      for (const sid of [1, 2]) {
        const { disk } = e.node(sid);
        hurt(e, sid, records(disk)[5] as Place);
        disk.rot(`${SNAPSHOTS}/acceptedEpoch`, 0, 1, 'zeros', 1);
      }
      silent(e);
    });
  });
});

describe('a crash while a history is put together', () => {
  it('leaves a server that does it again, or has done it', () => {
    let crashes = 0;
    for (let nth = 1; nth < 120; nth += 3) {
      withEnsemble({ seed: nth }, (e) => {
        written(e, 'stopped');
        for (const sid of [1, 2]) hurt(e, sid, records(e.node(sid).disk)[5] as Place);
        e.crashAtDisk(1, nth);
        e.start();
        e.run(8_000);
        if (!e.node(1).isUp) crashes++;
        serves(e);
      });
    }
    assert.ok(crashes > 20, `only ${crashes} crashes`);
  });
});

describe('damage of all kinds', () => {
  it('never loses what was acknowledged, whoever comes to serve', () => {
    let served = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const random = new SeededRandom(seed);
      withEnsemble({ seed, tell: process.env.TELL ? (l: string) => console.log(seed, l) : undefined }, (e) => {
        led(e);
        const write = (count: number): void => {
          const up = e.sids.filter((sid) => e.serves(sid));
          e.write(e.attached(...up), count);
        };
        for (let round = 0; round < 3; round++) {
          write(1 + random.below(5));
          const away = 1 + random.below(3);
          for (const sid of e.sids) if (sid !== away && !e.node(sid).isUp) e.start(sid);
          e.until('two serve', () => e.sids.every((sid) => sid === away || e.serves(sid)));
          e.crash(away);
          e.until('another leads', () => e.leader !== 0 && e.leader !== away);
          write(random.below(4));
          if (random.below(3) > 0) e.start(away);
          e.run(random.below(2_000));
        }
        // What is lost without a trace is another matter.
        e.run(1_000);
        for (const sid of e.sids) if (e.node(sid).isUp) e.crash(sid, random.below(2) === 0 ? 'lose' : 'torn');
        for (const sid of e.sids) if (random.below(4) > 0) spoil(e, sid, random);
        e.start();
        e.run(40_000);
        if (e.sids.some((sid) => e.serves(sid))) {
          served++;
          e.agree(...e.sids.filter((sid) => e.serves(sid)));
          e.commits();
        }
      });
    }
    assert.ok(served > 20, `only ${served} ensembles came to serve`);
  });
});

/** Damages a few records of a server in one of the ways that disks know. */
function spoil(e: Ensemble, sid: number, random: SeededRandom): void {
  const places = records(e.node(sid).disk);
  if (places.length === 0) return;
  for (let count = 1 + random.below(4); count > 0; count--) {
    const place = places[random.below(places.length)] as Place;
    const kind = random.below(5);
    if (kind < 3) hurt(e, sid, place);
    else if (kind === 3) hurt(e, sid, { ...place, start: place.start - 10, end: place.start - 2 });
    // A log that ends between two records, with another epoch behind, is lost without a trace.
    else if (place.path === places.at(-1)?.path) cut(e, sid, place);
  }
}

import assert from 'node:assert/strict';
import { decodeUtf8 } from '@headkeeper/protocol';
import { aclText, ModelState, SimDisk, type TreeModel } from '@headkeeper/testkit';
import { parseServerConfig } from '../../src/config/parse.ts';
import { Field } from '../../src/core/tree/node-store.ts';
import { type AssembledServer, assembleServer } from '../../src/main.ts';
import type { PeerNetwork } from '../../src/ports.ts';
import type { FatalExit } from '../../src/start-error.ts';

/** Time as the test wants it, in milliseconds. Wall time never goes back, not even over a crash. */
export class SimClock {
  now = 10_000;

  monotonicMs(): number {
    return this.now;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.now;
  }
}

/** Files so small that rolls, snapshots and purges never stop. */
export const SMALL = {
  snapCount: 12,
  preAllocSize: 4,
} as const;

const CONFIG = `
dataDir=/data
dataLogDir=/log
clientPort=2181
tickTime=2000
maxSessionTimeout=100000000
extendedTypesEnabled=true
znode.container.checkIntervalMs=1000000000
snapCount=${SMALL.snapCount}
preAllocSize=${SMALL.preAllocSize}
`;

/** A standalone server has no peers. */
const NO_NETWORK: PeerNetwork = {
  listen: () => assert.fail('listens for peers'),
  connect: () => assert.fail('connects to a peer'),
};

/** A session as its client knows it: everything that outlives the connection, the server's process and the machine. */
export interface KnownSession {
  readonly id: bigint;
  readonly password: Uint8Array;
  /** The largest zxid that its client was shown. */
  seen: number;
}

/** The production server without its network, on the twin of a disk. */
export class SimServer {
  readonly server: AssembledServer;
  readonly clock: SimClock;
  /** Why the server can no longer do its duty. */
  fatal: FatalExit | null = null;
  ready = false;
  /** Everything logged as an error. */
  readonly errors: string[] = [];
  readonly warnings: string[] = [];
  /** Until this much of the deferred calls and of the disk's work is done, the server stands still. */
  readonly #deferred: (() => void)[] = [];
  readonly #disk: SimDisk;

  /**
   * Starts on the disk; throws what `assembleServer` throws. `ready` follows once the disk has done its work.
   * @param settings further lines of its zoo.cfg.
   */
  constructor(disk: SimDisk, clock: SimClock, hashSeed: number, settings = '') {
    this.#disk = disk;
    this.clock = clock;
    const config = parseServerConfig(CONFIG + settings, { file: null, properties: [] });
    const ports = {
      disk,
      clock,
      timers: { set: () => () => {} },
      network: NO_NETWORK,
      lock: () => ({ release: () => {} }),
      defer: (fn: () => void) => {
        this.#deferred.push(fn);
      },
      preciseMs: () => 0,
      logins: null,
      hashSeed,
      log: {
        info: () => {},
        warn: (_: object, text: string) => this.warnings.push(text),
        error: (_: object, text: string) => this.errors.push(text),
      },
    };
    this.server = assembleServer(config, ports, (fatal) => {
      this.fatal ??= fatal;
    });
    this.server.begin(() => {
      this.ready = true;
    });
  }

  /** Ends the turn of the loop, then lets up to `steps` calls of the disk go on, each with a turn behind it. */
  turn(steps: number): void {
    this.#endTurn();
    for (let i = 0; i < steps && this.#disk.step(); i++) this.#endTurn();
  }

  /** Lets everything under way end. */
  rest(): void {
    do {
      this.#endTurn();
    } while (this.#disk.step() || this.#deferred.length > 0);
  }

  #endTurn(): void {
    for (const fn of this.#deferred.splice(0)) fn();
  }

  /** What the tree and the session table hold, read from the core's memory. */
  state(): ModelState {
    const { serving } = this.server.replica;
    const { applier } = serving.database;
    const { tree } = serving;
    const { store } = tree;
    const state = new ModelState([], []);
    for (let slot = 0; slot < store.slotLimit; slot++) {
      if (!store.isLive(slot)) continue;
      const path = applier.pathOf(slot);
      const length = store.get(slot, Field.dataLength);
      const at = store.dataOffset(slot);
      const aclId = store.get(slot, Field.aclId);
      state.nodes.set(decodeUtf8(path, 0, path.length), {
        data: length < 0 ? null : decodeUtf8(store.dataBytes(slot), at, at + length),
        acl: aclId === -1 ? 'world:anyone:31' : aclText(tree.acls.list(aclId)),
        czxid: tree.longOf(slot, Field.czxid),
        mzxid: tree.longOf(slot, Field.mzxid),
        pzxid: tree.longOf(slot, Field.pzxid),
        ctime: tree.longOf(slot, Field.ctime),
        mtime: tree.longOf(slot, Field.mtime),
        version: store.get(slot, Field.version),
        aversion: store.get(slot, Field.aversion),
        creations: store.get(slot, Field.cversion),
        children: store.get(slot, Field.childCount),
        owner: id(store.get(slot, Field.owner), store.get(slot, Field.owner + 1)),
      });
    }
    serving.sessions.forEach((session) => {
      state.sessions.set(id(session.idHigh, session.idLow), session.timeoutMs);
    });
    return state;
  }
}

export function id(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}

/** The id of the first session that a server creates in a life that began at this wall time. */
export function firstSessionId(startMs: number): bigint {
  return (1n << 56n) | (BigInt(startMs % 2 ** 40) << 16n);
}

/** What is known on the clients' side when the server ends. */
export interface Known {
  readonly model: TreeModel;
  readonly sessions: readonly KnownSession[];
  readonly shown: number;
}

/** Starts on what is left of the disk, and compares it with what the clients know. Returns the server, ready. */
export function startAfter(disk: SimDisk, clock: SimClock, hashSeed: number, known: Known): SimServer {
  const server = new SimServer(disk, clock, hashSeed);
  server.rest();
  assert.deepEqual(server.errors, []);
  assert.equal(server.fatal, null);
  assert.ok(server.ready, 'the server does not become ready');
  const { lastZxid } = server.server;
  const { model, shown } = known;
  assert.ok(
    lastZxid >= shown,
    `lost: clients have seen 0x${shown.toString(16)}, recovered is 0x${lastZxid.toString(16)}`,
  );
  assert.ok(lastZxid <= model.lastZxid, `recovered 0x${lastZxid.toString(16)}, which nobody asked for`);
  assert.equal(server.state().text(), model.at(lastZxid).text(), `not the state of 0x${lastZxid.toString(16)}`);
  return server;
}

/** What a server of a new directory begins with. */
export function freshState(): ModelState {
  const server = new SimServer(new SimDisk(1), new SimClock(), 1);
  server.rest();
  return server.state();
}

import { ClientConnection } from '../client/connection.ts';
import { memberLine } from '../plan/swarm.ts';
import type { Ensemble, EnsembleOptions } from '../scenario/ensemble.ts';
import type { ScriptedClient, Write } from '../scenario/scripted-client.ts';
import { led } from '../scenario/setups.ts';
import { BLOCK_BYTES, kindOf, type Role, type UsedFile, usedFiles } from './cell.ts';

/** Among equals the greatest number wins. */
export const SID_OF: Readonly<Record<Role, number>> = { leader: 3, follower: 2, mending: 2 };
/** The one that is neither, and lacks what was written last where that is wanted. */
export const THIRD = 1;

/** Every cell begins with the same run of the same seed: the same files with the same bytes. */
export const STAGE: EnsembleOptions = {
  seed: 1,
  plan: {
    snapCount: 60,
    commitLogCount: 20,
    // The configuration is a file, and the members change when a script wants it.
    reconfigureMs: 1,
    clients: 2,
    habits: {
      timeoutMs: 30_000,
      thinkMs: 500,
      window: 4,
      moveChance: 0,
      restChance: 0,
      lastWordsChance: 0,
      closeChance: 0,
      vanishChance: 0,
      watchChance: 300_000,
      addWatchChance: 0,
    },
    // What has been created stays.
    weights: {
      create: 0,
      ephemeral: 0,
      sequential: 0,
      container: 0,
      delete: 0,
      setData: 14,
      setAcl: 2,
      multi: 0,
      read: 25,
      sync: 6,
    },
    // Losses that their server notices are no fault of the others.
    damagedVoters: 1,
  },
  records: true,
};

const INSTALL_NAME = '/headkeeper.install.tmp';
const WINDOW = 20;
const ZNODES = 90;
const LAST_ZNODES = 40;
const ZNODE_BYTES = 160;
/** The mark of what was logged is as new as the log after a quarter of a second (`logged-mark.ts`). */
export const QUIET_MS = 1000;
const RECONFIG_MS = 15_000;
const SESSION_MS = 6000;

/**
 * Server 3 leads its second epoch; every server has three snapshots, several logs and all that lies beside them. Server 1 is down,
 * and lacks what was written last.
 */
export class Stage {
  readonly e: Ensemble;
  readonly written: Write[] = [];
  #operators = 0;

  constructor(e: Ensemble) {
    this.e = e;
    led(e);
    e.cluster.startClients(null);
    this.write(e.attached(3), ZNODES);
    for (const sid of e.sids) e.stop(sid);
    e.start();
    e.until('server 3 leads again', () => e.leader === 3 && e.sids.every((sid) => e.serves(sid)));
    this.write(e.attached(3), ZNODES);
    e.crash(THIRD);
    this.write(e.attached(2, 3), LAST_ZNODES);
    this.isBusy = false;
    e.run(QUIET_MS);
    e.agree();
    // Three snapshots are left, and the logs behind the oldest.
    for (const { node } of e.cluster.servers) node.dispatch(() => node.server?.purge());
    e.run(QUIET_MS);
  }

  /** Server 1 comes back, and the clients ask for things. */
  complete(): void {
    const { e } = this;
    e.start(THIRD);
    e.until('all serve', () => e.sids.every((sid) => e.serves(sid)));
    e.agree();
    this.isBusy = true;
  }

  /**
   * A server's newest log is damaged, and it is given its history back. It loses its power when the leader's snapshot has come to its
   * place and the old one has not gone: all marks of that work lie there.
   */
  beginMending(sid: number): void {
    const { e } = this;
    const { disk } = e.node(sid);
    this.isBusy = false;
    e.crash(sid);
    e.cluster.mayFail.add(sid);
    e.watched(sid).promises.strike();
    const log = usedFiles(disk).findLast(({ path }) => kindOf(path) === 'log') as UsedFile;
    disk.rot(log.path, 0, BLOCK_BYTES, 'junk', sid);
    let step: 'mark' | 'rename' | 'sync' | 'over' = 'mark';
    e.onDisk(sid, (operation, path) => {
      if (step === 'mark' && path.endsWith(INSTALL_NAME)) step = 'rename';
      else if (step === 'rename' && operation === 'rename' && kindOf(path) === 'snapshot') step = 'sync';
      else if (step === 'sync' && operation === 'syncDir') {
        step = 'over';
        e.crashAtDisk(sid, 1);
      }
    });
    e.start(sid);
    e.until('the server loses its power in the middle of an install', () => !e.node(sid).isUp);
    this.isBusy = true;
  }

  /** Whether the clients that ask for anything at random do so. */
  set isBusy(isBusy: boolean) {
    for (const client of this.e.cluster.clients.slice(0, 2)) client.isBusy = isBusy;
  }

  /** Creates so many znodes, unless it is over sooner; those whose creation is answered must exist from then on. */
  write(client: ScriptedClient, count: number, isOver: () => boolean = () => false): number {
    const { e } = this;
    const before = this.written.length;
    for (let left = count; left > 0 && !isOver(); left -= WINDOW) {
      e.until('the client is attached', () => client.isAttached || isOver());
      if (isOver()) break;
      const writes = Array.from({ length: Math.min(WINDOW, left) }, () => client.put(ZNODE_BYTES));
      const answered = (): boolean => writes.every(({ zxid }) => zxid !== null);
      e.until('writes are answered, or the connection is lost', () => answered() || !client.isAttached || isOver());
      this.written.push(...writes.filter(({ zxid }) => zxid !== null));
    }
    return this.written.length - before;
  }

  /** Has the members changed, to what they are: every server writes down a new version of them. */
  reconfigure(at: number): void {
    const { e } = this;
    const { cluster, world } = e;
    const host = cluster.network.addHost(`10.2.0.${++this.#operators}`, { dispatch: (action) => action() });
    const { address } = e.node(at).settings;
    let isOver = false;
    const connection = new ClientConnection(cluster.network, host, address, SESSION_MS, {
      established: () =>
        connection.handshake({
          protocolVersion: 0,
          lastZxidSeen: 0,
          timeOut: SESSION_MS,
          sessionId: 0n,
          passwd: new Uint8Array(16),
          readOnly: false,
        }),
      attached: ({ sessionId }) => {
        cluster.oracle.operators.add(sessionId);
        const joiningServers = memberLine(THIRD, e.node(THIRD).settings.address, 'participant');
        const body = { joiningServers, leavingServers: null, newMembers: null, curConfigId: -1 };
        connection.request(1, 'reconfig', body, ({ error }) => {
          world.tell(() => `the operator is answered ${error}`);
          isOver = true;
        });
      },
      event: () => {},
      lost: () => {
        isOver = true;
      },
    });
    e.until('the reconfiguration is answered, or its connection is lost', () => isOver, RECONFIG_MS);
    connection.drop();
  }
}

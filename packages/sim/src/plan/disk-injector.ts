import { LOG_HEADER_BYTES, RecordReader } from '@headkeeper/server/internal';
import { type RandomStream, SimInode } from '@headkeeper/testkit';
import { appliedZxid, roleOf } from '../check/node-view.ts';
import type { Cluster, Watched } from '../cluster.ts';
import { DATA_DIR, LOG_DIR } from '../node/node-settings.ts';
import type { SimNode } from '../node/sim-node.ts';
import { EventKind } from '../world/event-queue.ts';
import { MS } from '../world/world.ts';
import { type DiskFault, REFUSALS } from './disk-faults.ts';

/** The session key is the operator's, and the same on all machines; everything else in these folders is the server's. */
const FOLDERS: readonly string[] = [`${DATA_DIR}/version-2`, `${LOG_DIR}/version-2`, `${DATA_DIR}`];
const KEY = `${DATA_DIR}/headkeeper.session-key`;
const SECTOR_BYTES = 512;

/** A piece of a file, in bytes. */
interface Piece {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Breaks the promises of disks. Damage strikes no more voters at a time than the plan says: a server counts as struck until
 * it has started on what is left, and serves again.
 */
export class DiskInjector {
  readonly #cluster: Cluster;
  /** Of the fault that is being injected. */
  #random: RandomStream;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#random = cluster.world.stream('disk injector');
  }

  /** Whether the fault has struck, or will at the next operation of the disk. */
  inject(fault: DiskFault, watched: Watched, random: RandomStream): boolean {
    this.#random = random;
    // Where no disk may be damaged one can still refuse.
    const mayRefuse = this.#cluster.plan.damagedVoters === 0 && REFUSALS.includes(fault);
    if (!mayRefuse && !this.mayStrike(watched)) return false;
    const { node } = watched;
    switch (fault) {
      case 'rot':
        return this.#damage(watched, ({ path, start, end }) => {
          const kind = random.pick(['zeros', 'junk', 'flip'] as const);
          this.#tell(node, `${kind} in ${path} from ${start} to ${end}`);
          // What a running server has written its machine still remembers.
          node.disk.rot(path, start, end, kind, random.next(), node.isUp);
        });
      case 'unreadable':
        return this.#damage(watched, ({ path, start, end }) => {
          this.#tell(node, `EIO in ${path} from ${start} to ${end}`);
          node.disk.makeUnreadable(path, start, end);
        });
      case 'lostTail':
        return this.#loseTail(watched);
      case 'lostWrite':
        return this.#misplaceWrites(watched, false);
      case 'misdirectedWrite':
        return this.#misplaceWrites(watched, true);
      case 'failedSync':
        return this.#failSync(node);
      case 'lyingDisk':
        return this.#lie(watched);
      case 'fullDisk':
        return this.#fill(node);
      case 'oldDisk':
        return this.#bringBack(watched);
    }
  }

  #tell(node: SimNode, what: string): void {
    this.#cluster.world.tell(() => `the disk of server ${node.sid}: ${what}`);
  }

  #later(ms: number, action: () => void): void {
    this.#cluster.world.after(ms * MS, EventKind.fault, 0, () => {
      // What is broken at the end of the faults stays broken; nothing new breaks.
      if (!this.#cluster.faultsAreOver) action();
    });
  }

  /** Whether the disk of this server may be damaged, too. */
  mayStrike(watched: Watched): boolean {
    const { plan, voters } = this.#cluster;
    if (!voters.includes(watched) || watched.promises.isStruck) return true;
    return voters.filter(({ promises }) => promises.isStruck).length < plan.damagedVoters;
  }

  /** Something written on the disk, some bytes of it or whole sectors; null when there is nothing. */
  #choose({ disk }: SimNode): Piece | null {
    const random = this.#random;
    const files = FOLDERS.flatMap((folder) =>
      [...disk.durableFiles(folder)].flatMap(([name, entry]) => {
        const path = `${folder}/${name}`;
        // A crash may bring a file back that the server has removed; its own disk does not show it.
        const isThere = 'usedLength' in entry && entry.usedLength > 0 && disk.existsSync(path);
        return isThere && path !== KEY ? [{ path, used: entry.usedLength }] : [];
      }),
    );
    if (files.length === 0) return null;
    const { path, used } = random.pick(files);
    // The end is where the newest is.
    const at = random.below(3) === 0 ? used - 1 - random.below(Math.min(used, 600)) : random.below(used);
    if (random.below(3) === 0) return { path, start: at, end: at + random.pick([1, 4, 40]) };
    const start = Math.floor(at / SECTOR_BYTES) * SECTOR_BYTES;
    return { path, start, end: start + SECTOR_BYTES * random.pick([1, 1, 2, 8]) };
  }

  #damage(watched: Watched, strike: (piece: Piece) => void): boolean {
    const piece = this.#choose(watched.node);
    if (piece === null) return false;
    watched.promises.strike();
    strike(piece);
    this.#reveal(watched);
    return true;
  }

  /** Damage shows when it is read: mostly that is soon. */
  #reveal({ node }: Watched): void {
    const { life } = node;
    const random = this.#random;
    const how = random.pick(['killed', 'lose', 'torn', 'keep', null] as const);
    if (how === null) return;
    this.#later(random.wait(random.pick([20, 500, 4000])), () => {
      if (node.isUp && node.life === life) node.end(how);
    });
  }

  /** The end of a log file is zeros, from between two records on: so it looks as if it never had been longer. */
  #loseTail(watched: Watched): boolean {
    const { node } = watched;
    const random = this.#random;
    const folder = `${LOG_DIR}/version-2`;
    const logs = [...node.disk.durableFiles(folder)].flatMap(([name, entry]) => {
      const path = `${folder}/${name}`;
      if (!name.startsWith('log.') || !(entry instanceof SimInode) || !node.disk.existsSync(path)) return [];
      const borders = bordersIn(entry.durableBytes.subarray(0, entry.durableLength));
      return borders.length > 1 ? [{ path, borders }] : [];
    });
    if (logs.length === 0) return false;
    const { path, borders } = random.pick(logs);
    const count = Math.min(1 + random.below(random.pick([1, 3, 12])), borders.length - 1);
    const start = borders[borders.length - 1 - count] as number;
    const end = borders[borders.length - 1] as number;
    watched.promises.strike();
    this.#tell(node, `the last ${count} records of ${path} are zeros, from ${start} on`);
    node.disk.rot(path, start, end, 'zeros', random.next(), node.isUp);
    this.#reveal(watched);
    return true;
  }

  #misplaceWrites(watched: Watched, elsewhere: boolean): boolean {
    const { node } = watched;
    if (!node.isUp) return false;
    watched.promises.strike();
    let left = 1 + this.#random.below(3);
    const target = elsewhere ? this.#choose(node) : null;
    node.disk.writeFault = (path) => {
      if (--left <= 0) node.disk.writeFault = null;
      if (target === null || !node.disk.existsSync(target.path)) {
        this.#tell(node, `a write to ${path} is lost`);
        return 'lost';
      }
      this.#tell(node, `a write to ${path} goes to byte ${target.start} of ${target.path}`);
      return { path: target.path, position: target.start };
    };
    this.#reveal(watched);
    return true;
  }

  #failSync(node: SimNode): boolean {
    if (!node.isUp) return false;
    node.disk.dropsFailedPages = this.#random.below(2) === 0;
    node.syncFailsIn = 1 + this.#random.below(3);
    return true;
  }

  /** What it promises from now on is gone with its power, which fails soon. */
  #lie(watched: Watched): boolean {
    const { node } = watched;
    if (!node.isUp || node.disk.lyingSync) return false;
    watched.promises.strike();
    node.disk.lyingSync = true;
    this.#tell(node, 'syncs are lies');
    const how = this.#random.pick(['lose', 'torn'] as const);
    this.#later(this.#random.wait(this.#random.pick([50, 500, 4000])), () => {
      if (node.isUp) node.end(how);
      else node.disk.crash(how, this.#random.next());
      node.disk.lyingSync = false;
    });
    return true;
  }

  #fill(node: SimNode): boolean {
    const { disk } = node;
    disk.capacity = disk.bytesHeld + this.#random.below(this.#random.pick([100, 2000, 20_000]));
    this.#tell(node, `holds no more than ${disk.capacity} bytes`);
    this.#later(this.#random.wait(5000), () => {
      disk.capacity = Number.POSITIVE_INFINITY;
    });
    return true;
  }

  /** The disk as it is now, put in again later: where only a minority is struck, while all others have everything (promises.md). */
  #bringBack(watched: Watched): boolean {
    const { node, promises } = watched;
    const { plan, voters } = this.#cluster;
    const image = node.disk.photograph();
    const random = this.#random;
    this.#later(random.wait(random.pick([500, 5000, 30_000])), () => {
      const isLimited = plan.damagedVoters < voters.length;
      if (!this.mayStrike(watched) || (isLimited && !this.#isCalm())) return;
      promises.strike();
      node.end('lose');
      promises.remember();
      node.disk.bringBack(image);
      promises.broughtBack();
      this.#tell(node, 'an old one has been put in');
    });
    return true;
  }

  /** Everybody serves and has everything, and nothing is under way. */
  #isCalm(): boolean {
    const { voters, history } = this.#cluster;
    const hash = history.hashOf(history.last) ?? 0;
    return voters.every(({ node, durable, promises }) => {
      if (promises.isStruck || roleOf(node) === 'idle' || appliedZxid(node) < history.last) return false;
      return node.server?.replica.outstanding === 0 && durable.holds(history.last, hash);
    });
  }
}

/** Where the records of a log lie: the beginning of each, and the end of the last. */
function bordersIn(bytes: Uint8Array): number[] {
  const reader = new RecordReader(bytes.length);
  reader.reset(
    bytes,
    new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    LOG_HEADER_BYTES,
    bytes.length,
    true,
  );
  const borders = [LOG_HEADER_BYTES];
  while (bytes.length > LOG_HEADER_BYTES && reader.next() === 'record') borders.push(reader.pos);
  return borders;
}

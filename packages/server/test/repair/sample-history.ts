import { encodeTxn, OpCode, type Txn, WORLD_ANYONE_ALL, Writer } from '@headkeeper/protocol';
import { SeededRandom, SimDisk } from '@headkeeper/testkit';
import type { HistoryFolders } from '../../src/adapters/disk/history-folders.ts';
import { readWhole } from '../../src/adapters/disk/recovery-files.ts';
import { Database } from '../../src/core/database.ts';
import { beginRecord, endRecord, writeLogFileHeader } from '../../src/core/log/record-codec.ts';
import { SnapshotWriter } from '../../src/core/tree/snapshot-writer.ts';
import { repairSettings } from '../../src/repair/repair-settings.ts';
import { type DumpedNode, nodesOf } from '../core/tree-dump.ts';
import { put } from '../disk/files.ts';

export const FOLDER = '/data/version-2';
export const EPOCH = 4294967296;
const SESSION = 0x100_0000_0007;

/** A history as a server writes it, and what the tree was after each txn. */
export interface SampleHistory {
  readonly disk: SimDisk;
  readonly folders: HistoryFolders;
  /** In order. */
  readonly zxids: readonly number[];
  readonly trees: ReadonlyMap<number, readonly DumpedNode[]>;
  /** Of each log: where its records begin, and the end of the last. */
  readonly offsets: ReadonlyMap<string, readonly number[]>;
}

/** Logs and snapshots with the txns of `epochs`; a snapshot and a new log after every `perLog` txns. */
export function sampleHistory(seed: number, epochs: readonly number[] = [40, 30], perLog = 20): SampleHistory {
  const random = new SeededRandom(seed);
  const disk = new SimDisk(seed);
  for (const folder of ['/data', FOLDER]) disk.makeFolderSync(folder);
  const database = new Database(repairSettings());
  database.tree.endLoading(null);
  database.tree.addSystemNodes();
  database.startAt(0);
  const trees = new Map([[0, nodesOf(database.tree)]]);
  const offsets = new Map<string, readonly number[]>();
  const zxids: number[] = [];
  let log = new Writer(1 << 16);
  let starts: number[] = [];
  const close = (): void => {
    if (starts.length === 0) return;
    const name = `log.${(zxids[zxids.length - starts.length] as number).toString(16)}`;
    const zeros = random.chance() ? new Uint8Array(300) : new Uint8Array(0);
    put(disk, `${FOLDER}/${name}`, Buffer.concat([log.toBytes(), zeros]));
    starts.push(log.length);
    offsets.set(name, starts);
    starts = [];
  };
  const open = (): void => {
    close();
    log = new Writer(1 << 16);
    log.length = log.reserve(16) + 16;
    writeLogFileHeader(log.bytes);
  };
  const snapshot = (): void => {
    put(disk, `${FOLDER}/snapshot.${database.lastZxid.toString(16)}`, snapshotOf(database, 1 + trees.size));
  };
  snapshot();
  open();
  epochs.forEach((count, i) => {
    for (let counter = 1; counter <= count; counter++) {
      const zxid = (i + 1) * EPOCH + counter;
      starts.push(appendTxn(log, database, zxid, random));
      zxids.push(zxid);
      trees.set(zxid, nodesOf(database.tree));
      if (counter % perLog === 0) {
        open();
        snapshot();
      }
    }
    open();
  });
  close();
  put(disk, `${FOLDER}/acceptedEpoch`, Buffer.from(String(epochs.length)));
  put(disk, `${FOLDER}/currentEpoch`, Buffer.from(String(epochs.length)));
  disk.syncDirSync('/data');
  disk.syncDirSync('/');
  const folders = { disk, dataDir: '/data', dataLogDir: '/data', snapshotFolder: FOLDER, logFolder: FOLDER };
  return { disk, folders, zxids, trees, offsets };
}

function appendTxn(log: Writer, database: Database, zxid: number, random: SeededRandom): number {
  const body = new Writer(256);
  encodeTxn(body, randomTxn(database, zxid, random));
  const view = new DataView(body.bytes.buffer, body.bytes.byteOffset);
  database.applier.apply(body.bytes, view, 0, body.length);
  database.lastZxid = zxid;
  const { high, low } = database.tree.digest;
  body.int(2);
  body.int(high);
  body.int(low);
  const at = beginRecord(log);
  log.raw(body.toBytes());
  endRecord(log, at);
  return at;
}

function randomTxn(database: Database, zxid: number, random: SeededRandom): Txn {
  const type = (name: 'create' | 'setData' | 'delete' | 'createSession'): number => OpCode[name];
  const header = (op: Parameters<typeof type>[0]): Txn['header'] => ({
    clientId: BigInt(SESSION),
    cxid: zxid % EPOCH,
    zxid: zxid,
    time: 1_790_000_000_000 + (zxid % EPOCH),
    type: type(op),
  });
  if (zxid === EPOCH + 1)
    return { header: header('createSession'), op: 'createSession', body: { timeOut: 30_000 }, digest: null };
  const path = `/n${random.below(12)}`;
  const bytes = new TextEncoder().encode(path);
  const isThere = database.tree.store.find(bytes, 0, bytes.length) >= 0;
  const data = Buffer.alloc(random.below(700), zxid % 251);
  if (!isThere) {
    const parentCVersion = zxid % EPOCH;
    const body = { path, data, acl: [...WORLD_ANYONE_ALL], ephemeral: false, parentCVersion };
    return { header: header('create'), op: 'create', body, digest: null };
  }
  if (random.below(4) === 0) return { header: header('delete'), op: 'delete', body: { path }, digest: null };
  return { header: header('setData'), op: 'setData', body: { path, data, version: zxid % EPOCH }, digest: null };
}

function snapshotOf(database: Database, number: number): Uint8Array {
  const options = { digest: true, lastProcessedZxid: true, forLearner: false };
  const writer = new SnapshotWriter(database.tree, database.sessions, database.lastZxid, number, options);
  const chunks: Uint8Array[] = [];
  for (let more = true; more; ) {
    more = writer.advance(1000);
    for (let chunk = writer.takeChunk(); chunk !== null; chunk = writer.takeChunk()) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Changes a copy of a file's bytes and puts it back. */
export function edit(disk: SimDisk, name: string, change: (bytes: Buffer) => Uint8Array | undefined): void {
  const bytes = Buffer.from(readWhole(disk, `${FOLDER}/${name}`));
  put(disk, `${FOLDER}/${name}`, change(bytes) ?? bytes);
}

/** Every file in `version-2`, in hexadecimal. */
export function filesIn(disk: SimDisk): ReadonlyMap<string, string> {
  const names = disk.listSync(FOLDER).sort();
  return new Map(names.map((name) => [name, Buffer.from(readWhole(disk, `${FOLDER}/${name}`)).toString('hex')]));
}

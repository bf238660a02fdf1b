import { Writer } from '@headkeeper/protocol';
import type { SimDisk } from '@headkeeper/testkit';
import { createHistoryStore } from '../../src/adapters/disk/history-files.ts';
import type { HistoryFolders } from '../../src/adapters/disk/history-folders.ts';
import { listLogs, listSnapshots, readWhole } from '../../src/adapters/disk/recovery-files.ts';
import { LogFileReader } from '../../src/core/log/log-reader.ts';
import { beginRecord, endRecord, writeLogFileHeader, zxidOfBody } from '../../src/core/log/record-codec.ts';
import { SnapshotEncoder } from '../../src/core/log/snapshot-encoder.ts';
import type { HistoryStore } from '../../src/ports.ts';
import { put } from './files.ts';
import { LOGS, SNAPSHOTS } from './model-server.ts';

export const EPOCH = 4294967296;

/** The zxids of one epoch with counters from `first` to `last`. */
export function zxids(epoch: number, first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => epoch * EPOCH + first + i);
}

export function foldersOn(disk: SimDisk): HistoryFolders {
  return { disk, dataDir: '/data', dataLogDir: '/log', snapshotFolder: SNAPSHOTS, logFolder: LOGS };
}

export function historyOn(disk: SimDisk): HistoryStore {
  return createHistoryStore(foldersOn(disk));
}

/** A log file of records with these zxids, `bodyBytes` long each, zeros behind them. */
export function putLog(disk: SimDisk, records: readonly number[], bodyBytes = 60, zeros = 100): void {
  const writer = new Writer();
  const header = new Uint8Array(16);
  writeLogFileHeader(header);
  for (const byte of header) writer.byte(byte);
  for (const zxid of records) writeRecord(writer, zxid, bodyBytes);
  for (let i = 0; i < zeros; i++) writer.byte(0);
  put(disk, `${LOGS}/log.${(records[0] as number).toString(16)}`, writer.toBytes());
}

/** One record as `putLog` writes it. */
export function recordBytes(zxid: number, bodyBytes = 60): Uint8Array {
  const writer = new Writer();
  writeRecord(writer, zxid, bodyBytes);
  return writer.toBytes();
}

function writeRecord(writer: Writer, zxid: number, bodyBytes: number): void {
  const at = beginRecord(writer);
  writer.long(0x77);
  writer.int(1);
  writer.long(zxid);
  writer.long(1_700_000_000_000);
  writer.int(5);
  for (let i = 32; i < bodyBytes; i++) writer.byte(zxid + i);
  endRecord(writer, at);
}

/** A sealed snapshot whose root holds the number. */
export function snapshotBytes(content: number): Uint8Array {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setInt32(0, content);
  const encoder = new SnapshotEncoder(64);
  encoder.begin(0);
  encoder.beginAcls(0);
  encoder.beginNodes();
  encoder.node(new Uint8Array(0), 0, 0, data, 0, 4, -1, new Int32Array(15), 0);
  encoder.end(null, null);
  const chunks: number[] = [];
  for (let chunk = encoder.takeChunk(); chunk !== null; chunk = encoder.takeChunk()) chunks.push(...chunk);
  return Uint8Array.from(chunks);
}

export function putSnapshot(disk: SimDisk, zxid: number, content = 0): void {
  put(disk, `${SNAPSHOTS}/snapshot.${zxid.toString(16)}`, snapshotBytes(content));
}

/** As above, but torn: the quick check fails. */
export function putTornSnapshot(disk: SimDisk, zxid: number): void {
  put(disk, `${SNAPSHOTS}/snapshot.${zxid.toString(16)}`, snapshotBytes(0).slice(0, 20));
}

/** The zxids in each log file, by its name's. */
export function logsOn(disk: SimDisk): number[][] {
  return listLogs(disk, LOGS).map(({ name }) => {
    const found: number[] = [];
    const reader = new LogFileReader(1 << 20, (_bytes, view, start) => found.push(zxidOfBody(view, start)));
    reader.push(readWhole(disk, `${LOGS}/${name}`));
    const end = reader.finish();
    if (end.kind !== 'clean') throw new Error(`${name}: ${end.kind}, ${end.reason}`);
    return found;
  });
}

export function snapshotsOn(disk: SimDisk): number[] {
  return listSnapshots(disk, SNAPSHOTS).map(({ zxid }) => zxid);
}

/** Everything in both folders, to tell whether anything changed. */
export function filesOn(disk: SimDisk): Map<string, string> {
  const files = new Map<string, string>();
  for (const folder of ['/data', SNAPSHOTS, '/log', LOGS]) {
    for (const name of disk.listSync(folder)) {
      if (name !== 'version-2')
        files.set(`${folder}/${name}`, Buffer.from(readWhole(disk, `${folder}/${name}`)).toString('hex'));
    }
  }
  return files;
}

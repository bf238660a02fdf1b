import { createHash } from 'node:crypto';
import { writeDurably } from '../adapters/disk/durable-file.ts';
import type { HistoryFolders } from '../adapters/disk/history-folders.ts';
import { readWhole } from '../adapters/disk/recovery-files.ts';
import type { Disk } from '../ports.ts';
import { type Change, contents, type RepairPlan } from './changes.ts';
import { RepairRefused } from './repair-refused.ts';

/** A file that a repair changed. */
interface KeptFile {
  /** Which of the two `version-2` folders holds it. */
  readonly in: 'dataDir' | 'dataLogDir';
  readonly name: string;
  /** Size and checksum before the repair, whose bytes are beside the note under the same name; null: there was no file. */
  readonly before: Fingerprint | null;
  /** After the repair; null: the repair removed it. */
  readonly after: Fingerprint | null;
}

interface Fingerprint {
  readonly bytes: number;
  readonly sha256: string;
}

/** The note in the folder of a repair. */
export interface RepairNote {
  readonly format: 1;
  /** UTC. */
  readonly at: string;
  readonly command: string;
  readonly steps: readonly string[];
  readonly losses: readonly string[];
  /** Absent while the repair goes on: then it was interrupted. */
  readonly finished?: string;
  readonly files: readonly KeptFile[];
}

const NOTE_NAME = 'note.json';
/** What a file is written to before it takes its name; neither Apache nor we take it for a log or a snapshot. */
const DRAFT_PREFIX = 'repair-draft-';
const SYNC_EVERY = 8 << 20;
const CHUNK_BYTES = 1 << 20;

/** When and with what words a repair is done. */
export interface RepairOccasion {
  /** As the operator wrote it. */
  readonly command: string;
  readonly wallMs: number;
}

/**
 * Does what a plan says. First every file that will change is copied into `repair-<UTC time>` in the data directory, with a
 * note, all durable; the new contents are written beside the old ones; then the files take their names, one by one, each
 * durable before the next. A crash leaves the old file or the new one, never less than that, and the note tells which
 * repair it was. Returns the folder's path. Throws what the disk throws; nothing was changed then unless the folder's note
 * is there.
 */
export function carryOut(folders: HistoryFolders, plan: RepairPlan, occasion: RepairOccasion): string {
  const { disk, dataDir } = folders;
  for (const folder of new Set([folders.snapshotFolder, folders.logFolder])) removeDrafts(disk, folder);
  const home = makeHome(disk, dataDir, occasion.wallMs);
  const files = plan.changes.map((change): KeptFile => {
    const path = `${change.folder}/${change.name}`;
    const before = disk.existsSync(path) ? copyFile(disk, path, `${home}/${change.name}`) : null;
    const after = change.kind === 'write' ? writeDraft(disk, change) : null;
    return {
      in: change.folder === folders.snapshotFolder ? 'dataDir' : 'dataLogDir',
      name: change.name,
      before,
      after,
    };
  });
  disk.syncDirSync(home);
  for (const folder of new Set(plan.changes.map((change) => change.folder))) disk.syncDirSync(folder);
  const note: RepairNote = {
    format: 1,
    at: new Date(occasion.wallMs).toISOString(),
    command: occasion.command,
    steps: plan.steps,
    losses: plan.losses,
    files,
  };
  writeNote(disk, home, note);
  for (const { kind, folder, name } of plan.changes) {
    if (kind === 'write') disk.renameSync(`${folder}/${DRAFT_PREFIX}${name}`, `${folder}/${name}`);
    else disk.removeSync(`${folder}/${name}`);
    disk.syncDirSync(folder);
  }
  writeNote(disk, home, { ...note, finished: new Date(occasion.wallMs).toISOString() });
  return home;
}

/** The repairs of a data directory, oldest first: the folder's name and its note, null when that cannot be read. */
export function listRepairs(disk: Disk, dataDir: string): { name: string; note: RepairNote | null }[] {
  return disk
    .listSync(dataDir)
    .filter((name) => /^repair-\d{8}T\d{9}Z$/.test(name))
    .sort()
    .map((name) => ({ name, note: readNote(disk, `${dataDir}/${name}`) }));
}

/**
 * Plans to put back what a repair kept. Refuses when a file is no longer as the repair left it: what a server has written
 * since would be lost.
 */
export function planUndo(folders: HistoryFolders, name: string): RepairPlan {
  const { disk, dataDir } = folders;
  const home = `${dataDir}/${name}`;
  const note = disk.existsSync(home) ? readNote(disk, home) : null;
  if (note === null) throw new RepairRefused(`${home} has no note of a repair that could be undone.`);
  const steps: string[] = [];
  const changes: Change[] = [];
  for (const file of note.files) {
    const folder = file.in === 'dataDir' ? folders.snapshotFolder : folders.logFolder;
    const path = `${folder}/${file.name}`;
    const now = disk.existsSync(path) ? fingerprint(disk, path) : null;
    if (same(now, file.before)) continue;
    if (!same(now, file.after)) {
      throw new RepairRefused(
        `${path} is neither as the repair found it nor as it left it: something has changed it since. Copy by hand what you ` +
          `want from ${home}.`,
      );
    }
    if (file.before === null) {
      changes.push({ kind: 'remove', folder, name: file.name });
      steps.push(`removes ${path}, which the repair made`);
      continue;
    }
    const kept = `${home}/${file.name}`;
    if (!same(fingerprint(disk, kept), file.before)) {
      throw new RepairRefused(`${kept} is not what the repair kept there: its checksum is not the one of the note.`);
    }
    changes.push({ kind: 'write', folder, name: file.name, pieces: () => wholeFile(disk, kept) });
    steps.push(`puts ${path} back as it was (${file.before.bytes} bytes)`);
  }
  // What was changed last is put back first.
  return { steps: steps.reverse(), losses: [], notes: [], changes: changes.reverse() };
}

/** Removes what an interrupted repair left unfinished. */
function removeDrafts(disk: Disk, folder: string): void {
  for (const name of disk.listSync(folder)) if (name.startsWith(DRAFT_PREFIX)) disk.removeSync(`${folder}/${name}`);
}

/** The name of the folder in which a repair keeps the originals. */
function makeHome(disk: Disk, dataDir: string, wallMs: number): string {
  let at = wallMs;
  const path = (): string => `${dataDir}/repair-${new Date(at).toISOString().replace(/[-:.]/g, '')}`;
  while (disk.existsSync(path())) at++;
  disk.makeFolderSync(path());
  disk.syncDirSync(dataDir);
  return path();
}

function copyFile(disk: Disk, from: string, to: string): Fingerprint {
  return writeFile(disk, to, wholeFile(disk, from));
}

function writeDraft(disk: Disk, change: Extract<Change, { kind: 'write' }>): Fingerprint {
  return writeFile(disk, `${change.folder}/${DRAFT_PREFIX}${change.name}`, contents(disk, change));
}

function writeFile(disk: Disk, path: string, chunks: Iterable<Uint8Array>): Fingerprint {
  const hash = createHash('sha256');
  const file = disk.createSync(path);
  let bytes = 0;
  let synced = 0;
  try {
    for (const chunk of chunks) {
      file.writeSync(chunk, 0, chunk.length, bytes);
      hash.update(chunk);
      bytes += chunk.length;
      if (bytes - synced >= SYNC_EVERY) {
        file.dataSyncSync();
        synced = bytes;
      }
    }
    file.dataSyncSync();
  } finally {
    file.closeSync();
  }
  return { bytes, sha256: hash.digest('hex') };
}

function* wholeFile(disk: Disk, path: string): Generator<Uint8Array> {
  const source = disk.openReadSync(path);
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, Math.max(1, source.size)));
  try {
    for (let at = 0; at < source.size; ) {
      const count = source.readSync(chunk, 0, chunk.length, at);
      if (count === 0) throw new Error(`${path} became shorter while it was read`);
      yield chunk.subarray(0, count);
      at += count;
    }
  } finally {
    source.closeSync();
  }
}

function fingerprint(disk: Disk, path: string): Fingerprint | null {
  if (!disk.existsSync(path)) return null;
  const hash = createHash('sha256');
  let bytes = 0;
  for (const chunk of wholeFile(disk, path)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

function same(a: Fingerprint | null, b: Fingerprint | null): boolean {
  return a === null || b === null ? a === b : a.bytes === b.bytes && a.sha256 === b.sha256;
}

function writeNote(disk: Disk, home: string, note: RepairNote): void {
  writeDurably(disk, home, NOTE_NAME, new TextEncoder().encode(`${JSON.stringify(note, null, 2)}\n`));
}

function readNote(disk: Disk, home: string): RepairNote | null {
  const path = `${home}/${NOTE_NAME}`;
  if (!disk.existsSync(path)) return null;
  try {
    const note = JSON.parse(new TextDecoder().decode(readWhole(disk, path))) as RepairNote;
    return note.format === 1 && Array.isArray(note.files) ? note : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

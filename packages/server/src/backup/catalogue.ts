import {
  epochOfRestoreMark,
  type FullName,
  HEAD_OBJECT,
  type LogName,
  manifestObject,
  parseObjectName,
} from './naming.ts';
import type { TargetObject } from './target.ts';

/** A published full backup: its manifest is there. */
export interface FullEntry extends FullName {
  /** Name of the manifest. */
  readonly manifest: string;
  /** The data as listed; null when the listing does not show it. */
  readonly data: TargetObject | null;
  /** When the manifest was put, by the target's clock: epoch milliseconds. */
  readonly publishedMs: number;
}

/** A published piece of log. */
export interface LogEntry extends LogName {
  readonly manifest: string;
  readonly data: TargetObject | null;
  readonly publishedMs: number;
}

export type Entry = FullEntry | LogEntry;

/** What a target holds, by one listing of it: names only, nothing has been read. */
export class Catalogue {
  /** By ascending zxid. */
  readonly fulls: readonly FullEntry[];
  /** By ascending first zxid, longer ones first. */
  readonly logs: readonly LogEntry[];
  /** Data without a manifest: not published, or left by a crash. */
  readonly leftovers: readonly TargetObject[];
  /** Objects that are no part of a backup. */
  readonly strangers: readonly TargetObject[];
  /** The epochs in which restores from this backup go on, as their marks' names say; ascending. */
  readonly restoredEpochs: readonly number[];

  constructor(
    fulls: readonly FullEntry[],
    logs: readonly LogEntry[],
    leftovers: readonly TargetObject[],
    strangers: readonly TargetObject[],
    restoredEpochs: readonly number[],
  ) {
    this.fulls = fulls;
    this.logs = logs;
    this.leftovers = leftovers;
    this.strangers = strangers;
    this.restoredEpochs = restoredEpochs;
  }

  /** The greatest zxid that anything published reaches; null when nothing is published. */
  get newestZxid(): number | null {
    let newest: number | null = this.fulls.at(-1)?.zxid ?? null;
    for (const { lastZxid } of this.logs) if (newest === null || lastZxid > newest) newest = lastZxid;
    return newest;
  }

  /** The same without the entries whose manifests are named: because they turned out to be unusable. */
  without(manifests: ReadonlySet<string>): Catalogue {
    if (manifests.size === 0) return this;
    const isKept = ({ manifest }: Entry): boolean => !manifests.has(manifest);
    const { leftovers, strangers, restoredEpochs } = this;
    return new Catalogue(this.fulls.filter(isKept), this.logs.filter(isKept), leftovers, strangers, restoredEpochs);
  }
}

/** Suffix of what a folder's target is still writing, behind eight random hexadecimal digits. */
export const PART_SUFFIX = '.part';
const PART = /^(.*)\.[0-9a-f]{8}\.part$/;

/** Makes a catalogue of listed objects, in any order. */
export function catalogueOf(objects: Iterable<TargetObject>): Catalogue {
  const data = new Map<string, TargetObject>();
  const published: { readonly name: FullName | LogName; readonly at: TargetObject }[] = [];
  const leftovers: TargetObject[] = [];
  const strangers: TargetObject[] = [];
  const restoredEpochs: number[] = [];
  for (const object of objects) {
    const parsed = parseObjectName(object.name);
    if (parsed?.part === 'manifest') published.push({ name: parsed.name, at: object });
    else if (parsed !== null) data.set(manifestObject(parsed.name), object);
    else if (isPart(object.name)) leftovers.push(object);
    else if (epochOfRestoreMark(object.name) !== null) restoredEpochs.push(epochOfRestoreMark(object.name) ?? 0);
    else strangers.push(object);
  }
  const fulls: FullEntry[] = [];
  const logs: LogEntry[] = [];
  for (const { name, at } of published) {
    const rest = { manifest: at.name, data: data.get(at.name) ?? null, publishedMs: at.modifiedMs };
    data.delete(at.name);
    if (name.kind === 'full') fulls.push({ ...name, ...rest });
    else logs.push({ ...name, ...rest });
  }
  leftovers.push(...data.values());
  fulls.sort((a, b) => a.zxid - b.zxid || byName(a, b));
  logs.sort((a, b) => a.firstZxid - b.firstZxid || b.lastZxid - a.lastZxid || byName(a, b));
  restoredEpochs.sort((a, b) => a - b);
  return new Catalogue(fulls, logs, leftovers, strangers, restoredEpochs);
}

/** Whether an object is one of ours that was still being written: other files in the folder are none of our business. */
function isPart(object: string): boolean {
  const whole = PART.exec(object)?.[1];
  if (whole === undefined) return false;
  return whole === HEAD_OBJECT || parseObjectName(whole) !== null || epochOfRestoreMark(whole) !== null;
}

function byName(a: Entry, b: Entry): number {
  return a.manifest < b.manifest ? -1 : 1;
}

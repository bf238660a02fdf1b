import { OpCode } from '@headkeeper/protocol';
import { OPEN } from './acls.ts';
import type { Bytes } from './frames.ts';
import { LIMITS, type Model, QUOTA_ROOT, STATS } from './model.ts';
import { hasBlankElement } from './paths.ts';
import type { Random } from './random.ts';
import { create, type Draft, read, remove, setData } from './requests.ts';

const LIMIT_TEXTS: readonly Bytes[] = [
  'count=5,bytes=20',
  'count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=-1',
  'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=3',
  'count=2,bytes=5=;byteHardLimit=30;countHardLimit=6',
  'countHardLimit=4',
  'byteHardLimit=12,countHardLimit=4',
  'byteHardLimit=8',
];

const ODD_LIMIT_TEXTS: readonly (Bytes | null)[] = [
  'countHardLimit=0',
  'byteHardLimit=0',
  'countHardLimit=3=9',
  'foo=1,bar=2',
  '',
  'count=',
  ';;countHardLimit=1',
  'countHardLimit=1;;',
  'garbage',
  'count=x',
  'countHardLimit= 2',
  'countHardLimit=99999999999999999999',
  null,
];

/** Texts that parse: with others, or null, Apache 3.9.5 stops when the counters are next adjusted. */
const STATS_TEXTS: readonly Bytes[] = ['', 'count=1,bytes=2', 'count=0', 'bytes=3', 'count=9,bytes=9=;z=1;a=2', 'x=4'];

function limitText(random: Random): Bytes | null {
  return random.chance(80) ? random.pick(LIMIT_TEXTS) : random.pick(ODD_LIMIT_TEXTS);
}

/** Few quotas, so that they are reached; and at times a write below one of them. */
const MOST_QUOTAS = 3;

function quotaTarget(random: Random, model: Model): Bytes | null {
  const known = [...model.quotas];
  return known.length >= MOST_QUOTAS || (known.length > 0 && random.chance(70))
    ? random.pick(known)
    : model.any(random);
}

/**
 * Sets up, changes, reads and removes quotas on existing nodes. Never makes a quota of the root: creating
 * `/zookeeper/quota/zookeeper_limits` stops Apache's server.
 */
export function quotaRequest(random: Random, model: Model): Draft {
  const target = quotaTarget(random, model);
  if (target === null || target.startsWith('/zookeeper')) return read(OpCode.getChildren2, QUOTA_ROOT, false);
  const parts = target.split('/').slice(1);
  // Removing a quota whose path has a blank element stops Apache's server.
  if (target === '/' || hasBlankElement(target)) return read(OpCode.getChildren, QUOTA_ROOT, false);
  let directory = QUOTA_ROOT;
  for (const part of parts) {
    directory += `/${part}`;
    if (!model.has(directory)) return create(OpCode.create, directory, '', OPEN, 0, null);
  }
  return existingQuota(random, model, target, `${directory}/${LIMITS}`, `${directory}/${STATS}`);
}

function existingQuota(random: Random, model: Model, target: Bytes, limits: Bytes, stats: Bytes): Draft {
  if (model.has(limits) && model.has(stats) && random.chance(65)) return below(random, target);
  if (!model.has(limits)) return create(OpCode.create, limits, limitText(random), OPEN, 0, null);
  if (!model.has(stats) && random.chance(70)) {
    return create(random.pick([OpCode.create, OpCode.create2]), stats, random.pick(STATS_TEXTS), OPEN, 0, null);
  }
  return random.weighted<() => Draft>([
    [45, () => read(OpCode.getData, stats, random.chance(30))],
    [10, () => read(OpCode.exists, stats, random.chance(30))],
    [20, () => setData(limits, limitText(random), -1, false)],
    [8, () => setData(stats, random.pick(STATS_TEXTS), -1, false)],
    [9, () => remove(limits, -1)],
    [8, () => remove(stats, -1)],
  ])();
}

/** Something that a quota of `target` counts. */
function below(random: Random, target: Bytes): Draft {
  const data = 'q'.repeat(random.below(9));
  if (random.chance(50)) return setData(random.chance(60) ? target : `${target}/a`, data, -1, false);
  const path = `${target}/${random.pick(['a', 'b', 'q'])}`;
  return random.chance(30) ? remove(path, -1) : create(OpCode.create2, path, data, OPEN, random.pick([0, 1]), null);
}

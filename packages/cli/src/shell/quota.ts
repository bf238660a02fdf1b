import { type CallOptions, type Client, ensurePath, isZooKeeperError, walk } from '@headkeeper/client';
import { requireZnodePath, ShellError } from './shell-error.ts';

/** Where servers look for limits, and keep account. */
const QUOTA_PATH = '/zookeeper/quota';
const LIMITS_NAME = 'zookeeper_limits';
const STATS_NAME = 'zookeeper_stats';

/** What a subtree may hold, and the two that are enforced; -1: no limit. */
export interface Limits {
  readonly count: number;
  readonly bytes: number;
  readonly byteHardLimit: number;
  readonly countHardLimit: number;
}

const NO_LIMITS: Limits = { count: -1, bytes: -1, byteHardLimit: -1, countHardLimit: -1 };

/** As servers read it. */
function limitsText({ count, bytes, byteHardLimit, countHardLimit }: Limits): string {
  return `count=${count},bytes=${bytes}=;byteHardLimit=${byteHardLimit};countHardLimit=${countHardLimit}`;
}

function parseLimits(text: string): Limits {
  const limits: Record<string, number> = { ...NO_LIMITS };
  for (const [, name = '', value] of text.matchAll(/(\w+)=(-?\d+)/g))
    if (name in NO_LIMITS) limits[name] = Number(value);
  return limits as unknown as Limits;
}

async function readText(client: Client, path: string, calls: CallOptions): Promise<string | null> {
  try {
    const { data } = await client.getData(path, calls);
    return Buffer.from(data ?? []).toString('utf8');
  } catch (error) {
    if (isZooKeeperError(error, 'noNode')) return null;
    throw error;
  }
}

/** The limits of a znode as servers keep them, and what there is; null for none. */
export async function readQuota(
  client: Client,
  path: string,
  calls: CallOptions,
): Promise<{ readonly limitsPath: string; readonly limits: string | null; readonly stats: string | null }> {
  requireZnodePath(path);
  const limitsPath = `${QUOTA_PATH}${path}/${LIMITS_NAME}`;
  const limits = await readText(client, limitsPath, calls);
  return { limitsPath, limits, stats: await readText(client, `${QUOTA_PATH}${path}/${STATS_NAME}`, calls) };
}

/**
 * Sets one or more limits; those there are stay.
 *
 * @returns what is over the new limits already.
 * @throws ShellError when the znode is not there, or a quota above or below it is in the way.
 */
export async function setQuota(
  client: Client,
  path: string,
  change: Partial<Limits>,
  calls: CallOptions,
): Promise<string[]> {
  if (path === '/') throw new ShellError('Path must not end with / character');
  requireZnodePath(path);
  if ((await client.exists(path, calls)) === null) throw new ShellError(`${path} does not exist.`);
  await requireNoneAbove(client, path, calls);
  await requireNoneBelow(client, path, calls);
  const top = `${QUOTA_PATH}${path}`;
  const before = await readText(client, `${top}/${LIMITS_NAME}`, calls);
  const limits = { ...(before === null ? NO_LIMITS : parseLimits(before)), ...change };
  if (before === null) {
    await ensurePath(client, top, calls);
    await client.create(`${top}/${LIMITS_NAME}`, limitsText(limits), calls);
    await client.create(`${top}/${STATS_NAME}`, 'count=0,bytes=0', calls);
  } else {
    await client.setData(`${top}/${LIMITS_NAME}`, limitsText(limits), calls);
  }
  return exceeded(limits, (await readText(client, `${top}/${STATS_NAME}`, calls)) ?? '');
}

function exceeded(limits: Limits, stats: string): string[] {
  const now = parseLimits(stats);
  const isOver = (limit: number, value: number): boolean => limit > -1 && limit < value;
  const warnings: string[] = [];
  if (isOver(limits.count, now.count) || isOver(limits.countHardLimit, now.count)) {
    warnings.push(`the count quota you create is less than the existing count:${now.count}`);
  }
  if (isOver(limits.bytes, now.bytes) || isOver(limits.byteHardLimit, now.bytes)) {
    warnings.push(`the bytes quota you create is less than the existing bytes:${now.bytes}`);
  }
  return warnings;
}

async function requireNoneAbove(client: Client, path: string, calls: CallOptions): Promise<void> {
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    const above = path.slice(0, at);
    if ((await client.exists(`${QUOTA_PATH}${above}/${LIMITS_NAME}`, calls)) !== null) {
      throw new ShellError(`${path} has a parent ${above} which has a quota`);
    }
  }
}

async function requireNoneBelow(client: Client, path: string, calls: CallOptions): Promise<void> {
  const own = `${QUOTA_PATH}${path}`;
  for await (const at of walk(client, own, calls)) {
    if (!at.endsWith(`/${LIMITS_NAME}`) || at === `${own}/${LIMITS_NAME}`) continue;
    const below = at.slice(QUOTA_PATH.length, -LIMITS_NAME.length - 1);
    throw new ShellError(`${path} has a child ${below} which has a quota`);
  }
}

/** Takes one of the limits away, or all of them with null. @returns whether there were any. */
export async function delQuota(
  client: Client,
  path: string,
  kind: keyof Limits | null,
  calls: CallOptions,
): Promise<boolean> {
  requireZnodePath(path);
  const top = `${QUOTA_PATH}${path}`;
  const before = await readText(client, `${top}/${LIMITS_NAME}`, calls);
  if (before === null) return false;
  if (kind !== null) {
    await client.setData(`${top}/${LIMITS_NAME}`, limitsText({ ...parseLimits(before), [kind]: -1 }), calls);
    return true;
  }
  for (const name of [LIMITS_NAME, STATS_NAME]) await deleteIfThere(client, `${top}/${name}`, calls);
  for (let at = top; at !== QUOTA_PATH; at = at.slice(0, at.lastIndexOf('/'))) {
    if (!(await deleteIfThere(client, at, calls))) break;
  }
  return true;
}

/** Whether the next one above can be tried. */
async function deleteIfThere(client: Client, path: string, calls: CallOptions): Promise<boolean> {
  try {
    await client.delete(path, calls);
    return true;
  } catch (error) {
    if (isZooKeeperError(error, 'noNode')) return true;
    if (isZooKeeperError(error, 'notEmpty')) return false;
    throw error;
  }
}

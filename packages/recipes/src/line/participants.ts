import { type Client, isZooKeeperError } from '@headkeeper/client';
import { textOf } from '../node-data.ts';
import { childPath } from '../znode-name.ts';
import { contendersOf } from './contenders.ts';

/** One of those who stand in line. */
export interface Participant {
  /** What it says it is: the data of its znode as text. */
  readonly id: string;
  readonly path: string;
  /** The fencing token it has, or will have. */
  readonly token: number;
}

/** All who stand in line, first comes first; each is read on its own, so those who leave meanwhile are left out. */
export async function participantsOf(
  client: Client,
  directory: string,
  markers: readonly string[],
): Promise<Participant[]> {
  const names = await namesOf(client, directory);
  const line = contendersOf(names, markers).map(({ name }) => participantAt(client, childPath(directory, name)));
  return (await Promise.all(line)).filter((participant) => participant !== null);
}

/** The first in line, null when there is none. */
export async function firstOf(
  client: Client,
  directory: string,
  markers: readonly string[],
): Promise<Participant | null> {
  for (;;) {
    const [first] = contendersOf(await namesOf(client, directory), markers);
    if (first === undefined) return null;
    const participant = await participantAt(client, childPath(directory, first.name));
    if (participant !== null) return participant;
  }
}

async function namesOf(client: Client, directory: string): Promise<readonly string[]> {
  try {
    return (await client.getChildren(directory)).children;
  } catch (error) {
    if (isZooKeeperError(error, 'noNode')) return [];
    throw error;
  }
}

async function participantAt(client: Client, path: string): Promise<Participant | null> {
  try {
    const { data, stat } = await client.getData(path);
    return { id: textOf(data), path, token: stat.czxid };
  } catch (error) {
    if (isZooKeeperError(error, 'noNode')) return null;
    throw error;
  }
}

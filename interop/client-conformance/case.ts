import { type Client, type ClientOptions, connect } from '@headkeeper/client';
import type { Place } from './place.ts';

/** What a case works with: clients that are closed behind it, below a chroot of its own. */
export interface Bench {
  readonly place: Place;
  /** Connects below the case's chroot, which is there. */
  connect(options?: ClientOptions): Promise<Client>;
  /** Without a chroot. */
  connectAtRoot(options?: ClientOptions): Promise<Client>;
  /** The case's chroot. */
  readonly root: string;
}

export interface Case {
  readonly title: string;
  /** The first minor version of Apache ZooKeeper 3 that can do it; 5 unless given. */
  readonly since?: number;
  run(bench: Bench): Promise<void>;
}

const SESSION_MS = 6_000;
/** A case that takes longer has failed. */
const LIMIT_MS = 60_000;

export type Verdict = 'passed' | 'not applicable' | Error;

let cases = 0;

export async function runCase(one: Case, place: Place): Promise<Verdict> {
  if (place.minor < (one.since ?? 0)) return 'not applicable';
  const open: Client[] = [];
  const root = `/case-${++cases}`;
  const connectTo = async (connectString: string, options: ClientOptions = {}): Promise<Client> => {
    const client = await connect(connectString, {
      sessionTimeoutMs: SESSION_MS,
      connectTimeoutMs: LIMIT_MS / 2,
      ...options,
    });
    open.push(client);
    return client;
  };
  let timer: NodeJS.Timeout | undefined;
  try {
    const maker = await connectTo(place.connectString);
    await maker.create(root);
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not over after ${LIMIT_MS} ms`)), LIMIT_MS);
    });
    const bench: Bench = {
      place,
      root,
      connect: (options) => connectTo(place.connectString + root, options),
      connectAtRoot: (options) => connectTo(place.connectString, options),
    };
    await Promise.race([one.run(bench), late]);
    return 'passed';
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    clearTimeout(timer);
    await Promise.all(open.map((client) => client.close()));
  }
}

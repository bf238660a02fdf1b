import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { CommandError } from '../exit-codes.ts';

interface Seen {
  /** Null when the line has no time that can be read. */
  readonly ms: number | null;
  readonly address: string;
}

const CLOCK_TOLERANCE_MS = 1000;
const TIME = /^\[?(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,3}))?/;
const SESSION = /(?:^|[\s:])session=0x([0-9a-f]{1,16})\t/;
const ADDRESS = /\tip=([^\t]+)/;

/** Which client had which session, by an audit log in the format of Apache ZooKeeper. */
export class AuditLog {
  readonly #seen: Map<bigint, Seen[]> = new Map();

  /**
   * Reads the file. Lines that are no audit records are passed over.
   *
   * @throws CommandError when it cannot be read.
   */
  static async read(file: string): Promise<AuditLog> {
    const log = new AuditLog();
    try {
      for await (const line of createInterface({
        input: createReadStream(file),
        crlfDelay: Number.POSITIVE_INFINITY,
      })) {
        log.#add(line);
      }
    } catch (error) {
      throw new CommandError(`cannot read the audit log ${file}: ${(error as Error).message}`);
    }
    return log;
  }

  /** The client's address when the session made a change; null when the log does not tell. */
  addressOf(session: bigint, ms: number): string | null {
    const seen = this.#seen.get(BigInt.asUintN(64, session));
    if (seen === undefined) return null;
    // A session can move to another client with its password; the clocks of servers differ a little.
    const since = seen.findLast((entry) => entry.ms === null || entry.ms <= ms + CLOCK_TOLERANCE_MS);
    return (since ?? seen[0])?.address ?? null;
  }

  #add(line: string): void {
    const session = SESSION.exec(line)?.[1];
    const address = ADDRESS.exec(line)?.[1];
    if (session === undefined || address === undefined) return;
    const id = BigInt(`0x${session}`);
    const entry = { ms: timeOf(line), address };
    const seen = this.#seen.get(id);
    if (seen === undefined) this.#seen.set(id, [entry]);
    else if (seen.at(-1)?.address !== address) seen.push(entry);
  }
}

/** Logs have the local time. */
function timeOf(line: string): number | null {
  const time = TIME.exec(line);
  if (time === null) return null;
  const ms = Date.parse(`${time[1]}T${time[2]}.${(time[3] ?? '0').padEnd(3, '0')}`);
  return Number.isNaN(ms) ? null : ms;
}

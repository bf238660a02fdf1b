import path from 'node:path';
import { type Acl, decodeUtf8, persistedStat, Reader, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import { SnapshotDamaged, SnapshotDecoder, type SnapshotSummary, type StateSink } from '@headkeeper/server/internal';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { aclText, base64, dataText, hex, jsonValue, time, wideHex } from './format.ts';
import type { LineOutput } from './line-output.ts';

/** A path or the data of a znode may be this long; a longer one is taken for damage. */
const MAX_RECORD_BYTES = 256 << 20;

/**
 * Prints every znode and session of an uncompressed snapshot that arrives in chunks, then its digest and last zxid.
 *
 * @throws CommandError with the exit code for damage; what could be read has been printed.
 */
export async function inspectSnapshot(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  json: boolean,
  out: LineOutput,
): Promise<void> {
  const sink = new PrintingSink(out, json);
  const decoder = new SnapshotDecoder(sink, MAX_RECORD_BYTES);
  if (!json) out.line('ZNode Details:');
  try {
    for await (const chunk of chunks) {
      decoder.push(chunk);
      await out.flush();
    }
    sink.finish(decoder.finish(), zxidOfName(file));
  } catch (error) {
    if (!(error instanceof SnapshotDamaged)) throw error;
    throw new CommandError(`${file}: damaged: ${error.message}`, ExitCode.damaged);
  } finally {
    await out.flush();
  }
}

/** The zxid that a file's name stands for, 0 for other names. */
function zxidOfName(file: string): number {
  const digits = /^snapshot\.([0-9a-f]+)(\.gz|\.snappy)?$/.exec(path.basename(file))?.[1];
  return digits === undefined ? 0 : Number.parseInt(digits, 16);
}

class PrintingSink implements StateSink {
  readonly #out: LineOutput;
  readonly #json: boolean;
  readonly #input: Reader = new Reader(new Uint8Array(0));
  readonly #acls = new Map<number, readonly Acl[]>([[-1, WORLD_ANYONE_ALL]]);
  readonly #sessions: [id: bigint, timeoutMs: number][] = [];
  readonly #ephemerals = new Map<bigint, number>();
  #lastZxid = 0;

  constructor(out: LineOutput, json: boolean) {
    this.#out = out;
    this.#json = json;
  }

  loadSession(idHigh: number, idLow: number, timeoutMs: number): void {
    this.#sessions.push([(BigInt(idHigh) << 32n) | BigInt(idLow >>> 0), timeoutMs]);
  }

  loadAcl(aclId: number, list: Acl[]): void {
    this.#acls.set(aclId, list);
  }

  loadNode(
    bytes: Uint8Array,
    view: DataView,
    pathStart: number,
    pathEnd: number,
    dataStart: number,
    dataLength: number,
    aclId: number,
    statAt: number,
  ): null {
    this.#input.reset(bytes, view, statAt, bytes.length);
    const stat = persistedStat.decode(this.#input);
    const node = pathStart === pathEnd ? '/' : decodeUtf8(bytes, pathStart, pathEnd);
    const data = dataLength < 0 ? null : bytes.subarray(dataStart, dataStart + dataLength);
    const acl = this.#acls.get(aclId) ?? null;
    const owned = this.#ephemerals.get(stat.ephemeralOwner) ?? 0;
    this.#ephemerals.set(stat.ephemeralOwner, owned + 1);
    this.#lastZxid = Math.max(this.#lastZxid, stat.mzxid, stat.pzxid);
    if (this.#json) {
      this.#out.line(
        JSON.stringify(
          {
            path: node,
            data: data === null ? null : base64(data),
            acl,
            ...stat,
            czxid: hex(stat.czxid),
            mzxid: hex(stat.mzxid),
            pzxid: hex(stat.pzxid),
            ctime: time(stat.ctime),
            mtime: time(stat.mtime),
          },
          jsonValue,
        ),
      );
      return null;
    }
    this.#out.line(
      [
        '----',
        node,
        `  cZxid = ${wideHex(stat.czxid)}`,
        `  ctime = ${time(stat.ctime)}`,
        `  mZxid = ${wideHex(stat.mzxid)}`,
        `  mtime = ${time(stat.mtime)}`,
        `  pZxid = ${wideHex(stat.pzxid)}`,
        `  cversion = ${stat.cversion}`,
        `  dataVersion = ${stat.version}`,
        `  aclVersion = ${stat.aversion}`,
        `  ephemeralOwner = ${wideHex(stat.ephemeralOwner)}`,
        `  acl = ${acl === null ? `list ${aclId}, which is missing` : aclText(acl)}`,
        `  dataLength = ${Math.max(0, dataLength)}`,
        `  data = ${dataText(data)}`,
      ].join('\n'),
    );
    return null;
  }

  loaded(): void {
    // Called by recovery, which this is not.
  }

  applyTxn(): void {
    // A snapshot has no txns.
  }

  finish(summary: SnapshotSummary, nameZxid: number): void {
    const { digest } = summary;
    const digestHex = digest === null ? null : hex((BigInt(digest.high) << 32n) | BigInt(digest.low >>> 0));
    const lastZxid = hex(Math.max(nameZxid, this.#lastZxid, summary.lastProcessedZxid ?? 0));
    const out = this.#out;
    if (this.#json) {
      for (const [session, timeoutMs] of this.#sessions) {
        out.line(JSON.stringify({ session, timeoutMs, ephemerals: this.#ephemerals.get(session) ?? 0 }, jsonValue));
      }
      const end = { nodes: summary.nodes, sessions: summary.sessions, lastZxid };
      const digestPart = digest === null ? null : { zxid: hex(digest.zxid), digest: digestHex };
      out.line(JSON.stringify({ end: 'clean', ...end, digest: digestPart, bytes: summary.bytes }));
      return;
    }
    out.line('----');
    out.line('Session Details (sid, timeout, ephemeralCount):');
    for (const [session, timeoutMs] of this.#sessions) {
      out.line(`${wideHex(session)}, ${timeoutMs}, ${this.#ephemerals.get(session) ?? 0}`);
    }
    if (digest !== null) out.line(`Target zxid digest is: ${hex(digest.zxid)}, ${digestHex}`);
    out.line('----');
    out.line(`Znodes: ${summary.nodes}, sessions: ${summary.sessions}, access control lists: ${summary.acls}`);
    out.line(`Last zxid: ${lastZxid}`);
  }
}

import { adler32 } from '../core/log/checksum.ts';
import { zxidText } from '../core/log/recovery-refused.ts';
import type { LogEntry } from './catalogue.ts';
import type { OnTxn } from './replay.ts';

/** Makes sure that pieces of log that hold the same txns agree on them. Only those that overlap are remembered. */
export class OverlapCheck {
  readonly #overlapping: readonly { readonly from: number; readonly to: number }[];
  readonly #seen: Map<number, { readonly adler: number; readonly object: string }> = new Map();
  readonly #told: Set<string> = new Set();
  /** One for each pair of pieces. */
  readonly contradictions: { readonly object: string; readonly message: string }[] = [];

  /** `logs` by ascending first zxid. */
  constructor(logs: readonly LogEntry[]) {
    const overlapping: { from: number; to: number }[] = [];
    let reach = -1;
    for (const { firstZxid, lastZxid } of logs) {
      const to = Math.min(reach, lastZxid);
      const last = overlapping.at(-1);
      if (to >= firstZxid) {
        if (last !== undefined && last.to >= firstZxid - 1) last.to = Math.max(last.to, to);
        else overlapping.push({ from: firstZxid, to });
      }
      reach = Math.max(reach, lastZxid);
    }
    this.#overlapping = overlapping;
  }

  /** Looks at every txn of a piece that is being read. */
  onTxn(log: LogEntry): OnTxn {
    const ranges = this.#overlapping.filter(({ from, to }) => from <= log.lastZxid && to >= log.firstZxid);
    return (bytes, _view, start, end, zxid) => {
      if (ranges.some(({ from, to }) => from <= zxid && zxid <= to))
        this.#compare(log, zxid, adler32(bytes, start, end));
    };
  }

  #compare(log: LogEntry, zxid: number, adler: number): void {
    const seen = this.#seen.get(zxid);
    if (seen === undefined) {
      this.#seen.set(zxid, { adler, object: log.manifest });
      return;
    }
    const pair = `${seen.object} ${log.manifest}`;
    if (seen.adler === adler || this.#told.has(pair)) return;
    this.#told.add(pair);
    this.contradictions.push({
      object: log.manifest,
      message: `${seen.object} and ${log.manifest} hold different txns under ${zxidText(zxid)}.`,
    });
  }
}

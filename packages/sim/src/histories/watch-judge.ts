import { ErrorCode } from '@headkeeper/protocol';
import { zxidText } from '../check/violation.ts';
import type { ModelTree } from '../model/model-tree.ts';
import type { ClientHistory, Operation } from './assembly.ts';
import type { Findings } from './finding.ts';
import type { EventLine, EventName, RequestCall, ReturnLine } from './lines.ts';
import type { Change } from './replay.ts';
import { WatchModel } from './watch-model.ts';

/**
 * Holds the events of one client against what its watches must have seen, on each connection: every event of the model, in
 * the order of the txns, each once, before any answer that shows its txn, and nothing else. The names of findings are those
 * of the nine properties (docs/internals/histories.md).
 */
export class WatchJudge {
  readonly #who: string;
  readonly #tree: ModelTree;
  readonly #changes: readonly Change[];
  readonly #findings: Findings;
  readonly #watches: WatchModel = new WatchModel();
  /** Events that are not yet accounted for. */
  #told: EventLine[] = [];
  /** Accounted for on this connection. */
  #past: Change[] = [];
  /** Everything up to here is accounted for. */
  #upTo = 0;
  /** Index of the first change behind `#upTo`. */
  #next = 0;
  /** Whether the server of this connection has to be told of the watches first. */
  #isResuming = false;

  constructor(who: string, tree: ModelTree, changes: readonly Change[], findings: Findings) {
    this.#who = who;
    this.#tree = tree;
    this.#changes = changes;
    this.#findings = findings;
  }

  judge({ lines, operations }: ClientHistory): void {
    for (const line of lines) {
      if (line.kind === 'event') this.#told.push(line);
      else if (line.kind === 'session') {
        this.#endOfConnection();
        if (line.state === 'connected') this.#isResuming = line.isNew !== true && this.#watches.size > 0;
        if (line.state === 'expired' || line.state === 'closed' || line.isNew === true) this.#watches.clear();
      } else if (line.kind === 'return' && line.zxid !== undefined) {
        this.#answered(operations.get(line.id) as Operation, line, line.zxid);
      }
    }
    this.#endOfConnection();
  }

  #answered({ call }: Operation, line: ReturnLine, zxid: number): void {
    if (call.do === 'setWatches') this.#resumed(call as RequestCall & { do: 'setWatches' }, zxid);
    else {
      if (!this.#isResuming) this.#accountFor(zxid);
      this.#passTo(zxid);
      this.#register(call as RequestCall, line);
    }
  }

  #register(call: RequestCall, line: ReturnLine): void {
    const isThere = line.outcome === 'ok';
    if (call.do === 'getData' || call.do === 'exists' || call.do === 'getChildren') {
      if (!call.in.watch) return;
      if (call.do === 'getChildren') {
        if (isThere) this.#watches.children.add(call.in.path);
      } else if (isThere || (call.do === 'exists' && line.error === ErrorCode.noNode))
        this.#watches.data.add(call.in.path);
    } else if (call.do === 'addWatch' && isThere) this.#watches.add(call.in.mode, call.in.path);
    else if (call.do === 'removeWatches') {
      const { path, type } = call.in;
      const had = this.#watches.remove(type, path);
      this.#findings.expect(had === isThere, 'watches: filter', () => {
        return `${this.#who} removes watches (${type}) of ${path}, and is told ${line.outcome}; it had ${had ? 'one' : 'none'}`;
      });
    }
  }

  /** An answer shows a state: the events until then must have come, and no others. */
  #accountFor(zxid: number): void {
    const told = this.#told;
    this.#told = [];
    let at = 0;
    for (const group of this.#groupsUpTo(zxid)) {
      const missing = [...group];
      while (missing.length > 0) {
        const event = told[at];
        const found = event === undefined ? -1 : missing.findIndex((change) => isSame(change, event));
        if (found === -1) {
          this.#fault(missing, told.slice(at), zxid);
          return;
        }
        this.#past.push(...missing.splice(found, 1));
        at++;
      }
    }
    const [extra] = told.slice(at);
    if (extra !== undefined) this.#surplus(extra, told.slice(at), zxid);
  }

  /** What the watches must see of each txn up to a zxid. Goes through the changes, and uses up what fires once. */
  *#groupsUpTo(zxid: number): Generator<Change[]> {
    while (this.#next < this.#changes.length && (this.#changes[this.#next] as Change).zxid <= zxid) {
      const group = this.#group(this.#watches);
      if (group.length > 0) yield group;
    }
  }

  /** What these watches see of the next txn; the one behind it is the next then. */
  #group(watches: WatchModel): Change[] {
    const { zxid } = this.#changes[this.#next] as Change;
    const group: Change[] = [];
    for (; this.#changes[this.#next]?.zxid === zxid; this.#next++) {
      const change = this.#changes[this.#next] as Change;
      if (watches.fires(change.type, change.path)) group.push(change);
    }
    return group;
  }

  /** Events that have come without an answer behind them: the first of those that had to. */
  #endOfConnection(): void {
    const told = this.#told;
    this.#told = [];
    if (!this.#isResuming) {
      let at = 0;
      while (at < told.length) {
        if (this.#next >= this.#changes.length) {
          this.#surplus(told[at] as EventLine, told.slice(at), Number.MAX_SAFE_INTEGER);
          break;
        }
        const before = this.#watches.copy();
        const missing = this.#group(this.#watches);
        let event = told[at];
        let found = -1;
        for (; missing.length > 0 && event !== undefined; event = told[++at]) {
          const one = event;
          found = missing.findIndex((change) => isSame(change, one));
          if (found === -1) break;
          this.#past.push(...missing.splice(found, 1));
        }
        if (found === -1 && missing.length > 0) {
          this.#fault(missing, told.slice(at), Number.MAX_SAFE_INTEGER);
          break;
        }
        // The connection broke in the middle of a txn's events: what did not come has not been used up.
        if (missing.length > 0) this.#watches.keepUnfired(before, missing);
      }
    }
    // Clients count answers, not events: the next server may be behind these events, and tells them again.
    while (this.#next > 0 && (this.#changes[this.#next - 1] as Change).zxid > this.#upTo) this.#next--;
    this.#isResuming = false;
    this.#past = [];
  }

  /** Another server has been told of the watches: it says at once what they have missed. */
  #resumed({ in: lists }: RequestCall & { do: 'setWatches' }, zxid: number): void {
    this.#isResuming = false;
    const wanted: string[] = [];
    const watches = this.#watches;
    watches.clear();
    const judge = (list: readonly string[], kept: Set<string>, missed: (path: string) => EventName | null): void => {
      for (const path of list) {
        const type = missed(path);
        if (type === null) kept.add(path);
        else wanted.push(`${type} ${path}`);
      }
    };
    judge(lists.data, watches.data, (path) => {
      const znode = this.#tree.at(path, zxid);
      if (znode === null) return 'NodeDeleted';
      return znode.mzxid > lists.zxid ? 'NodeDataChanged' : null;
    });
    judge(lists.exists, watches.data, (path) => (this.#tree.at(path, zxid) === null ? null : 'NodeCreated'));
    judge(lists.children, watches.children, (path) => {
      const znode = this.#tree.at(path, zxid);
      if (znode === null) return 'NodeDeleted';
      return znode.pzxid > lists.zxid ? 'NodeChildrenChanged' : null;
    });
    for (const path of lists.persistent) watches.add('persistent', path);
    for (const path of lists.persistentRecursive) watches.add('persistentRecursive', path);
    const told = this.#told.map(({ type, path }) => `${type} ${path}`);
    this.#told = [];
    this.#findings.expect(told.sort().join() === wanted.sort().join(), 'watches: resumable', () => {
      return `${this.#who} takes its watches along at ${zxidText(zxid)}, has seen ${zxidText(lists.zxid)}, and is told ${told.join(', ') || 'nothing'}; it must be ${wanted.join(', ') || 'nothing'}`;
    });
    this.#passTo(zxid);
  }

  #passTo(zxid: number): void {
    this.#upTo = Math.max(this.#upTo, zxid);
    while (this.#next < this.#changes.length && (this.#changes[this.#next] as Change).zxid <= this.#upTo) this.#next++;
  }

  /** Of the events of one txn that had to come next some have not. */
  #fault(missing: readonly Change[], told: readonly EventLine[], zxid: number): void {
    const [change] = missing as [Change];
    const [event] = told;
    const what = `${change.type} of ${change.path} at ${zxidText(change.zxid)}`;
    if (event === undefined) {
      this.#note('bookmarkable', `an answer shows ${zxidText(zxid)}, and ${what} has not come`);
      return;
    }
    const said = `${event.type} of ${event.path}`;
    const samePath = missing.find(({ path }) => path === event.path);
    if (samePath !== undefined && isWatchOfData(samePath.type) && isWatchOfData(event.type)) {
      const isAboutCreation = samePath.type === 'NodeCreated' || event.type === 'NodeCreated';
      this.#note(isAboutCreation ? 'isCreate' : 'prevKV', `${said} comes in place of ${what}`);
    } else if (told.some((each) => isSame(change, each))) {
      const isNews = this.#changes.slice(this.#next).some((each) => isSame(each, event));
      if (isNews) this.#note('ordered', `${said} comes before ${what}`);
      else this.#surplus(event, told, zxid);
    } else if (this.#changes.slice(this.#next).some((each) => isSame(each, event))) {
      this.#note('reliable', `${said} comes, and ${what} before it does not`);
    } else this.#surplus(event, told, zxid);
  }

  /** An event that has no txn. */
  #surplus(event: EventLine, told: readonly EventLine[], zxid: number): void {
    const said = `${event.type} of ${event.path}`;
    const ahead = this.#changes.slice(this.#next).find((change) => isSame(change, event));
    if (this.#past.some((change) => isSame(change, event))) this.#note('unique', `${said} comes again`);
    else if (ahead !== undefined && this.#watches.copy().fires(event.type, event.path)) {
      const rest = this.#changes.filter((change) => change.zxid === ahead.zxid).length;
      const law = rest > told.length ? 'atomic' : 'ordered';
      this.#note(
        law,
        `${said} comes before an answer that shows ${zxidText(zxid)} only; its txn is ${zxidText(ahead.zxid)}`,
      );
    } else this.#note('filter', `${said} comes; no watch is for it`);
  }

  #note(property: string, message: string): void {
    this.#findings.expect(false, `watches: ${property}`, () => `${this.#who}: ${message}`);
  }
}

function isSame(change: Change, event: EventLine): boolean {
  return change.type === event.type && change.path === event.path && (event.zxid ?? change.zxid) === change.zxid;
}

function isWatchOfData(type: EventName): boolean {
  return type !== 'NodeChildrenChanged';
}

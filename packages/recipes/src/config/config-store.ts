import {
  type Acl,
  type CallOptions,
  type Client,
  isZooKeeperError,
  type StreamOptions,
  type Transaction,
  watchData,
} from '@headkeeper/client';
import { pause } from '../alarm.ts';
import { checkOptions, checkRecipe } from '../checked.ts';
import { textOf } from '../node-data.ts';
import { ensureThere, passesAtServers } from '../passing.ts';
import { Wait } from '../wait.ts';
import { childPath } from '../znode-name.ts';
import { ConfigError, type ConfigOf, type ConfigProblem, type ConfigSchema, checkValue } from './config-schema.ts';
import { decodeRevision, encodeRevision, type Revision, type RevisionRecord, revisionName } from './revision.ts';

const DEFAULT_HISTORY = 100;
const PAUSE_MS = 50;
const PERSISTENT = { mode: 'persistent' } as const;

export interface ConfigStoreOptions<Schema extends ConfigSchema> {
  /** What each key may hold; a value that is refused is not stored. */
  readonly schema: Schema;
  /** Revisions that are kept; 100 unless given. */
  readonly history?: number;
  /** Of what is created; open unless given. */
  readonly acl?: readonly Acl[];
}

/** The configuration as of one revision. */
export interface ConfigSnapshot<Values> {
  /** 0: nothing has been stored yet. */
  readonly revision: number;
  /** Keys that were never set, or that hold what the schema refuses, are missing. */
  readonly values: Partial<Values>;
  /** Values that another program has stored and this one's schema refuses. */
  readonly problems: readonly ConfigProblem[];
}

export interface UpdateOptions extends CallOptions {
  /** Only in place of this revision; otherwise the update is rejected with a ConfigConflict. Any unless given. */
  readonly ifRevision?: number;
  /** Who or why, for the history. */
  readonly note?: string;
}

/** Another update was faster than one that was to replace a certain revision. */
export class ConfigConflict extends Error {
  readonly revision: number;

  constructor(expected: number, revision: number) {
    super(`the configuration is at revision ${revision}, not ${expected}`);
    this.name = 'ConfigConflict';
    this.revision = revision;
  }
}

/**
 * A configuration of typed values, of which several are changed at once or not at all, with its history.
 *
 * **Layout.** `<path>` holds the number of the revision as text, `<path>/values/<key>` each value as JSON, for people
 * and other programs to read, and `<path>/history/<revision, 10 digits>` a JSON object: revision, id, note, changed
 * (keys), values (all). A revision is one transaction over all of them. All readers go by the history, so nobody ever
 * sees half an update. All values together have to fit into one znode, usually 1 MB.
 *
 * **Connection loss and session expiry.** An update whose answer was lost is looked for in the history by its id, and
 * made if it is not there: once. `watch` goes on, and misses no revision that lasts.
 */
export class ConfigStore<Schema extends ConfigSchema> {
  readonly path: string;
  readonly #client: Client;
  readonly #schema: Schema;
  readonly #keep: number;
  readonly #acl: { readonly acl?: readonly Acl[] };

  constructor(client: Client, path: string, options: ConfigStoreOptions<Schema>) {
    checkRecipe('ConfigStore', client, path, options ?? null);
    checkOptions('ConfigStore', { schema: options.schema ?? null });
    const { schema, history = DEFAULT_HISTORY, acl } = options;
    for (const key of Object.keys(schema)) {
      if (key === '' || key.includes('/')) throw new RangeError(`a key must not be empty or hold a slash: '${key}'`);
    }
    this.path = path;
    this.#client = client;
    this.#schema = schema;
    this.#keep = history;
    this.#acl = acl === undefined ? {} : { acl };
  }

  /** The latest revision. */
  async get(options: CallOptions = {}): Promise<ConfigSnapshot<ConfigOf<Schema>>> {
    return this.#snapshotOf((await this.#latest(options)).record);
  }

  /**
   * Sets some values; `undefined` removes one. Resolves with the new revision.
   *
   * @throws ConfigError for what the schema refuses; ConfigConflict; ZooKeeperError.
   */
  async update(
    changes: { readonly [Key in keyof Schema]?: ConfigOf<Schema>[Key] | undefined },
    options: UpdateOptions = {},
  ): Promise<number> {
    const checked = new Map<string, unknown>();
    const problems: ConfigProblem[] = [];
    for (const [key, value] of Object.entries(changes)) {
      const result = value === undefined ? { value } : await checkValue(this.#schema, key, value);
      if ('value' in result) checked.set(key, result.value);
      else problems.push(result);
    }
    if (problems.length > 0) throw new ConfigError(problems);
    return this.#commit((values) => {
      const next = new Map(Object.entries(values));
      for (const [key, value] of checked) {
        if (value === undefined) next.delete(key);
        else next.set(key, value);
      }
      return Object.fromEntries(next);
    }, options);
  }

  /**
   * Makes the values of an earlier revision those of a new one, whose number it resolves with. @throws RangeError if it
   * is not kept.
   */
  async rollback(revision: number, options: UpdateOptions = {}): Promise<number> {
    const record = await this.#record(revision, options);
    if (record === null) throw new RangeError(`revision ${revision} of ${this.path} is not kept`);
    return this.#commit(() => record.values, { note: `rollback to ${revision}`, ...options });
  }

  /** The revisions that are kept, the latest first. */
  async history(options: CallOptions = {}): Promise<readonly Revision[]> {
    const names = await this.#historyNames(options);
    const records = await Promise.all(names.map((name) => this.#record(Number(name), options)));
    return records.filter((record) => record !== null).reverse();
  }

  /**
   * The configuration, and each later revision; those that follow one another faster than they are read are left out.
   */
  async *watch(options: StreamOptions = {}): AsyncGenerator<ConfigSnapshot<ConfigOf<Schema>>, void, undefined> {
    let last = -1;
    for await (const _ of watchData(this.#client, this.path, options)) {
      const record = await this.#latestWhenever();
      if (record.revision === last) continue;
      last = record.revision;
      yield this.#snapshotOf(record);
    }
  }

  /** However long there is no connection. */
  async #latestWhenever(): Promise<RevisionRecord> {
    for (;;) {
      try {
        return (await this.#latest({})).record;
      } catch (error) {
        if (!passesAtServers(error)) throw error;
        await pause(this.#client, PAUSE_MS);
      }
    }
  }

  async #commit(
    next: (values: RevisionRecord['values']) => RevisionRecord['values'],
    options: UpdateOptions,
  ): Promise<number> {
    const { ifRevision, note = null, ...rest } = options;
    using wait = new Wait(this.#client, 'update', this.path, rest);
    const id = this.#client.uniqueId();
    let inDoubt: number | null = null;
    for (;;) {
      try {
        const { record: before, version } = await this.#latest({});
        if (inDoubt !== null && (await this.#record(inDoubt, {}))?.id === id) return inDoubt;
        if (ifRevision !== undefined && before.revision !== ifRevision) {
          throw new ConfigConflict(ifRevision, before.revision);
        }
        wait.check();
        const values = next(before.values);
        const changed = changedKeys(before.values, values);
        if (changed.length === 0) return before.revision;
        const revision = before.revision + 1;
        inDoubt = revision;
        await this.#store({ revision, id, note, changed, values }, version);
        await this.#prune(revision);
        return revision;
      } catch (error) {
        if (isZooKeeperError(error, 'badVersion', 'nodeExists', 'noNode')) continue;
        if (!passesAtServers(error)) throw error;
        await pause(this.#client, PAUSE_MS);
      }
    }
  }

  async #store(record: RevisionRecord, version: number): Promise<void> {
    await ensureThere(this.#client, `${this.path}/values`, this.#acl.acl, PERSISTENT);
    await ensureThere(this.#client, `${this.path}/history`, this.#acl.acl, PERSISTENT);
    let changes: Transaction<readonly unknown[]> = this.#client
      .transaction()
      .setData(this.path, String(record.revision), { version })
      .create(this.#historyPath(record.revision), encodeRevision(record), this.#acl);
    // As they are, not as they should be: somebody may have been at work on them by hand.
    const there = await Promise.all(record.changed.map((key) => this.#client.exists(this.#valuePath(key))));
    for (const [at, key] of record.changed.entries()) {
      const path = this.#valuePath(key);
      const isThere = there[at] !== null;
      const data = JSON.stringify(record.values[key]);
      if (!Object.hasOwn(record.values, key)) changes = isThere ? changes.delete(path) : changes;
      else changes = isThere ? changes.setData(path, data) : changes.create(path, data, this.#acl);
    }
    await changes.commit();
  }

  /** Old revisions go with the new one; what is left of them, because somebody is in the way, goes with the next. */
  async #prune(revision: number): Promise<void> {
    const names = await this.#historyNames({}).catch(() => []);
    for (const name of names) {
      if (Number(name) > revision - this.#keep) return;
      await this.#client.delete(childPath(`${this.path}/history`, name)).catch(() => {});
    }
  }

  /** Makes the znode if it is not there. */
  async #latest(options: CallOptions): Promise<{ record: RevisionRecord; version: number }> {
    for (;;) {
      try {
        const { data, stat } = await this.#client.getData(this.path, options);
        const revision = data === null || data.length === 0 ? 0 : Number(textOf(data));
        if (!Number.isSafeInteger(revision)) throw new TypeError(`${this.path} holds no number of a revision`);
        const nothing = { revision: 0, id: '', note: null, changed: [], values: {} };
        const record = revision === 0 ? nothing : await this.#record(revision, options);
        if (record !== null) return { record, version: stat.version };
        // It was pruned since: there are later ones. Or somebody has removed it.
        const again = await this.#client.exists(this.path, options);
        if (again?.version === stat.version) throw new TypeError(`${this.#historyPath(revision)} is missing`);
      } catch (error) {
        if (!isZooKeeperError(error, 'noNode')) throw error;
        await ensureThere(this.#client, this.path, this.#acl.acl, { ...options, ...PERSISTENT });
      }
    }
  }

  async #record(revision: number, options: CallOptions): Promise<RevisionRecord | null> {
    const path = this.#historyPath(revision);
    try {
      return decodeRevision(path, (await this.#client.getData(path, options)).data);
    } catch (error) {
      if (isZooKeeperError(error, 'noNode')) return null;
      throw error;
    }
  }

  async #historyNames(options: CallOptions): Promise<readonly string[]> {
    try {
      return [...(await this.#client.getChildren(`${this.path}/history`, options)).children].sort();
    } catch (error) {
      if (isZooKeeperError(error, 'noNode')) return [];
      throw error;
    }
  }

  async #snapshotOf({ revision, values }: RevisionRecord): Promise<ConfigSnapshot<ConfigOf<Schema>>> {
    const good: Record<string, unknown> = {};
    const problems: ConfigProblem[] = [];
    for (const [key, value] of Object.entries(values)) {
      const result = await checkValue(this.#schema, key, value);
      if ('value' in result) good[key] = result.value;
      else problems.push(result);
    }
    return { revision, values: good as Partial<ConfigOf<Schema>>, problems };
  }

  #valuePath(key: string): string {
    return childPath(`${this.path}/values`, key);
  }

  #historyPath(revision: number): string {
    return childPath(`${this.path}/history`, revisionName(revision));
  }
}

function changedKeys(before: RevisionRecord['values'], after: RevisionRecord['values']): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key])).sort();
}

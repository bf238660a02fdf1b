import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from './config-error.ts';
import { settingText } from './dump.ts';
import { type ConfigValues, SETTINGS, type ServerConfig } from './schema.ts';

/** A setting that a configuration read anew gives another value. Texts as they would stand in the file, without secrets. */
export interface SettingChange {
  readonly key: string;
  readonly from: string;
  readonly to: string;
}

/** What became of a configuration that was read anew. */
export interface ReloadReport {
  /** Why it was refused, one sentence each: nothing has changed then. */
  readonly problems: readonly string[];
  readonly applied: readonly SettingChange[];
  /** What counts only after a restart. */
  readonly needsRestart: readonly SettingChange[];
  /** What else was read anew, such as certificates. */
  readonly readAnew: readonly string[];
}

type Name = keyof ConfigValues;
type Apply = (config: ServerConfig) => void;
/** Gets ready whatever a new configuration needs; throws ConfigError to refuse it. What it returns puts that into force. */
type Prepare = (config: ServerConfig) => () => void;

/** Where reconfiguration moves the client port, the file says it no more. */
const MOVED_BY_MEMBERSHIP: readonly Name[] = ['clientPort', 'clientPortAddress'];

/**
 * The configuration of a running server, and who can change which settings while it runs. Whoever reads `current` at the
 * moment when a setting matters declares it with `follow`; whoever keeps a value gives `follow` a function that takes it.
 * All others need a restart.
 */
export class LiveSettings {
  #current: ServerConfig;
  readonly #followed: Map<Name, readonly Apply[]> = new Map();
  readonly #prepared: { readonly what: string; readonly prepare: Prepare }[] = [];

  constructor(config: ServerConfig) {
    this.#current = config;
  }

  /** The settings in force. */
  get current(): ServerConfig {
    return this.#current;
  }

  /** Says that these settings can change; `apply` is called once when some of them have. */
  follow(names: readonly Name[], apply: Apply | null = null): void {
    for (const name of names) {
      const others = this.#followed.get(name) ?? [];
      this.#followed.set(name, apply === null ? others : [...others, apply]);
    }
  }

  /** Something outside of the file is read anew at each reload; when it is bad the whole reload is refused. */
  readAnew(what: string, prepare: Prepare): void {
    this.#prepared.push({ what, prepare });
  }

  /** Puts into force what can be of a configuration read anew. */
  reload(read: () => ServerConfig): ReloadReport {
    const commits: (() => void)[] = [];
    const applied: Name[] = [];
    const needsRestart: Name[] = [];
    let merged: ServerConfig;
    let next: ServerConfig;
    try {
      next = read();
      for (const name of Object.keys(SETTINGS) as Name[]) {
        if (this.#differs(name, next)) (this.#canChange(name, next) ? applied : needsRestart).push(name);
      }
      merged = this.#merged(next, applied);
      for (const { prepare } of this.#prepared) commits.push(prepare(merged));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return { problems: error.problems, applied: [], needsRestart: [], readAnew: [] };
    }
    const before = this.#current;
    this.#current = merged;
    for (const commit of commits) commit();
    for (const apply of new Set(applied.flatMap((name) => this.#followed.get(name) ?? []))) apply(merged);
    const change = (name: Name): SettingChange => {
      return { key: SETTINGS[name].key, from: settingText(name, before), to: settingText(name, next) };
    };
    return {
      problems: [],
      applied: applied.map(change),
      needsRestart: [...needsRestart.map(change), ...membersChange(before, next)],
      readAnew: this.#prepared.map(({ what }) => what),
    };
  }

  #differs(name: Name, next: ServerConfig): boolean {
    if (next.reconfigEnabled && next.ensemble !== null && MOVED_BY_MEMBERSHIP.includes(name)) return false;
    return !isDeepStrictEqual(this.#current[name], next[name]);
  }

  /** A default that follows from other settings may follow from one that is not in force. */
  #canChange(name: Name, next: ServerConfig): boolean {
    const { key } = SETTINGS[name];
    return this.#followed.has(name) && (next.given.has(key) || this.#current.given.has(key));
  }

  /** The configuration in force with some settings of the next. */
  #merged(next: ServerConfig, names: readonly Name[]): ServerConfig {
    const given = new Map(this.#current.given);
    for (const name of names) {
      const { key } = SETTINGS[name];
      const value = next.given.get(key);
      if (value === undefined) given.delete(key);
      else given.set(key, value);
    }
    const values = Object.fromEntries(names.map((name) => [name, next[name]]));
    return Object.freeze({ ...this.#current, ...values, given });
  }
}

/** Members that stand in the file count from the next start on. */
function membersChange(before: ServerConfig, next: ServerConfig): SettingChange[] {
  if (before.reconfigEnabled || next.reconfigEnabled) return [];
  const text = ({ ensemble }: ServerConfig): string => {
    return (ensemble?.membership.toFileText(false) ?? '').trim().replaceAll('\n', ' ');
  };
  const [from, to] = [text(before), text(next)];
  return from === to ? [] : [{ key: 'server.N', from, to }];
}

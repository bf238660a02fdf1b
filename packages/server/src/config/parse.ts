import { ConfigError } from './config-error.ts';
import { knownElsewhere, knownNames } from './known-keys.ts';
import { checkMembers, isMemberKey, type MemberLine } from './members.ts';
import { nearestKey } from './nearest-key.ts';
import { readProperties } from './properties.ts';
import { type ConfigValues, SETTINGS, type ServerConfig } from './schema.ts';
import { type Setting, USE_DEFAULT, WRONG } from './setting.ts';
import type { SystemProperty } from './system-properties.ts';

export interface ParseOptions {
  /** Name of the file, for messages; null for the embedded default. */
  readonly file: string | null;
  readonly properties?: readonly SystemProperty[];
}

/** A value and where it was given. */
interface Assignment {
  readonly key: string;
  readonly value: string;
  readonly where: string;
  readonly inFile: boolean;
}

type AnySetting = Setting<ConfigValues[keyof ConfigValues], ConfigValues>;

const PREFIX = 'zookeeper.';
const SETTING_BY_KEY = new Map<string, [keyof ConfigValues, AnySetting]>();
for (const [name, setting] of Object.entries(SETTINGS) as [keyof ConfigValues, AnySetting][]) {
  SETTING_BY_KEY.set(setting.key, [name, setting]);
}

/**
 * Turns the text of a zoo.cfg, and the system properties beside it, into a frozen configuration. A key may stand plain or
 * behind `zookeeper.`; in the file the later of two wins; the file wins over properties of the environment and loses
 * against those of the command line.
 *
 * @throws ConfigError naming every value that is wrong, missing, or of a feature that this server does not have.
 */
export function parseServerConfig(text: string, options: ParseOptions): ServerConfig {
  const problems: string[] = [];
  const warnings: string[] = [];
  const chosen = new Map<string, Assignment>();
  const members: MemberLine[] = [];

  for (const assignment of assignments(text, options, problems)) {
    const { key, where } = assignment;
    if (isMemberKey(key)) {
      members.push(assignment);
      continue;
    }
    if (!SETTING_BY_KEY.has(key)) {
      warnings.push(`${where}: ${notASetting(key)}`);
      continue;
    }
    const earlier = chosen.get(key);
    // Who overrides the file on the command line means it.
    if (earlier !== undefined && earlier.value !== assignment.value && assignment.inFile) {
      warnings.push(`${where}: ${key}=${assignment.value} takes the place of ${earlier.value} from ${earlier.where}`);
    }
    chosen.set(key, assignment);
  }

  const standalone = chosen.get(SETTINGS.standaloneEnabled.key)?.value.toLowerCase() !== 'false';
  const memberPort = checkMembers(members, standalone, problems, warnings);
  const values = evaluate(chosen, memberPort, options.file, problems, warnings);
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze({ ...values, file: options.file, warnings: Object.freeze(warnings) });
}

/** All that is given, the strongest last. */
function* assignments(text: string, options: ParseOptions, problems: string[]): Generator<Assignment> {
  const properties = options.properties ?? [];
  const file = options.file ?? 'the default configuration';
  for (const property of properties) if (!property.overridesFile) yield* fromProperty(property);
  let lines: ReturnType<typeof readProperties> = [];
  try {
    lines = readProperties(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    problems.push(`${file}: ${error.message}`);
  }
  for (const { key, value, line } of lines) {
    yield { key: plainKey(key), value, where: `${file}:${line}`, inFile: true };
  }
  for (const property of properties) if (property.overridesFile) yield* fromProperty(property);
}

function* fromProperty({ name, value, origin, overridesFile }: SystemProperty): Generator<Assignment> {
  const key = plainKey(name);
  // The environment's flags are full of properties for the Java machine and its libraries.
  if (!overridesFile && !name.startsWith(PREFIX) && !SETTING_BY_KEY.has(key)) return;
  yield { key, value: value.trim(), where: origin, inFile: false };
}

function plainKey(key: string): string {
  return key.startsWith(PREFIX) ? key.slice(PREFIX.length) : key;
}

function notASetting(key: string): string {
  const known = knownElsewhere(key);
  if (known === 'later') return `${key} is known, has no effect yet`;
  if (known === 'needless') return `${key} is known, has no effect: Headkeeper has nothing that it could tune`;
  const nearest = nearestKey(key, [...SETTING_BY_KEY.keys(), ...knownNames()]);
  return `${key} is unknown and ignored${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
}

function evaluate(
  chosen: ReadonlyMap<string, Assignment>,
  memberPort: MemberLine | undefined,
  file: string | null,
  problems: string[],
  warnings: string[],
): ConfigValues {
  const values: Record<string, unknown> = {};
  const waiting: [string, (values: ConfigValues) => unknown][] = [];
  for (const [key, [name, setting]] of SETTING_BY_KEY) {
    const assignment = chosen.get(key) ?? (key === SETTINGS.clientPort.key ? memberPort : undefined);
    let value: unknown = USE_DEFAULT;
    if (assignment !== undefined) {
      value = setting.read(assignment.value);
      if (value === WRONG) {
        problems.push(`${assignment.where}: ${key}=${assignment.value}: expected ${setting.expected}`);
      } else if (setting.minimum !== undefined && typeof value === 'number' && value < setting.minimum) {
        warnings.push(`${assignment.where}: ${key}=${assignment.value} is raised to ${setting.minimum}`);
        value = setting.minimum;
      }
    }
    if (value === USE_DEFAULT) {
      const fallback = setting.default;
      if (typeof fallback === 'function') waiting.push([name, fallback]);
      else if (fallback !== null) value = fallback;
      else problems.push(`${file ?? 'the default configuration'}: ${key} is not set: expected ${setting.expected}`);
    }
    values[name] = value;
  }
  if (problems.length > 0) return values as unknown as ConfigValues;
  const evaluated = values as unknown as ConfigValues;
  for (const [name, fallback] of waiting) values[name] = fallback(evaluated);
  checkTogether(evaluated, chosen, problems, warnings);
  return evaluated;
}

/** What no value shows alone. */
function checkTogether(
  values: ConfigValues,
  chosen: ReadonlyMap<string, Assignment>,
  problems: string[],
  warnings: string[],
): void {
  const whereIs = (key: string): string => chosen.get(key)?.where ?? 'by default';
  if (values.minSessionTimeoutMs > values.maxSessionTimeoutMs) {
    const key = SETTINGS.minSessionTimeoutMs.key;
    problems.push(
      `${whereIs(key)}: ${key}=${values.minSessionTimeoutMs}: expected at most ${SETTINGS.maxSessionTimeoutMs.key}, ` +
        `which is ${values.maxSessionTimeoutMs} (${whereIs(SETTINGS.maxSessionTimeoutMs.key)})`,
    );
  }
  const { sessionPasswordIssue: issue, sessionPasswordAccept: accept } = values;
  if (accept !== 'default' && issue !== 'default' && !accept.includes(issue)) {
    const key = SETTINGS.sessionPasswordAccept.key;
    problems.push(`${whereIs(key)}: ${key}=${accept.join(',')}: expected ${issue} among them, which is what is issued`);
  }
  for (const setting of [SETTINGS.dataDir, SETTINGS.dataLogDir]) {
    const given = chosen.get(setting.key);
    if (given?.inFile && !/^(\.?\/|\.\.\/|[A-Za-z]:)/.test(given.value)) {
      warnings.push(`${given.where}: ${setting.key}=${given.value} is relative to the folder the server is started in`);
    }
  }
}

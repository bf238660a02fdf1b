import { readFileSync } from 'node:fs';
import { checkAdmin } from './admin-checks.ts';
import { type AuthFamilies, checkAuthentication, isAuthFamilyKey, readAuthFamilies } from './auth-families.ts';
import { checkClientPorts } from './client-tls-checks.ts';
import { ConfigError } from './config-error.ts';
import { checkEnsemble } from './ensemble-checks.ts';
import { knownElsewhere, knownNames } from './known-keys.ts';
import { type EnsembleConfig, isMemberKey, type MembersRead, readMembers, startsAsObserver } from './members.ts';
import { nearestKey } from './nearest-key.ts';
import { readProperties } from './properties.ts';
import { type ConfigValues, type GivenValue, SETTINGS, type ServerConfig } from './schema.ts';
import { type Setting, USE_DEFAULT, WRONG } from './setting.ts';
import type { SystemProperty } from './system-properties.ts';

export interface ParseOptions {
  /** Name of the file, for messages; null for the embedded default. */
  readonly file: string | null;
  readonly properties?: readonly SystemProperty[];
  /** The text of another file that the configuration names, or null when there is none; from the disk by default. */
  readonly readFile?: (path: string) => string | null;
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
/** Keys that no Apache server knows: a wrong one is a slip that would leave the data without backups. */
const BACKUP_PREFIX = 'backup.';
const FOUR_LETTER_WORDS: keyof ConfigValues = 'fourLetterWords';
const SETTING_BY_KEY = new Map<string, [keyof ConfigValues, AnySetting]>();
for (const [name, setting] of Object.entries(SETTINGS) as [keyof ConfigValues, AnySetting][]) {
  SETTING_BY_KEY.set(setting.key, [name, setting]);
}
const KEY_BY_ALIAS = new Map<string, string>();
for (const { key, aliases } of Object.values(SETTINGS) as AnySetting[]) {
  for (const alias of aliases ?? []) KEY_BY_ALIAS.set(alias, key);
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
  const members = new Map<string, Assignment>();
  const families = new Map<string, Assignment>();

  for (const assignment of assignments(text, options, problems)) {
    const { key, where } = assignment;
    const known = isMemberKey(key)
      ? members
      : SETTING_BY_KEY.has(key)
        ? chosen
        : isAuthFamilyKey(key)
          ? families
          : null;
    if (known === null) {
      if (key.startsWith(BACKUP_PREFIX)) problems.push(`${where}: ${unknown(key)}`);
      else warnings.push(`${where}: ${notASetting(key)}`);
      continue;
    }
    const earlier = known.get(key);
    if (earlier !== undefined && earlier.value !== assignment.value && assignment.inFile) {
      // Who overrides the file on the command line means it.
      if (known === members && earlier.inFile)
        problems.push(`${where}: ${key}: stands twice, already at ${earlier.where}`);
      else
        warnings.push(`${where}: ${shown(assignment)} takes the place of ${shownValue(earlier)} from ${earlier.where}`);
    }
    known.set(key, assignment);
  }

  const read = readMembers(
    {
      lines: [...members.values()],
      file: options.file,
      dataDir: chosen.get(SETTINGS.dataDir.key)?.value ?? null,
      standaloneEnabled: chosen.get(SETTINGS.standaloneEnabled.key)?.value.toLowerCase() !== 'false',
      readFile: options.readFile ?? textOfFile,
    },
    problems,
    warnings,
  );
  takeClientAddress(read, chosen, problems);
  const auth = readAuthFamilies(families.values(), problems, warnings);
  const values = evaluate(chosen, auth, options.file, problems, warnings);
  const ensemble = completeEnsemble(read, values, chosen, problems, warnings);
  if (problems.length > 0) throw new ConfigError(problems);
  const given = new Map<string, GivenValue>();
  for (const [key, { value, where }] of [...chosen, ...members, ...families])
    given.set(key, Object.freeze({ text: value, where }));
  return Object.freeze({ ...values, ensemble, auth, file: options.file, given, warnings: Object.freeze(warnings) });
}

/** The client port and address of this server's own line count unless they are given; both at once must agree. */
function takeClientAddress(read: MembersRead, chosen: Map<string, Assignment>, problems: string[]): void {
  for (const line of [read.clientPort, read.clientAddress]) {
    if (line === null) continue;
    const given = chosen.get(line.key);
    if (given === undefined) chosen.set(line.key, { ...line, inFile: false });
    else if (read.ensemble !== null && given.value !== line.value) {
      problems.push(
        `${given.where}: ${shown(given)}: expected ${line.value}, as in the server's own line (${line.where})`,
      );
    }
  }
}

function completeEnsemble(
  read: MembersRead,
  values: ConfigValues,
  chosen: ReadonlyMap<string, Assignment>,
  problems: string[],
  warnings: string[],
): EnsembleConfig | null {
  if (read.ensemble === null || read.own === null || problems.length > 0) return null;
  const whereIs = (key: string): string | null => chosen.get(key)?.where ?? null;
  const peerType = { value: values.peerType, where: whereIs(SETTINGS.peerType.key) };
  const observer = startsAsObserver(read.own, peerType, warnings);
  checkEnsemble(read.ensemble, values, whereIs, problems, warnings);
  return Object.freeze({ ...read.ensemble, observer });
}

function textOfFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new ConfigError([`${path}: ${(error as Error).message}`]);
  }
}

/** `key=value` for messages, without the secrets. */
function shown(assignment: Assignment): string {
  return `${assignment.key}=${shownValue(assignment)}`;
}

function shownValue({ key, value }: Assignment): string {
  return SETTING_BY_KEY.get(key)?.[1].secret ? '***' : value;
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

/** The key as the table of settings has it. */
function plainKey(key: string): string {
  const plain = key.startsWith(PREFIX) ? key.slice(PREFIX.length) : key;
  return KEY_BY_ALIAS.get(plain) ?? plain;
}

function notASetting(key: string): string {
  const known = knownElsewhere(key);
  if (known?.kind === 'later') return `${key} is known, has no effect yet`;
  if (known?.kind === 'needless') return `${key} is known, has no effect: ${known.why}`;
  return unknown(key, ' and ignored');
}

function unknown(key: string, soWhat = ''): string {
  const nearest = nearestKey(key, [...SETTING_BY_KEY.keys(), ...knownNames()]);
  return `${key} is unknown${soWhat}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
}

function evaluate(
  chosen: ReadonlyMap<string, Assignment>,
  auth: AuthFamilies,
  file: string | null,
  problems: string[],
  warnings: string[],
): ConfigValues {
  const values: Record<string, unknown> = {};
  const waiting: [string, (values: ConfigValues) => unknown][] = [];
  for (const [key, [name, setting]] of SETTING_BY_KEY) {
    const assignment = chosen.get(key);
    let value: unknown = USE_DEFAULT;
    if (assignment !== undefined) {
      value = setting.read(assignment.value);
      if (value === WRONG) {
        problems.push(`${assignment.where}: ${shown(assignment)}: expected ${setting.expected}`);
      } else if (setting.minimum !== undefined && typeof value === 'number' && value < setting.minimum) {
        warnings.push(`${assignment.where}: ${key}=${assignment.value} is raised to ${setting.minimum}`);
        value = setting.minimum;
      }
      if (setting.pending) warnings.push(`${assignment.where}: ${key} is known, has no effect yet`);
    }
    if (value === USE_DEFAULT) {
      const fallback = setting.default;
      if (typeof fallback === 'function') waiting.push([name, fallback]);
      else if (fallback !== null) value = fallback;
      else problems.push(`${file ?? 'the default configuration'}: ${key} is not set: expected ${setting.expected}`);
    }
    values[name] = value;
  }
  if ([SETTINGS.clientPort, SETTINGS.secureClientPort].every(({ key }) => (chosen.get(key)?.value ?? '-1') === '-1')) {
    const { key, expected } = SETTINGS.clientPort;
    problems.push(`${file ?? 'the default configuration'}: ${key} is not set: expected ${expected}`);
  }
  if (problems.length > 0) return values as unknown as ConfigValues;
  const evaluated = values as unknown as ConfigValues;
  for (const [name, fallback] of waiting) values[name] = fallback(evaluated);
  // Clients that may be served read-only look for a writable server with this word.
  if (evaluated.readOnlyMode && !evaluated.fourLetterWords.includes('isro')) {
    values[FOUR_LETTER_WORDS] = Object.freeze([...evaluated.fourLetterWords, 'isro']);
  }
  checkTogether(evaluated, chosen, auth, problems, warnings);
  return evaluated;
}

/** What no value shows alone. */
function checkTogether(
  values: ConfigValues,
  chosen: ReadonlyMap<string, Assignment>,
  auth: AuthFamilies,
  problems: string[],
  warnings: string[],
): void {
  const whereIs = (key: string): string => chosen.get(key)?.where ?? 'by default';
  checkAuthentication(values, auth, whereIs, problems, warnings);
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
  checkClientPorts(values, whereIs, problems);
  checkBackups(values, chosen, whereIs, problems, warnings);
  checkAdmin(values, whereIs, problems);
  for (const setting of [SETTINGS.dataDir, SETTINGS.dataLogDir]) {
    const given = chosen.get(setting.key);
    if (given?.inFile && !/^(\.?\/|\.\.\/|[A-Za-z]:)/.test(given.value)) {
      warnings.push(`${given.where}: ${setting.key}=${given.value} is relative to the folder the server is started in`);
    }
  }
}

function checkBackups(
  values: ConfigValues,
  chosen: ReadonlyMap<string, Assignment>,
  whereIs: (key: string) => string,
  problems: string[],
  warnings: string[],
): void {
  const target = values.backupTarget;
  if (target !== null && values.localSessions && !values.localSessionUpgrading) {
    problems.push(
      `${whereIs(SETTINGS.localSessionUpgrading.key)}: ${SETTINGS.localSessionUpgrading.key}: expected true beside ` +
        `${SETTINGS.localSessions.key}=true and ${SETTINGS.backupTarget.key}: an ephemeral znode says which server ships`,
    );
  }
  for (const [key, { where }] of chosen) {
    if (target === null && key.startsWith(BACKUP_PREFIX)) {
      warnings.push(`${where}: ${key} has no effect without ${SETTINGS.backupTarget.key}`);
    } else if (target !== null && key.startsWith(`${BACKUP_PREFIX}s3.`) && !target.startsWith('s3:')) {
      problems.push(`${where}: ${key} is for buckets, and ${SETTINGS.backupTarget.key} is ${target}`);
    }
  }
}

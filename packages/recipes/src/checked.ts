import type { Client } from '@headkeeper/client';
import { aclFault, callFault, dataFault, pathFault, shown } from '@headkeeper/client/internal';

/** What is wrong with an option, as a part of a sentence that begins with its name; null: nothing. */
type Fault = (value: unknown) => string | null;

/** An option means the same, and is checked the same way, in every recipe that has it. */
const OPTION_FAULTS: Readonly<Record<string, Fault>> = {
  acl: aclFault,
  blockSize: (value) => wholeFault('blockSize', value, 1),
  clock: (value) => kindFault('clock', value, 'function'),
  data: dataFault,
  depth: (value) => (value === Number.POSITIVE_INFINITY ? null : wholeFault('depth', value, 0)),
  downAfterErrors: (value) => wholeFault('downAfterErrors', value, 1),
  downForMs: (value) => millisecondsFault('downForMs', value),
  everyMs: (value) => millisecondsFault('everyMs', value),
  history: (value) => wholeFault('history', value, 1),
  id: (value) => kindFault('id', value, 'string'),
  ifTaken: (value) => choiceFault('ifTaken', value, ['wait', 'replace']),
  isHealthy: (value) => kindFault('isHealthy', value, 'function'),
  lockPath: (value) => {
    const fault = pathFault(value);
    return fault === null ? null : `the option lockPath is wrong: ${fault}`;
  },
  schema: (value) => (typeof value === 'object' && value !== null ? null : kindFault('schema', value, 'object')),
  strategy: (value) => choiceFault('strategy', value, ['random', 'roundRobin', 'sticky']),
};

/**
 * The arguments of a recipe: without types a wrong one would fail later, somewhere else, or never.
 *
 * @throws TypeError, which names the recipe and the argument.
 */
export function checkRecipe(recipe: string, client: Client, path: string, options: unknown = {}): void {
  const { getData, onEvent } = (client ?? {}) as Partial<Client>;
  if (typeof getData !== 'function' || typeof onEvent !== 'function') {
    throw new TypeError(`${recipe}: the client has to be one that connect() gives, not ${shown(client)}`);
  }
  const fault = pathFault(path);
  if (fault !== null) throw new TypeError(`${recipe}: ${fault}`);
  checkOptions(recipe, options);
}

/** @throws TypeError, which names whose option it is and which one. */
export function checkOptions(recipe: string, options: unknown): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${recipe}: the options have to be an object, not ${shown(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    const fault = value === undefined ? null : (OPTION_FAULTS[name]?.(value) ?? null);
    if (fault !== null) throw new TypeError(`${recipe}: ${fault}`);
  }
  const fault = callFault(options);
  if (fault !== null) throw new TypeError(`${recipe}: ${fault}`);
}

/** @throws TypeError for bounds of a call that are none. */
export function checkBounds(operation: string, options: unknown): void {
  const fault = callFault(options);
  if (fault !== null) throw new TypeError(`${operation}: ${fault}`);
}

/** @throws TypeError for what is no string, RangeError for a string that is not a name of a znode. */
export function checkName(operation: string, what: string, name: unknown): void {
  const wanted = 'a string that is not empty and holds no slash';
  if (typeof name !== 'string') throw new TypeError(`${operation}: ${what} has to be ${wanted}, not ${shown(name)}`);
  if (name === '' || name.includes('/')) {
    throw new RangeError(`${operation}: ${what} has to be ${wanted}; '${name}' is not a name`);
  }
}

function kindFault(name: string, value: unknown, kind: 'function' | 'string' | 'object'): string | null {
  return typeof value === kind && value !== null
    ? null
    : `the option ${name} has to be ${kind === 'object' ? 'an' : 'a'} ${kind}, not ${shown(value)}`;
}

function wholeFault(name: string, value: unknown, least: number): string | null {
  return Number.isSafeInteger(value) && (value as number) >= least
    ? null
    : `the option ${name} has to be a whole number from ${least} on, not ${shown(value)}`;
}

function millisecondsFault(name: string, value: unknown): string | null {
  return typeof value === 'number' && value >= 0
    ? null
    : `the option ${name} has to be a number of milliseconds from 0 on, not ${shown(value)}`;
}

function choiceFault(name: string, value: unknown, choices: readonly string[]): string | null {
  return typeof value === 'string' && choices.includes(value)
    ? null
    : `the option ${name} has to be one of ${choices.join(', ')}, not ${typeof value === 'string' ? value : shown(value)}`;
}

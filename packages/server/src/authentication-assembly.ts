import { readFileSync } from 'node:fs';
import { boundedReports } from './adapters/peer/failure-reports.ts';
import { JaasError, type KeytabLogin, keytabLogin, parseJaas, serverUsers } from './adapters/sasl/jaas-file.ts';
import { KerberosAcceptor } from './adapters/sasl/kerberos/acceptor.ts';
import { KerberosError } from './adapters/sasl/kerberos/encryption.ts';
import { GssapiExchange } from './adapters/sasl/kerberos/gssapi-exchange.ts';
import { type KeytabEntry, parseKeytab } from './adapters/sasl/kerberos/keytab.ts';
import { type NameRules, nameOfPrincipal, parseNameRules } from './adapters/sasl/kerberos/principal-names.ts';
import { isOpenToOthers, openToOthers, UsersFile, UsersFileError } from './adapters/sasl/users-file.ts';
import { createClock } from './adapters/system/clock.ts';
import { unguessableBytes } from './adapters/system/unguessable.ts';
import { enforcedSchemes } from './config/auth-families.ts';
import { ConfigError } from './config/config-error.ts';
import type { ServerConfig } from './config/schema.ts';
import type { FailedLogin } from './core/auth/authentication.ts';
import type { Clock, Logins } from './ports.ts';

/** Section of the JAAS file where no other is named, as on Apache. */
const SERVER_SECTION = 'Server';
const NONCE_BYTES = 30;
const SUPER_USER = 'super';
/** How soon a change of the file of users is noticed. */
const LOOK_MS = 1000;

interface WarningLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

/** Those who can log in, until it is stopped. */
export interface OpenLogins extends Logins {
  stop(): void;
}

/**
 * The SASL users that a configuration names, or null where it names none (`sasl.usersFile`, the JAAS file's section `Server`).
 *
 * @throws ConfigError when a file cannot be read, or has not what is needed.
 */
export function openLogins(config: ServerConfig, log: WarningLog): OpenLogins | null {
  const { users, acceptor } = loginsOfJaas(config, log);
  const { saslUsersFile, saslSuperPassword } = config;
  const file = saslUsersFile === null ? null : openUsers(saslUsersFile, log);
  if (users === null && file === null && acceptor === null) {
    if (enforcedSchemes(config).includes('sasl')) {
      throw new ConfigError([
        `${config.loginConfig}: expected a section ${SERVER_SECTION} with the users who can log in by SASL, since all clients must`,
      ]);
    }
    return null;
  }
  const ticker = file === null ? null : setInterval(() => lookAt(file, log), LOOK_MS);
  ticker?.unref();
  return {
    nonce: () => unguessableBytes(NONCE_BYTES).toString('base64'),
    passwordOf: (user) => {
      if (user === SUPER_USER && saslSuperPassword !== null) return saslSuperPassword;
      return file?.passwordOf(user) ?? users?.get(user) ?? null;
    },
    ticketExchange: () => acceptor?.() ?? null,
    stop: () => {
      if (ticker !== null) clearInterval(ticker);
    },
  };
}

function lookAt(file: UsersFile, log: WarningLog): void {
  if (file.look()) log.info({ users: file.size }, 'the SASL users have been read again');
}

function openUsers(path: string, log: WarningLog): UsersFile {
  try {
    return new UsersFile(path, (message) => log.warn({}, message));
  } catch (error) {
    if (!(error instanceof UsersFileError)) throw error;
    throw new ConfigError([error.message]);
  }
}

interface JaasLogins {
  readonly users: ReadonlyMap<string, string> | null;
  /** Begins an exchange with a client that has a ticket. */
  readonly acceptor: (() => GssapiExchange) | null;
}

/** Nobody can log in by a file without such a section, where nobody has asked for it: it may be for other servers only. */
function loginsOfJaas(config: ServerConfig, log: WarningLog): JaasLogins {
  const { loginConfig: path, saslServerSection } = config;
  if (path === null) return { users: null, acceptor: null };
  const section = saslServerSection ?? SERVER_SECTION;
  try {
    const sections = parseJaas(readFileSync(path, 'utf8'));
    if (!sections.has(section) && saslServerSection === null) {
      if (!config.quorumSasl) log.warn({}, `${path} has no section ${section}: no client can log in by SASL`);
      return { users: null, acceptor: null };
    }
    const login = keytabLogin(sections, section);
    if (login !== null) return { users: null, acceptor: openKeytab(login, config, log) };
    if (isOpenToOthers(path)) log.warn({}, openToOthers(path));
    return { users: serverUsers(sections, section), acceptor: null };
  } catch (error) {
    if (!(error instanceof JaasError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new ConfigError([`${path}: ${(error as Error).message}`]);
  }
}

function openKeytab({ keytab, principal }: KeytabLogin, config: ServerConfig, log: WarningLog): () => GssapiExchange {
  try {
    const all = parseKeytab(readFileSync(keytab));
    const keys = all.filter((entry) => principal === null || isOf(entry, principal));
    const [first] = keys;
    if (first === undefined) {
      throw new KerberosError(`no AES key of ${principal ?? 'any service'} is in it, only of ${namesOf(all)}`);
    }
    if (isOpenToOthers(keytab)) log.warn({}, openToOthers(keytab));
    const rules = rulesOf(config, first.realm);
    const clock = createClock();
    const acceptor = new KerberosAcceptor(keys, () => clock.wallMs());
    log.info({ services: namesOf(keys) }, 'clients can log in with tickets of Kerberos');
    return () => new GssapiExchange(acceptor, (client) => nameOfPrincipal(client, rules));
  } catch (error) {
    if (!(error instanceof KerberosError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new ConfigError([`${keytab}: ${(error as Error).message}`]);
  }
}

function rulesOf(config: ServerConfig, defaultRealm: string): NameRules {
  const { kerberosNameRules, kerberosRemovesHost: removesHost, kerberosRemovesRealm: removesRealm } = config;
  try {
    return { rules: parseNameRules(kerberosNameRules), removesHost, removesRealm, defaultRealm };
  } catch (error) {
    if (!(error instanceof KerberosError)) throw error;
    throw new ConfigError([`security.auth_to_local: ${error.message}`]);
  }
}

function isOf(entry: KeytabEntry, principal: string): boolean {
  return entry.principal === principal || entry.principal === `${principal}@${entry.realm}`;
}

function namesOf(keys: readonly KeytabEntry[]): string {
  return [...new Set(keys.map(({ principal }) => principal))].join(', ') || 'nobody';
}

/** Tells the log of clients that have failed to prove who they are; not more often than it can bear. */
export function failedLoginReports(clock: Clock, log: WarningLog): (login: FailedLogin) => void {
  const failed = boundedReports(clock, (error) => log.warn({}, `a client failed to authenticate: ${error.message}`));
  return ({ address, scheme, user, reason }) => {
    failed(
      new Error(`${address}, scheme ${scheme}${user === null ? '' : `, user ${JSON.stringify(user)}`}: ${reason}`),
    );
  };
}

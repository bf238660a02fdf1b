import { readFileSync } from 'node:fs';
import { boundedReports } from './adapters/peer/failure-reports.ts';
import { JaasError, parseJaas, serverUsers } from './adapters/sasl/jaas-file.ts';
import { isOpenToOthers, openToOthers, UsersFile, UsersFileError } from './adapters/sasl/users-file.ts';
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
  const listed = usersOfJaas(config, log);
  const { saslUsersFile, saslSuperPassword } = config;
  const file = saslUsersFile === null ? null : openUsers(saslUsersFile, log);
  if (listed === null && file === null) {
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
      return file?.passwordOf(user) ?? listed?.get(user) ?? null;
    },
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

/** Null: the file has no such section, and nobody has asked for it; it may be for other servers only. */
function usersOfJaas(config: ServerConfig, log: WarningLog): ReadonlyMap<string, string> | null {
  const { loginConfig: path, saslServerSection } = config;
  if (path === null) return null;
  const section = saslServerSection ?? SERVER_SECTION;
  try {
    const sections = parseJaas(readFileSync(path, 'utf8'));
    if (!sections.has(section) && saslServerSection === null) {
      if (!config.quorumSasl) log.warn({}, `${path} has no section ${section}: no client can log in by SASL`);
      return null;
    }
    if (isOpenToOthers(path)) log.warn({}, openToOthers(path));
    return serverUsers(sections, section);
  } catch (error) {
    if (!(error instanceof JaasError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new ConfigError([`${path}: ${(error as Error).message}`]);
  }
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

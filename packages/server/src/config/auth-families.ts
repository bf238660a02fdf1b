import { AUTH_SETTINGS } from './auth-schema.ts';
import type { ConfigValues } from './config-values.ts';

/** What the keys say of which there can be several: `authProvider.<id>` and `superUser`, `superUser.<suffix>`. */
export interface AuthFamilies {
  /** Schemes whose providers are listed, out of `sasl`, `x509`, `digest`, `ip` and `ensemble`. */
  readonly providers: ReadonlySet<string>;
  /** SASL users whom no access control list holds back. */
  readonly saslSuperUsers: ReadonlySet<string>;
}

interface Line {
  readonly key: string;
  readonly value: string;
  readonly where: string;
}

const PROVIDER = 'authProvider.';
const SUPER_USER = 'superUser';
const JAVA_PACKAGE = 'org.apache.zookeeper.server.auth.';
/** The last part of the names of Apache's classes, and the schemes that they serve. */
const SCHEMES: ReadonlyMap<string, string> = new Map([
  ['SASLAuthenticationProvider', 'sasl'],
  ['X509AuthenticationProvider', 'x509'],
  ['DigestAuthenticationProvider', 'digest'],
  ['IPAuthenticationProvider', 'ip'],
  ['EnsembleAuthenticationProvider', 'ensemble'],
]);

export function isAuthFamilyKey(key: string): boolean {
  return key.startsWith(PROVIDER) || key === SUPER_USER || key.startsWith(`${SUPER_USER}.`);
}

/** Reads these keys. A provider that is not built in is a warning: no identity of its scheme is ever accepted. */
export function readAuthFamilies(lines: Iterable<Line>, problems: string[], warnings: string[]): AuthFamilies {
  const providers = new Set<string>();
  const saslSuperUsers = new Set<string>();
  for (const { key, value, where } of lines) {
    if (value === '') {
      problems.push(`${where}: ${key}: expected ${key.startsWith(PROVIDER) ? 'the name of a class' : 'a user'}`);
      continue;
    }
    if (!key.startsWith(PROVIDER)) {
      saslSuperUsers.add(value);
      continue;
    }
    const scheme = SCHEMES.get(value.startsWith(JAVA_PACKAGE) ? value.slice(JAVA_PACKAGE.length) : value);
    if (scheme !== undefined) providers.add(scheme);
    else {
      warnings.push(
        `${where}: ${key}=${value} has no effect, since Java classes cannot be loaded: what identities of its scheme may do, ` +
          `nobody may. Built in are ${[...SCHEMES.keys()].join(', ')}; clients can use the schemes of these`,
      );
    }
  }
  return Object.freeze({ providers, saslSuperUsers });
}

/** Which schemes clients can have identities of, or use in auth requests. `logsIn`: whether SASL users are configured. */
export function knownSchemes(values: ConfigValues, families: AuthFamilies, logsIn: boolean): ReadonlySet<string> {
  const schemes = new Set(families.providers);
  schemes.delete('ip');
  if (values.digestScheme) schemes.add('digest');
  else schemes.delete('digest');
  if (values.ensembleNames.length > 0) schemes.add('ensemble');
  if (logsIn) schemes.add('sasl');
  if (values.secureClientPort >= 0 || values.clientPortUnification) schemes.add('x509');
  return schemes;
}

/** Schemes of which a client must have an identity before it is served; empty: none. */
export function enforcedSchemes(values: ConfigValues): readonly string[] {
  if (values.sessionRequiresSasl) return ['sasl'];
  return values.enforceAuth ? values.enforcedSchemes : [];
}

/** What no value of the settings of authentication shows alone. */
export function checkAuthentication(
  values: ConfigValues,
  families: AuthFamilies,
  whereIs: (key: string) => string,
  problems: string[],
  warnings: string[],
): void {
  const { enforceAuth, enforcedSchemes: listed, loginConfig, saslUsersFile } = values;
  const key = values.sessionRequiresSasl ? AUTH_SETTINGS.sessionRequiresSasl.key : AUTH_SETTINGS.enforcedSchemes.key;
  if (enforceAuth && !values.sessionRequiresSasl && listed.length === 0) {
    const { key: enforce } = AUTH_SETTINGS.enforceAuth;
    problems.push(
      `${whereIs(enforce)}: ${enforce}=true: expected ${key} beside it, which says what clients must prove`,
    );
  }
  const hasUsers = loginConfig !== null || saslUsersFile !== null;
  const schemes = new Set([...knownSchemes(values, families, hasUsers), 'ip']);
  for (const scheme of enforcedSchemes(values)) {
    if (scheme === 'sasl' && !hasUsers) {
      problems.push(
        `${whereIs(key)}: ${key}: nobody could log in by SASL: expected users in ${AUTH_SETTINGS.saslUsersFile.key}, or in a ` +
          'JAAS file (java.security.auth.login.config)',
      );
    } else if (!schemes.has(scheme)) {
      problems.push(
        `${whereIs(key)}: ${key}: the scheme ${scheme} is not available: expected some of ${[...schemes].sort().join(', ')}`,
      );
    }
  }
  if (!enforceAuth && !values.sessionRequiresSasl && listed.length > 0) {
    warnings.push(`${whereIs(key)}: ${key} has no effect without ${AUTH_SETTINGS.enforceAuth.key}=true`);
  }
  const { saslSuperPassword, saslServerSection } = AUTH_SETTINGS;
  if (values.saslSuperPassword !== null && !hasUsers) {
    warnings.push(
      `${whereIs(saslSuperPassword.key)}: ${saslSuperPassword.key} has no effect while no SASL users are configured`,
    );
  }
  if (values.saslServerSection !== null && loginConfig === null) {
    problems.push(
      `${whereIs(saslServerSection.key)}: ${saslServerSection.key}: expected java.security.auth.login.config beside it, the ` +
        'JAAS file that has the section',
    );
  }
}
